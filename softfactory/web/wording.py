"""The words of the page, in English and in Chinese, as the browser prefers.

They all stand in `words.toml`: the page's own, and sentences that the rest of the program says in
English, for a terminal, which the page says in its own way.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from softfactory.state.headings import CHINESE, ENGLISH

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
CHINESE_TAGS = ("zh", "zh-CN", "zh-TW", "zh-HK", "zh-SG")
NUMBERS = ("n", "m", "k")
LONGEST_SENTENCE = 2000
"""In characters; what is longer was not said by the program."""


@dataclass(frozen=True)
class Sentence:
    """Something that the program says, and how the page says it."""

    pattern: re.Pattern[str]
    texts: Mapping[Language, str]
    """Without English it stays as it was said."""


@dataclass(frozen=True)
class Words:
    """All words there are."""

    words: Mapping[str, Mapping[Language, str]]
    sentences: tuple[Sentence, ...]


class Wording:
    """The words for one visitor."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __getitem__(self, key: str) -> str:
        return _all().words[key][self.language]

    def get(self, key: str) -> str:
        """The word for a name of the program's own; the name itself where there is none."""
        known = _all().words
        return known[key][self.language] if key in known else key

    def said(self, text: str) -> str:
        """A text of the program's, as the page says it; any other text stays as it is."""
        return "\n\n".join(_said(part, self.language) for part in text.split("\n\n"))


def wording(headers: Mapping[str, str]) -> Wording:
    """Chinese if the browser would rather have it than English."""
    for part in headers.get("accept-language", "").lower().split(","):
        tag = part.split(";")[0].strip()
        for language in LANGUAGES:
            if tag.startswith(language):
                return Wording(language)
    return Wording("en")


def translations() -> dict[str, dict[str, str]]:
    """All words by the names that browsers give to the languages."""
    english, chinese = (
        {key: texts[language] for key, texts in _all().words.items()} for language in LANGUAGES
    )
    return {"en": english, **dict.fromkeys(CHINESE_TAGS, chinese)}


@cache
def _all() -> Words:
    kept = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    words = {key: dict(zip(LANGUAGES, pair, strict=True)) for key, pair in kept["words"].items()}
    missing = [{"said": ENGLISH[k], "zh": CHINESE[k]} for k in ENGLISH if k.startswith("no_")]
    sentences = [Sentence(_pattern(s["said"]), s) for s in [*missing, *kept["sentences"]]]
    return Words(words, tuple(sentences))


def _pattern(said: str) -> re.Pattern[str]:
    """What fits a sentence with anything in its braces."""
    fixed, *rest = re.split(r"\{(\w+)\}", said)
    pattern = re.escape(fixed)
    for name, fixed in zip(rest[::2], rest[1::2], strict=True):
        what = r"\d[\d.,]*" if name in NUMBERS else ".+?"
        pattern += f"(?P<{name}>{what}){re.escape(fixed)}"
    return re.compile(pattern.replace(re.escape("(s)"), "s?"), re.DOTALL)


@lru_cache(maxsize=4096)
def _said(text: str, language: Language) -> str:
    if len(text) > LONGEST_SENTENCE:
        return text
    for sentence in _all().sentences:
        if found := sentence.pattern.fullmatch(text):
            parts = {name: _said(part, language) for name, part in found.groupdict().items()}
            if language in sentence.texts:
                return sentence.texts[language].format(**parts)
            for name in reversed(parts):
                start, end = found.span(name)
                text = text[:start] + parts[name] + text[end:]
            return text
    first, joint, rest = text.partition("; ")
    known = _said(first, language) if joint else first
    joint = "；" if language == "zh" else joint
    return text if known == first else f"{known}{joint}{_said(rest, language)}"

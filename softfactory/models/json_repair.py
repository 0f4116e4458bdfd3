"""JSON as models write it: found in prose, read in spite of slips, fitted to its schema.

Forgiven are comments, commas too many or too few, quotes of any kind, bare keys, Python's words
and tuples, raw newlines, single backslashes, and braces missing at the very end. Nothing is
guessed: an open string or list, a key given twice, or a backslash that can be read in two ways is
damage, and an object with damage is handed on as such.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
THINKING = r"think|thinking|thought|reasoning"
MARK = re.compile(
    rf"(?P<think><(?:{THINKING})>)|(?P<end></(?:{THINKING})>)|\{{|\[(?=\s*[\[{{])", re.I
)
THOUGHT = re.compile(rf"</(?:{THINKING})>", re.I)
BLANK = re.compile(
    rf"(?:[\s\ufeff\u200b]|//[^\n]*|\#[^\n]*|/\*.*?\*/|<({THINKING})>.*?</\1>)+", re.DOTALL | re.I
)
FENCE = re.compile(r"(?:`{3,}|~{3,})\s*\Z")
WORD = re.compile(r"[-+.\w]+")
BARE_KEY = re.compile(r"[A-Za-z_$][\w$-]*")
NUMBER = re.compile(
    r"[-+]?(?:0|[1-9]\d{0,30}|(?=\.\d))(?P<part>\.\d*)?(?P<power>[eE][-+]?\d{1,3})?"
)
WORDS = {"true": True, "false": False, "null": None, "none": None, "nan": float("nan")}
CLOSING = {"[": "]", "(": ")"}
QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“”", "”": "”", "‘": "’", "’": "’"}
AFTER_KEY = re.compile(r"\s*[:：]")
AFTER_VALUE = re.compile(
    r"\s*(?:[,，}\])]|//|/\*|\#|\Z|(?:`{3,}|~{3,})\s*\Z)|\s*\n\s*(?P<quote>[\"'])\w+(?P=quote)\s*:"
)
ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\(?:.|\Z)", re.DOTALL)
ESCAPES = set("ntrbf")
BREAKS_OFF = "it breaks off before its end"


@dataclass(frozen=True)
class Found:
    """An object of a text, or a list; with `damage`, `value` are the containers that were open."""

    value: Any
    end: int
    damage: str = ""


def objects(text: str) -> list[Found]:
    """Find the objects that are not thought aloud, in order.

    If the thinking has no end, only an object that ends the text can be the answer.
    """
    found: list[Found] = []
    position, still_thinking = 0, False
    while mark := MARK.search(text, position):
        if mark["end"]:
            found, position, still_thinking = [], mark.end(), False
        elif mark["think"]:
            thought = THOUGHT.search(text, mark.end())
            position, still_thinking = (thought or mark).end(), not thought
        else:
            found.append(_object(text, mark.start()))
            position = found[-1].end
    if still_thinking and found and not text.rstrip(" \t\r\n`~").endswith("}", found[-1].end - 1):
        return [Found([], len(text), "it ends while thinking aloud")]
    return found[-1:] if still_thinking else found


def quoted(text: str) -> str:
    """Undo a second encoding: an answer that is one JSON string, which holds the answer."""
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else text


def fitted(value: Any, schema: Schema, definitions: Mapping[str, Schema]) -> Any:
    """`value` in the shape of `schema` where that takes no guess; validation comes after it.

    Names in another spelling are set right, one item becomes a list of one, null an empty list,
    a whole number digits. A yes or no is no number.
    """
    schema = definitions[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    kind = schema.get("type")
    if isinstance(value, dict) and "properties" in schema:
        return _fitted_object(value, schema, definitions)
    if isinstance(value, str) and "enum" in schema:
        return next((name for name in schema["enum"] if plain(name) == plain(value)), value)
    if kind == "array" and isinstance(items := _listed(value, schema), list):
        return [fitted(item, schema["items"], definitions) for item in items]
    as_text = kind == "string" and type(value) is int
    return str(value) if as_text or (kind != "string" and isinstance(value, bool)) else value


def plain(name: str) -> str:
    """A name without what spellings differ in."""
    return re.sub(r"[\W_]", "", name.lower())


def _listed(value: Any, schema: Schema) -> Any:
    """A list, unless how the value is split into items (as a command is) must be shown."""
    if value is None:
        return []
    is_split = '["' in schema.get("description", "")
    word = value.strip() if isinstance(value, str) and not is_split else ""
    is_item = "\n" not in word and plain(word) not in ("", "none", "na", "null", "nil", "nothing")
    return [value] if isinstance(value, dict) or is_item else value


def _fitted_object(
    value: dict[str, Any], schema: Schema, definitions: Mapping[str, Schema]
) -> dict[str, Any]:
    """The known fields, and unknown ones if any known one is missing or all are empty.

    An unknown field beside empty ones may be what was meant to stand in them.
    """
    fields, result, rest = {plain(name): name for name in schema["properties"]}, {}, {}
    for key, item in value.items():
        name = fields.get(plain(key), "")
        if name and name not in result:
            result[name] = fitted(item, schema["properties"][name], definitions)
        else:
            rest[key] = item
    is_twin = any(plain(key) in fields for key in rest)
    is_whole = set(schema.get("required", ())) <= result.keys() and any(result.values())
    return result if is_whole and not is_twin else rest | result


def _object(text: str, start: int) -> Found:
    try:
        return Found(*DECODER.raw_decode(text, start))
    except (ValueError, RecursionError):
        return _Reading(text, start).found()


class _Damage(Exception):
    """Where a person would stop reading, too."""


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, item in pairs:
        if key in value and value[key] != item:
            raise ValueError(key)
        value[key] = item
    return value


DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_without_twins)


class _Reading:
    """One tolerant reading of the object that starts at a place of the text."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._start = self._at = start
        self._open: list[dict[str, Any] | list[Any]] = []

    def found(self) -> Found:
        """What was read, as far as it could be."""
        try:
            return Found(self._value(), self._at)
        except _Damage as damage:
            end = self._at if any(self._open) or len(self._open) > 9 else self._start + 1
            return Found(self._open, end, str(damage))

    def _value(self) -> Any:
        sign = self._sign()
        if sign == "{":
            return self._entered({})
        if sign in CLOSING:
            return self._entered([], CLOSING[sign])
        if sign in QUOTES:
            return self._string(AFTER_VALUE)
        return self._word()

    def _entered(self, container: dict[str, Any] | list[Any], closing: str = "}") -> Any:
        if len(self._open) == 60:
            raise self._damage("it is nested too deeply")
        self._open.append(container)
        self._at += 1
        for _ in self._items(closing):
            if isinstance(container, list):
                container.append(self._value())
            else:
                self._pair(container)
        self._open.pop()
        return container

    def _items(self, closing: str) -> Iterator[None]:
        """Stop before every item of the container that is open."""
        while (sign := self._sign()) != closing:
            if not sign and self._is_whole():
                return
            yield
            sign = self._sign()
            if sign in (",", "，"):
                self._at += 1
            elif sign and sign != closing and not self._begins_another(sign):
                raise self._damage("a comma or bracket is missing")
        self._at += 1

    def _begins_another(self, sign: str) -> bool:
        around = self._open[-1]
        return sign in QUOTES if isinstance(around, dict) else sign == "{"

    def _is_whole(self) -> bool:
        """Whether nothing but closing braces can be missing at the end of the text."""
        read = self._text[: self._at]
        last = read.rstrip()[-1]
        closed = last in "\"'”’}]" or (last.isalnum() and read[-1].isspace())
        return closed and all(isinstance(container, dict) for container in self._open)

    def _pair(self, container: dict[str, Any]) -> None:
        if self._sign() in QUOTES:
            key = self._string(AFTER_KEY)
        elif bare := BARE_KEY.match(self._text, self._at):
            key, self._at = bare.group(), bare.end()
        else:
            raise self._damage("a key is missing")
        if self._sign() not in (":", "："):
            raise self._damage(f"there is no colon after the key {key!r}")
        self._at += 1
        is_twin, known = key in container, container.setdefault(key, None)
        container[key] = self._value()
        if is_twin and container[key] != known:
            raise self._damage(f"the key {key!r} stands in it twice")

    def _word(self) -> Any:
        word = WORD.match(self._text, self._at)
        text = word.group() if word else ""
        number = NUMBER.fullmatch(text)
        if text.lower() not in WORDS and not number:
            raise self._damage("a value is missing")
        self._at += len(text)
        if number and (number["part"] or number["power"]):
            return float(text)
        return int(text) if number else WORDS[text.lower()]

    def _sign(self) -> str:
        """Pass over blanks and comments; the next character, or nothing at the end."""
        blank = BLANK.match(self._text, self._at)
        self._at = blank.end() if blank else self._at
        return "" if FENCE.match(self._text, self._at) else self._text[self._at : self._at + 1]

    def _string(self, after: re.Pattern[str]) -> str:
        opening, start = self._text[self._at], self._at + 1
        marks = re.compile(rf"\\.|[{opening}{QUOTES[opening]}]", re.DOTALL)
        depth = 0
        for mark in marks.finditer(self._text, start):
            if mark.group()[0] == "\\" or self._is_apostrophe(mark):
                continue
            if mark.group() in QUOTES[opening] and after.match(self._text, mark.end()):
                if depth:
                    break
                self._at = mark.end()
                return self._unescaped(self._text[start : mark.start()])
            depth = self._depth(mark, opening, depth)
        self._at = len(self._text) if not depth else self._at
        raise self._damage("it has a string without an end, or with quotes that need a backslash")

    def _is_apostrophe(self, mark: re.Match[str]) -> bool:
        around = self._text[mark.start() - 1] + self._text[mark.end() : mark.end() + 1]
        return mark.group() in "'’" and len(around) == 2 and around.isalpha()

    def _depth(self, mark: re.Match[str], opening: str, depth: int) -> int:
        """Follow quotations inside a string, which are kept if they open and close in pairs."""
        before, behind = self._text[mark.start() - 1], self._text[mark.end() : mark.end() + 1]
        alike = QUOTES[opening] == opening
        opens = not depth if alike else mark.group() == opening
        shaped = (before.isspace() or before in "([{=") and not behind.isspace()
        if (opens and not shaped) or (not opens and (not depth or before.isspace())):
            raise self._damage("it has quotes inside a string that need a backslash")
        return depth + 1 if opens else depth - 1

    def _unescaped(self, raw: str) -> str:
        escapes = [escape[1:2] for escape in ESCAPE.findall(raw)]
        unknown = {e for e in escapes if e not in {*ESCAPES, *"\"'\\/"}} - {"u"}
        unknown |= {"u"} if re.search(r"(?<!\\)(?:\\\\)*\\u(?![0-9a-fA-F]{4})", raw) else set()
        known = {*ESCAPES, "u", "\\"} - unknown
        doubtful = any(e == "x" or e.isdigit() or not e.strip() for e in unknown)
        if doubtful or (unknown and known & set(escapes)):
            raise self._damage("a backslash in a string must be doubled")
        return ESCAPE.sub(lambda e: e[0] if e[0][1] in unknown else _meant(e[0]), raw)

    def _damage(self, reason: str) -> _Damage:
        if self._at >= len(self._text.rstrip().rstrip("`~").rstrip()):
            return _Damage(BREAKS_OFF)
        before = " ".join(self._text[max(0, self._at - 50) : self._at].split())
        return _Damage(f"{reason}, after {before!r}")


def _meant(escape: str) -> str:
    return str(json.loads(f'"{escape}"')) if escape != "\\'" else "'"

"""Answers as models spoil them: every damage by name, applied to every answer of the calculator.

`READABLE` damage is wrapping or a slip: the content must be read at once. `ONE_MORE` leaves doubt:
it must be refused, so that the next call can set it right. `HOPELESS` must be refused.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from softfactory.models.answers import DocumentReader, FilesReader
from softfactory.state.documents import Document, Spoken
from tests import calculator

PROSE = ("title", "summary", "approach", "data", "usage", "cause", "fix", "stdin", "text")
Outcome = Literal["READABLE", "ONE_MORE", "HOPELESS"]
Damage = Callable[[Any], str]


@dataclass(frozen=True)
class DamagedAnswer:
    """A text, what was meant by it, and what must become of it."""

    damage: str
    subject: str
    outcome: Outcome
    text: str
    meant: Document | Mapping[str, str]
    current: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.damage} / {self.subject}"

    @property
    def has_draft(self) -> bool:
        """Whether it could be meant otherwise if it broke off: a draft, or half a README."""
        return self.damage.startswith(("draft", "think", "given twice", "three around"))

    def reader(self) -> DocumentReader[Document] | FilesReader:
        """A new reader of such an answer."""
        if isinstance(self.meant, Document):
            return DocumentReader(type(self.meant))
        return FilesReader(self.current, self.meant.__contains__, expected=list(self.meant))


def answers() -> list[DamagedAnswer]:
    """Every damaged answer."""
    return [*_documents(), *_files(), *_edits()]


def spelled(
    value: Any,
    string: Callable[[str], str] = json.dumps,
    key: Callable[[str], str] = json.dumps,
    comma: str = ", ",
    last: str = "",
    brackets: str = "[]",
    words: tuple[str, str, str] = ("true", "false", "null"),
) -> str:
    """JSON in another spelling."""

    def write(item: Any) -> str:
        if isinstance(item, dict):
            inner = comma.join(f"{key(k)}: {write(v)}" for k, v in item.items())
            return "{" + inner + (last if item else "") + "}"
        if isinstance(item, list):
            inner = comma.join(map(write, item))
            return brackets[0] + inner + (last if item else "") + brackets[1]
        if isinstance(item, str):
            return string(item)
        if item is None or isinstance(item, bool):
            return words[2] if item is None else words[0] if item else words[1]
        return repr(item)

    return write(value)


def with_lines(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every string changed."""
    if isinstance(value, dict):
        return {k: with_lines(v, change) for k, v in value.items()}
    if isinstance(value, list):
        return [with_lines(v, change) for v in value]
    return change(value) if isinstance(value, str) else value


def _changed(value: Any, wanted: type, change: Callable[[Any], Any]) -> Any:
    """The value with every part of a type changed."""
    if isinstance(value, dict):
        value = {k: _changed(v, wanted, change) for k, v in value.items()}
    elif isinstance(value, list):
        value = [_changed(v, wanted, change) for v in value]
    return change(value) if type(value) is wanted else value


def plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def raw(text: str) -> str:
    """A string with its newlines and tabs as they are."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def smart(text: str) -> str:
    return f"“{json.dumps(text, ensure_ascii=False)[1:-1]}”"


def single(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def cut(value: Any, share: float) -> str:
    """The beginning of an answer."""
    text = pretty(value)
    return text[: int(len(text) * share)]


def first(value: dict[str, Any]) -> str:
    return next(iter(value))


def without(value: dict[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in value.items() if k != key}


def title(key: str) -> str:
    """A key as another language spells it: userStories for user_stories."""
    head, *tail = key.split("_")
    return head + "".join(word.title() for word in tail)


def upper_enums(value: Any) -> Any:
    names = {"small", "blocking", "minor", "code", "test", "command_line", "python"}
    skip = ("command", "start")
    if isinstance(value, dict):
        return {k: v if k in skip else upper_enums(v) for k, v in value.items()}
    if isinstance(value, list):
        return [upper_enums(v) for v in value]
    return value.replace("_", " ").title() if value in names else value


def draft_of(value: dict[str, Any]) -> dict[str, Any]:
    """The same document with another content."""

    def other(part: dict[str, Any]) -> dict[str, Any]:
        return {k: f"{x} (draft)" if k in PROSE else x for k, x in part.items()}

    return dict(_changed(value, dict, other))


READABLE: dict[str, Damage] = {
    "json fence": lambda v: f"```json\n{pretty(v)}\n```",
    "bare fence": lambda v: f"```\n{plain(v)}\n```",
    "tilde fence": lambda v: f"~~~~json\n{pretty(v)}\n~~~~",
    "fence without an end": lambda v: f"```json\n{pretty(v)}",
    "prose before": lambda v: f"Sure! Here is the {{document}} you asked for [1]:\n\n{pretty(v)}",
    "prose after": lambda v: f"{pretty(v)}\n\nI hope this helps {{}}. Note: [x] marks are done.",
    "prose and fence": lambda v: f"Here it is:\n```json\n{pretty(v)}\n```\nAnything else?",
    "think": lambda v: f"<think>\nPerhaps {{'a': 1}}?\n</think>\n\n{plain(v)}",
    "thinking with a draft": lambda v: f"<thinking>{plain(draft_of(v))}</thinking>{plain(v)}",
    "think without a beginning": lambda v: f"So {plain(draft_of(v))}?\n</think>\n{plain(v)}",
    "think without an end": lambda v: f"<think>\nI need a document.\n\n{pretty(v)}",
    "think between": lambda v: (
        f"Here: <think>is it right?</think>\n{plain(v)}\n<think>Yes.</think>"
    ),
    "think inside": lambda v: pretty(v).replace(",\n", ",\n<think>go on</think>\n", 1),
    "byte order mark": lambda v: f"\ufeff{plain(v)}",
    "zero-width blanks": lambda v: f"\u200b{pretty(v)}\u200b",
    "CRLF": lambda v: pretty(v).replace("\n", "\r\n"),
    "trailing commas": lambda v: spelled(v, last=","),
    "trailing commas on lines": lambda v: re.sub(r'(["}\]0-9])\n', r"\1,\n", pretty(v)),
    "commas forgotten at line ends": lambda v: re.sub(r'",\n(\s*"\w+":)', r'"\n\1', pretty(v)),
    "python literal": repr,
    "python tuples": lambda v: spelled(v, string=repr, key=repr, brackets="()", last=","),
    "single quotes": lambda v: spelled(v, string=single, key=single),
    "smart quotes": lambda v: spelled(v, string=smart, key=smart),
    "low smart quotes": lambda v: (
        spelled(v, string=lambda s: f"„{smart(s)[1:-1]}“") if "“" not in plain(v) else plain(v)
    ),
    "full-width commas": lambda v: spelled(v, comma="，"),
    "bare keys": lambda v: spelled(v, key=str),
    "bare keys, single quotes": lambda v: spelled(v, key=str, string=single, last=", "),
    "line comments": lambda v: pretty(v).replace(",\n", ",  // as the shape says\n"),
    "hash comments": lambda v: pretty(v).replace(",\n", ",  # as the shape says\n"),
    "block comments": lambda v: pretty(v).replace("{", "{ /* an object */", 1),
    "raw newlines": lambda v: spelled(v, string=raw),
    "unicode escapes": lambda v: spelled(
        v, string=lambda s: '"' + "".join(f"\\u{ord(c):04x}" for c in s) + '"'
    ),
    "wrapped in answer": lambda v: plain({"answer": v}),
    "wrapped in its name": lambda v: plain({"Document": v, "note": "done"}),
    "wrapped twice": lambda v: plain({"result": {"data": v}}),
    "list of one": lambda v: f"```json\n{pretty([v])}\n```",
    "tool call": lambda v: plain({"name": "answer", "arguments": v}),
    "tool call with a string": lambda v: plain({"name": "answer", "arguments": plain(v)}),
    "string of JSON": lambda v: json.dumps(plain(v)),
    "schema before": lambda v: plain({"type": "object", "properties": {}}) + f"\n\n{pretty(v)}",
    "schema after": lambda v: (
        f"{pretty(v)}\nIt follows "
        + plain({"title": "Document", "properties": {first(v): {"type": "string"}}})
    ),
    "in the schema's properties": lambda v: plain({"type": "object", "properties": v}),
    "draft and final": lambda v: f"Draft: {plain(draft_of(v))}\n\nFinal answer:\n{plain(v)}",
    "given twice": lambda v: f"{plain(v)}\n{pretty(v)}",
    "given twice by one key": lambda v: (
        "{" + plain({first(v): v[first(v)]})[1:-1] + "," + plain(v)[1:]
    ),
    "numbers as strings": lambda v: plain(_changed(_changed(v, float, str), int, str)),
    "camelCase keys": lambda v: plain(
        _changed(v, dict, lambda d: {title(k): x for k, x in d.items()})
    ),
    "capital keys": lambda v: plain(
        _changed(v, dict, lambda d: {k.title(): x for k, x in d.items()})
    ),
    "enums in other case": lambda v: plain(upper_enums(v)),
    "null for an empty list": lambda v: plain(_changed(v, list, lambda x: x or None)),
    "a single object for a list": lambda v: plain(
        _changed(v, list, lambda x: x[0] if len(x) == 1 and isinstance(x[0], dict) else x)
    ),
    "a last brace missing": lambda v: pretty(v)[:-1],
    "a last brace missing in a fence": lambda v: f"```json\n{pretty(v)[:-1]}```",
    "a brace too many": lambda v: plain(v) + "}",
    "padded strings": lambda v: plain({k: f" {x} " if k in PROSE else x for k, x in v.items()}),
}

ONE_MORE: dict[str, Damage] = {
    "string opened and not closed": lambda v: re.sub(r'"(,?)\n', r"\1\n", pretty(v), count=1),
    "key given twice, differently": lambda v: (
        "{" + plain({first(v): "else"})[1:-1] + "," + plain(v)[1:]
    ),
    "opening brace missing": lambda v: pretty(v)[1:],
    "the list left open": lambda v: re.sub(r"\]\s*\}\s*$", "", pretty(v)),
    "ellipsis": lambda v: re.sub(r"\[\n", "[\n...,\n", pretty(v), count=1),
    "two candidates": lambda v: plain({"a": v, "b": draft_of(v)}),
    "final breaks off after a draft": lambda v: f"{plain(draft_of(v))}\nFinal:\n{cut(v, 0.6)}",
    "yaml": lambda v: "\n".join(f"{k}: {x}" for k, x in v.items()),
    "HTML entities": lambda v: plain(v).replace('"', "&quot;"),
}

HOPELESS: dict[str, Damage] = {
    "empty": lambda _: "",
    "blank": lambda _: " \n\n\t",
    "apology": lambda _: "I'm sorry, but I can't help with that.",
    "HTML error page": lambda _: "<!DOCTYPE html>\n<html><body>{502} Bad Gateway</body></html>",
    "JSON error": lambda _: '{"error": {"message": "overloaded", "type": "server_error"}}',
    "empty object": lambda _: "{}",
    "empty list": lambda _: "[]",
    "null": lambda _: "null",
    "the shape itself": lambda v: plain(dict.fromkeys(v, "string")) if len(v) > 1 else "",
    "cut at 30 %": lambda v: cut(v, 0.3),
    "cut at 70 %": lambda v: cut(v, 0.7),
    "cut at 90 %": lambda v: cut(v, 0.9),
    "cut inside a fence": lambda v: f"```json\n{cut(v, 0.8)}\n```",
    "only thought": lambda v: f"<think>{plain(v)}</think>\nDone.",
    "thought breaks off": lambda v: f"<think>Perhaps {plain(v)}? But then",
    "a field missing": lambda v: plain(without(v, first(v))),
    "a field missing, another invented": lambda v: plain({**without(v, first(v)), "extra": 1}),
    "a field null": lambda v: plain({**v, first(v): None}) if isinstance(v[first(v)], str) else "",
    "another document": lambda _: plain({"question": "What do you mean?"}),
    "replacement characters": lambda v: plain(with_lines(v, lambda s: s.replace("a", "\ufffd"))),
    "backspaces for backslashes": lambda v: plain(with_lines(v, lambda s: f"\b{s}")),
}


def documents() -> dict[str, Document]:
    """Every document of the calculator."""
    script = calculator.straight()
    [plan] = script["project_management"]
    assert isinstance(plan, Document)
    return {
        "PRD": calculator.prd(),
        "Design": calculator.DESIGN,
        "Layout": calculator.LAYOUT,
        "Plan": plan,
        "Review": calculator.REJECTED,
        "RunRecipe": calculator.RECIPE,
        "Verdict": calculator.CODE_AT_FAULT,
        "Verdict on tests": calculator.TEST_AT_FAULT,
        "Spoken": Spoken(text='It says "7": 中文, C:\\temp and a\ttab.\nIt\'s ready — “done”.'),
    }


def _documents() -> Iterator[DamagedAnswer]:
    kinds: tuple[tuple[Outcome, dict[str, Damage]], ...] = (
        ("READABLE", READABLE),
        ("ONE_MORE", ONE_MORE),
        ("HOPELESS", HOPELESS),
    )
    for subject, document in documents().items():
        value = document.model_dump()
        for outcome, damages in kinds:
            for name, damage in damages.items():
                text = damage(value)
                if text not in (plain(value), pretty(value)):
                    yield DamagedAnswer(name, subject, outcome, text, document)
    yield from _particular()


def _particular() -> Iterator[DamagedAnswer]:
    """Damage that only a certain content can have."""
    review, recipe = calculator.REJECTED, calculator.RECIPE
    finding = review.findings[0]
    path = review.model_copy(
        update={"findings": [finding.model_copy(update={"fix": r"see C:\d\w"})]}
    )
    said = finding.model_copy(update={"fix": 'print "7" and not "5"; see "notes" for it'})
    quote = review.model_copy(update={"findings": [said]})
    commas = said.model_copy(update={"fix": 'print "7", not "5"'})
    listed = review.model_copy(update={"findings": [commas]})
    text = path.model_dump_json()
    rest = {k: v for k, v in calculator.prd().model_dump().items() if k != "user_stories"}
    story = plain({**rest, "user_stories": calculator.prd().user_stories[0]})
    cases: list[tuple[str, Outcome, str, Document]] = [
        ("single backslashes", "READABLE", text.replace("\\\\", "\\"), path),
        ("single and known escapes", "ONE_MORE", text.replace(r"C:\\d", r"C:\d\new"), path),
        ("quotes inside", "READABLE", quote.model_dump_json().replace('\\"', '"'), quote),
        (
            "quotes and commas inside",
            "ONE_MORE",
            listed.model_dump_json().replace('\\"', '"'),
            listed,
        ),
        ("quotes without a partner", "ONE_MORE", text.replace("see", 'se"e'), path),
        ("a string for a list", "READABLE", story, calculator.prd()),
        (
            "a string for a command",
            "ONE_MORE",
            recipe.model_dump_json().replace('["python","calc.py","2 * 21"]', '"python calc.py 2"'),
            recipe,
        ),
        ("a number for a text", "READABLE", recipe.model_dump_json().replace('"42"', "42"), recipe),
        (
            "yes for a number",
            "ONE_MORE",
            recipe.model_dump_json().replace('"exit_code":0', '"exit_code":false'),
            recipe,
        ),
        (
            "NaN",
            "ONE_MORE",
            calculator.prd().model_dump_json().replace("0.3", "NaN"),
            calculator.prd(),
        ),
        ("the bare list", "READABLE", plain(review.model_dump()["findings"]), review),
        ("an unknown field", "READABLE", plain({**review.model_dump(), "mood": "good"}), review),
        (
            "a reason beside no findings",
            "ONE_MORE",
            '{"findings": [], "verdict": "rejected"}',
            review,
        ),
        ("null for nothing found", "READABLE", '{"findings": null}', calculator.APPROVED),
        ("a word for nothing", "ONE_MORE", '{"findings": "none"}', calculator.APPROVED),
    ]
    for name, outcome, answer, meant in cases:
        yield DamagedAnswer(name, type(meant).__name__, outcome, answer, meant)


README = """# Calculator

```sh
python calc.py "1 + 2"
```

It prints:

```
3
```
"""
PAGE = "<!DOCTYPE html>\n<title>Calculator</title>\n<script src=calc.js></script>\n"
SCRIPT = "// adds\nfunction add(a, b) {\n  return a + b; // ```\n}\n\nmodule.exports = { add };\n"
FILES = {"calc.py": calculator.CODE, "tests/test_calc.py": calculator.TESTS}
PRODUCTS: dict[str, dict[str, str]] = {
    "one file": {"calc.py": calculator.CODE},
    "two files": FILES,
    "a page": {"web/index.html": PAGE, "web/calc.js": SCRIPT},
    "one script": {"calc.js": SCRIPT},
    "stub and tests": {"src/calc.py": calculator.STUB_CODE, "tests/test_calc.py": calculator.TESTS},
}
LANGUAGES = {"py": "python", "js": "javascript", "html": "html", "md": "markdown"}
COMMENTS = {"py": "# {}", "js": "// {}", "html": "<!-- {} -->", "md": "<!-- {} -->"}


def each(form: str, fence: str = "```") -> Damage:
    """Every file in one form, where $L is its language, $P its path, $T its text, $C a comment."""

    def write(files: Mapping[str, str]) -> str:
        blocks = []
        for path, text in files.items():
            end = path.rsplit(".", 1)[1]
            parts = {"$L": LANGUAGES[end], "$P": path, "$C": COMMENTS[end].format(path)}
            block = form.replace("$F", fence)
            for sign, part in parts.items():
                block = block.replace(sign, part)
            blocks.append(block.replace("$T", text.rstrip("\n")))
        return "\n\n".join(blocks)

    return write


def nameless(files: Mapping[str, str]) -> str:
    return each("$F$L\n$T\n$F")(files)


def as_list(files: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"path": path, "content": text} for path, text in files.items()]


asked_for = each("$F$L $P\n$T\n$F", "````")
FILES_READABLE: dict[str, Damage] = {
    "three backticks": each("$F$L $P\n$T\n$F"),
    "five backticks": each("$F$L $P\n$T\n$F", "`````"),
    "tildes": each("$F$L $P\n$T\n$F", "~~~~"),
    "path alone": each("$F$P\n$T\n$F"),
    "language:path": each("$F$L:$P\n$T\n$F"),
    "path=": each("$F$L path=$P\n$T\n$F"),
    "title=": each('$F$L title="$P"\n$T\n$F'),
    "braces": each('$F{.$L filename="$P"}\n$T\n$F'),
    "filename:": each("$Ffilename: $P\n$T\n$F"),
    "path in backticks on the fence of tildes": each("$F$L `$P`\n$T\n$F", "~~~"),
    "heading": each("### $P\n$F$L\n$T\n$F"),
    "numbered heading": each("## 1. `$P`\n\n$F$L\n$T\n$F"),
    "bold": each("**$P**\n\n$F$L\n$T\n$F"),
    "bold with a colon": each("**`$P`:**\n$F$L\n$T\n$F"),
    "backticks and colon": each("`$P`:\n$F$L\n$T\n$F"),
    "File:": each("File: $P\n$F$L\n$T\n$F"),
    "**File: path**": each("**File: `$P`**\n$F$L\n$T\n$F"),
    "plain line": each("$P\n$F\n$T\n$F"),
    "list item": each("1. $P\n$F$L\n$T\n$F"),
    "comment": each("$F$L\n$C\n$T\n$F"),
    "heading and comment": each("### $P\n$F$L\n$C\n$T\n$F"),
    "leading ./": each("$F$L ./$P\n$T\n$F"),
    "longer closing fence": each("$F$L $P\n$T\n$F`"),
    "indented fences": lambda f: "\n".join(
        f"  {line}" if line else line for line in asked_for(f).split("\n")
    ),
    "CRLF": lambda f: asked_for(f).replace("\n", "\r\n"),
    "byte order mark": lambda f: f"\ufeff{each('$F$L $P')({})}\n{asked_for(f)}",
    "prose around": lambda f: f"I wrote these files:\n\n{asked_for(f)}\n\nRun it:\n```sh\nls\n```",
    "output shown, too": lambda f: f"{asked_for(f)}\n\nIt prints:\n\n```\n7\n```\n",
    "think": lambda f: f"<think>\n{asked_for(dict.fromkeys(f, 'x = 1'))}\n</think>\n{asked_for(f)}",
    "think without a beginning": lambda f: f"First ...\n```\nx\n```\n</think>\n{asked_for(f)}",
    "think without an end": lambda f: f"<think>I write it.\n\n{asked_for(f)}",
    "think between": lambda f: f"<thinking>a</thinking>\n{asked_for(f)}\n<think>b</think>",
    "file tags": each('<file path="$P">\n$T\n</file>'),
    "file tags with fences": each('<file path="$P">\n$F$L\n$T\n$F\n</file>'),
    "file tags by name": each("<file name='$P'>\n$T\n</file>"),
    "JSON list": lambda f: plain({"files": as_list(f)}),
    "JSON bare list": lambda f: f"```json\n{pretty(as_list(f))}\n```",
    "JSON by path": lambda f: f"```json\n{pretty(f)}\n```",
    "JSON files by path": lambda f: pretty({"files": dict(f)}),
    "JSON with raw newlines": lambda f: spelled(dict(f), string=raw),
    "given twice, alike": lambda f: f"{asked_for(f)}\n{asked_for(f)}",
}
FILES_HOPELESS: dict[str, Damage] = {
    "empty": lambda _: "",
    "apology": lambda _: "I'm sorry, I can't write that.",
    "HTML error page": lambda _: "<html><body>504 Gateway Time-out</body></html>",
    "last block without an end": lambda f: asked_for(f)[:-5],
    "cut in the middle": lambda f: asked_for(f)[: -len([*f.values()][-1]) // 2],
    "heading, without an end": lambda f: each("### $P\n$F$L\n$T\n$F")(f)[:-4],
    "comment, without an end": lambda f: each("$F$L\n$C\n$T\n$F")(f)[:-4],
    "file tag without an end": lambda f: each('<file path="$P">\n$T\n</file>')(f)[:-8],
    "JSON cut": lambda f: pretty({"files": as_list(f)})[:-40],
    "JSON that describes": lambda f: pretty(dict.fromkeys(f, "the whole program")),
    "only thought": lambda f: f"<think>{asked_for(f)}\n</think>\nDone.",
    "thought breaks off": lambda f: f"<think>\n{asked_for(f)}\nNo, better:",
    "a foreign file": lambda f: asked_for({**f, "other/evil.py": "x = 1\n"}),
    "a path that leads out": lambda f: asked_for({**f, "../evil.py": "x = 1\n"}),
    "replacement characters": lambda f: asked_for(
        {p: t.replace("a", "\ufffd") for p, t in f.items()}
    ),
    "the rest left out": lambda f: asked_for(
        {p: f"{t}\n# ... rest of the code ...\n" for p, t in f.items()}
    ),
    "given twice, differently": lambda f: asked_for(f) + "\n" + asked_for(dict.fromkeys(f, "x\n")),
    "only how to run it": lambda _: "Run it:\n```sh\npython calc.py 1 + 2\n```",
    "edits of nothing": lambda f: "".join(calculator.edit(p, "a", "b") for p in f),
}


def _files() -> Iterator[DamagedAnswer]:
    for subject, files in PRODUCTS.items():
        for name, damage in FILES_READABLE.items():
            yield DamagedAnswer(name, subject, "READABLE", damage(files), files)
        for name, damage in FILES_HOPELESS.items():
            yield DamagedAnswer(name, subject, "HOPELESS", damage(files), files)
        outcome: Outcome = "READABLE" if len(files) == 1 else "ONE_MORE"
        yield DamagedAnswer("no path", subject, outcome, nameless(files), files)
        prose = f"Here is the code:\n\n{nameless(files)}\n\nDone."
        yield DamagedAnswer("no path, prose around", subject, outcome, prose, files)
        bare = "\n".join(files.values())
        yield DamagedAnswer("no fence", subject, "ONE_MORE", bare, files)
    guide = {"README.md": README}
    nested: list[tuple[str, Outcome, str]] = [
        ("four around three backticks", "READABLE", asked_for(guide)),
        ("tildes around backticks", "READABLE", each("$F$L $P\n$T\n$F", "~~~")(guide)),
        ("three around three backticks", "ONE_MORE", each("$F$L $P\n$T\n$F")(guide)),
        ("three around three, no path", "ONE_MORE", nameless(guide)),
    ]
    for name, outcome, text in nested:
        yield DamagedAnswer(name, "a README", outcome, text, guide)
    told = {"README.md": README.split("It prints", maxsplit=1)[0]}
    text = each("$F$L $P\n$T\n$F")(told)
    yield DamagedAnswer("three around three that are named", "a README", "READABLE", text, told)


@dataclass(frozen=True)
class Mending:
    """A change of one place of a file."""

    path: str
    before: str
    search: str
    replace: str

    @property
    def after(self) -> str:
        assert self.before.count(self.search) == 1
        return self.before.replace(self.search, self.replace)


MENDINGS = {
    "operator": Mending(
        "calc.py",
        calculator.WRONG_CODE,
        "    ast.Mult: operator.add,\n",
        "    ast.Mult: operator.mul,\n",
    ),
    "stub": Mending(
        "calc.py",
        calculator.STUB_CODE,
        "    ...\n",
        '    return _value(ast.parse(text, mode="eval").body)\n',
    ),
    "test": Mending(
        "tests/test_calc.py", calculator.WRONG_TESTS, '.strip() == "10"\n', '.strip() == "9"\n'
    ),
    "removal": Mending(
        "calc.py",
        calculator.CODE,
        "    if isinstance(node, ast.UnaryOp) and isinstance(node.op,"
        " ast.USub):\n        return -_value(node.operand)\n",
        "",
    ),
}


def whole_lines(mending: Mending) -> Mending:
    """The same change of whole lines."""
    line = next(x for x in mending.before.splitlines(True) if x.endswith(mending.search[-20:]))
    if mending.search.endswith(line):
        return mending
    new = line.replace(mending.search, mending.replace)
    return Mending(mending.path, mending.before, line, new)


def diff(m: Mending, head: str = "--- a/$P\n+++ b/$P\n@@ -1,9 +1,9 @@\n") -> str:
    before = m.before[: m.before.index(m.search)].splitlines()[-3:]
    behind = m.before[m.before.index(m.search) + len(m.search) :].splitlines()[:3]
    lines = [f" {x}" for x in before] + [f"-{x}" for x in m.search.splitlines()]
    lines += [f"+{x}" for x in m.replace.splitlines()] + [f" {x}" for x in behind]
    return head.replace("$P", m.path) + "\n".join(lines) + "\n"


def pair(m: Mending, chevrons: int = 7, end: str = "\n") -> str:
    left, middle, right = "<" * chevrons, "=" * chevrons, ">" * chevrons
    return f"{left} SEARCH\n{m.search}{middle}\n{m.replace}{right} REPLACE{end}"


EDITS_READABLE: dict[str, Callable[[Mending], str]] = {
    "as asked for": lambda m: f"````edit {m.path}\n{pair(m)}````\n",
    "three backticks": lambda m: f"```edit {m.path}\n{pair(m)}```\n",
    "language for edit": lambda m: f"```python {m.path}\n{pair(m)}```\n",
    "five chevrons": lambda m: f"````edit {m.path}\n{pair(m, 5)}````\n",
    "nine chevrons": lambda m: f"````edit {m.path}\n{pair(m, 9)}````\n",
    "no newline at the end": lambda m: f"````edit {m.path}\n{pair(m, end='')}\n````",
    "aider": lambda m: f"{m.path}\n```python\n{pair(m)}```\n",
    "path in the block": lambda m: f"```python\n{m.path}\n{pair(m)}```\n",
    "no fence": lambda m: f"{m.path}\n{pair(m)}",
    "no fence, no path": lambda m: f"I mend it:\n\n{pair(m)}\nDone.",
    "no path": lambda m: f"```\n{pair(m)}```\n",
    "heading": lambda m: f"### `{m.path}`\n\n```diff\n{pair(m)}```\n",
    "other words": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(
        "SEARCH", "ORIGINAL"
    ).replace("REPLACE", "UPDATED"),
    "lower case": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(
        "SEARCH", "search"
    ).replace("REPLACE", "replace"),
    "CRLF": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace("\n", "\r\n"),
    "trailing blanks": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(
        m.search, m.search.replace("\n", "  \n")
    ),
    "think": lambda m: f"<think>{pair(m)[:40]}</think>\n````edit {m.path}\n{pair(m)}````\n",
    "words before it": lambda m: f"````edit {m.path}\n\n{pair(m)}\n````\n",
    "unified diff": lambda m: f"```diff\n{diff(m)}```\n",
    "unified diff with a path": lambda m: f"````edit {m.path}\n{diff(m)}````\n",
    "git diff": lambda m: (
        f"```diff\ndiff --git a/{m.path} b/{m.path}\nindex 1..2 100644\n{diff(m)}```\n"
    ),
    "diff without headers": lambda m: f"```diff {m.path}\n" + diff(m, "@@ @@\n") + "```\n",
    "diff with empty lines": lambda m: f"```diff\n{diff(m)}```\n".replace("\n \n", "\n\n"),
    "the whole file": lambda m: f"````text {m.path}\n{m.after}````\n",
}
EDITS_ONE_MORE: dict[str, Callable[[Mending], str]] = {
    "SEARCH not in the file": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(
        m.search, "x = 1\n"
    ),
    "no divider": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace("=======\n", ""),
    "two dividers": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(
        "=======\n", "=======\n=======\n"
    ),
    "no REPLACE": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(">>>>>>> REPLACE\n", ""),
    "a second pair breaks off": lambda m: f"````edit {m.path}\n{pair(m)}<<<<<<< SEARCH\nx\n````\n",
    "empty SEARCH": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(m.search, "", 1),
    "part of a line": lambda m: f"````edit {m.path}\n{pair(m)}````\n".replace(
        m.search, m.search[:-3] + "\n", 1
    ),
    "in two places": lambda m: (
        f"````edit {m.path}\n<<<<<<< SEARCH\n\n=======\nx\n>>>>>>> REPLACE\n````\n"
    ),
    "a snippet without a path": lambda m: f"Change it to:\n```python\n{m.replace}x = 1\n```\n",
    "edits mixed with code": lambda m: f"```python {m.path}\nimport os\n{pair(m)}```\n",
    "diff that does not fit": lambda m: f"```diff\n{diff(m)}```\n".replace("\n-", "\n-x"),
    "diff that removes the file": lambda m: f"```diff\n{diff(m)}```\n".replace(
        f"+++ b/{m.path}", "+++ /dev/null"
    ),
    "no end": lambda m: f"````edit {m.path}\n{pair(m)}",
    "existing code left out": lambda m: (
        f"````text {m.path}\n# ... existing code ...\n{m.replace}````\n"
    ),
}


def _edits() -> Iterator[DamagedAnswer]:
    kinds: tuple[tuple[Outcome, dict[str, Callable[[Mending], str]]], ...] = (
        ("READABLE", EDITS_READABLE),
        ("ONE_MORE", EDITS_ONE_MORE),
    )
    for subject, mending in MENDINGS.items():
        lines = whole_lines(mending)
        current, meant = {lines.path: lines.before}, {lines.path: lines.after}
        for outcome, damages in kinds:
            for name, damage in damages.items():
                text = damage(lines)
                yield DamagedAnswer(f"edit: {name}", subject, outcome, text, meant, current)
        if lines.search.startswith("    ") and lines.search.count("\n") == 1:
            text = calculator.edit(lines.path, lines.search.strip(), lines.replace.strip())
            yield DamagedAnswer(
                "edit: without indentation", subject, "READABLE", text, meant, current
            )

"""Code as models write it: fenced blocks with a path, edits as search/replace."""

import re
from dataclasses import dataclass

OPENING = re.compile(r"^(`{3,}|~{3,})[ \t]*([^\n`]*?)[ \t]*$")
EDIT = re.compile(
    r"^<{5,}[ \t]*SEARCH[ \t]*\n(.*?)^={5,}[ \t]*\n(.*?)^>{5,}[ \t]*REPLACE[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
PATH = re.compile(r"^[\w.\-][\w.\-/ ]*\.?[\w\-]+$")


class AnswerProblem(Exception):
    """An answer that can't be used; the text tells the model why."""


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block that names a path."""

    path: str
    content: str
    is_edit: bool


def code_blocks(text: str) -> list[CodeBlock]:
    """All fenced blocks with a path, in order; blocks without one are passed over.

    The path stands at the end of the opening line. A block ends at the first line that is a
    fence of at least the same length and nothing else.

    Raises:
        AnswerProblem: the last block has no end.

    """
    lines, position, blocks = text.splitlines(keepends=True), 0, []
    while position < len(lines):
        opening = OPENING.match(lines[position].rstrip("\r\n"))
        position += 1
        if not opening:
            continue
        fence, words = opening.group(1), opening.group(2).split(maxsplit=1)
        end = _end(lines, position, fence)
        path = words[-1].strip("`*") if words else ""
        if len(words) == 2 and PATH.match(path):
            if end is None:
                raise AnswerProblem(f"the block of {path} is not closed; the answer breaks off")
            content = "".join(lines[position:end])
            blocks.append(CodeBlock(path, content, _is_edit(words[0], content)))
        position = len(lines) if end is None else end + 1
    return blocks


def apply_edits(path: str, current: str, edits: str) -> str:
    """Apply search/replace edits one after another.

    Raises:
        AnswerProblem: there are none, or one's SEARCH is not in the file exactly once.

    """
    found = EDIT.findall(edits)
    if not found:
        raise AnswerProblem(f"the edit of {path} has no complete SEARCH/REPLACE pair")
    for search, replace in found:
        current = _replaced(path, current, search, replace)
    return current


def _is_edit(kind: str, content: str) -> bool:
    return kind == "edit" or bool(re.match(r"<{5,}[ \t]*SEARCH", content))


def _end(lines: list[str], start: int, fence: str) -> int | None:
    closing = re.compile(rf"^{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    return next((i for i in range(start, len(lines)) if closing.match(lines[i])), None)


def _replaced(path: str, current: str, search: str, replace: str) -> str:
    if not search.strip():
        raise AnswerProblem(f"an edit of {path} has an empty SEARCH")
    if current.count(search) == 1:
        return current.replace(search, replace)
    span = _loose_span(current, search)
    if span is None:
        times = current.count(search)
        reason = f"stands in it {times} times" if times else "is not in it"
        raise AnswerProblem(
            f"an edit of {path} does not apply: this SEARCH {reason}:\n{search}\n"
            f"The file is now:\n{current}\nGive the whole file instead."
        )
    return current[: span[0]] + replace + current[span[1] :]


def _loose_span(current: str, search: str) -> tuple[int, int] | None:
    """Where the lines of `search` stand once, trailing blanks aside."""
    lines = [re.escape(line.rstrip()) + r"[ \t]*\r?\n?" for line in search.strip("\n").split("\n")]
    matches = list(re.finditer("^" + "".join(lines), current, re.MULTILINE))
    return matches[0].span() if len(matches) == 1 else None

"""Code as models write it: blocks that name a path.

A block is fenced by three or more backticks or tildes, or stands in a `<file path="...">` tag; an
edit may also stand alone. Its path is on the first line; or, if the reader knows the path, alone
on the line before or in a comment that is the first line inside (which is then left out).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from softfactory.models.code_edits import REPLACE, SEARCH, AnswerProblem, hunks, next_match

FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>.*)$")
TAG = re.compile(r"^\s*<file\s+(?:path|name)\s*=\s*[\"'](?P<path>[^\"'\n]+)[\"']\s*>\s*$")
TAG_END = re.compile(r"^\s*</file>\s*$")
DIFF = re.compile(r"\s*(?:diff --git |--- |@@ )")
HEADER = re.compile(r"^--- (?P<old>[^\t\n]+).*\n\+\+\+ (?P<new>[^\t\n]+).*$", re.MULTILINE)
PATH = r"[\w.\-][\w.\-/ ]*?"
PLAIN_PATH = re.compile(r"/|\.[A-Za-z]\w*$")
LABEL = r"(?:(?:file ?name|file|path|文件)\s*[:：=]\s*)?"
ATTRIBUTE = re.compile(r"\b(?:path|file|file_?name|title|name)\s*[=:]\s*[\"']?([^\"'\s}>]+)", re.I)
BEFORE = re.compile(
    rf"^[#>*\-`\"'“\s]*(?:\d+[.)]\s)?[*`\"'“\s]*{LABEL}[*`\"'“]*({PATH})[*`\"'”:：\s]*$", re.I
)
COMMENT = re.compile(
    rf"^\s*(?:#|//|--|;|/\*|<!--)\s*{LABEL}[`\"]?({PATH})[`\"]?\s*(?:\*/|-->)?\s*$", re.I
)
SHELL = {"sh", "bash", "shell", "zsh", "console", "terminal", "powershell", "output"}
OTHER = {*SHELL, "json", "yaml", "toml", "xml", "sql", "css", "html"}

Known = Callable[[str], bool]


@dataclass(frozen=True)
class CodeBlock:
    """A block that names a path; or, not `named`, the only block where one file is asked for."""

    path: str
    content: str
    is_edit: bool
    named: bool = True


@dataclass(frozen=True)
class _Piece:
    """Lines that are set off from the prose, and what is said about them."""

    kind: str
    path: str
    content: str


def code_blocks(text: str, known: Known = lambda _: False, only: str = "") -> list[CodeBlock]:
    """All blocks with a path, in order; blocks without one are passed over.

    Paths in unusual places count only if they are `known`. A block without a path is taken for
    `only` if it is an edit, or if the answer has no other.

    Raises:
        AnswerProblem: a block has no end, or two, or two paths.

    """
    pieces = list(_pieces(text.replace("\r\n", "\n").split("\n"), known, only))
    blocks: list[CodeBlock] = []
    for piece in pieces:
        if DIFF.match(piece.content) and HEADER.search(piece.content):
            blocks += _of_diff(piece)
            continue
        is_edit = _is_edit(piece)
        alone = len(pieces) == 1 and (piece.kind not in OTHER or only.endswith(piece.kind))
        if piece.path or (only and (alone or is_edit)):
            path = (piece.path or only).removeprefix("./")
            blocks.append(CodeBlock(path, piece.content, is_edit, bool(piece.path)))
    return blocks


def _pieces(lines: list[str], known: Known, only: str) -> Iterator[_Piece]:
    position, before = 0, ""
    while position < len(lines):
        line, inside = lines[position], lines[position + 1 : position + 3]
        kind, path, start, after = "", "", position + 1, 1
        if fence := _opening(line):
            kind, path, skipped = _named(fence["info"], before, inside, known)
            end, start = _end(lines, start, fence, path or only), start + skipped
        elif tag := TAG.match(line):
            path, end = tag["path"], next_match(TAG_END, lines, start)
        elif SEARCH.match(line):
            kind, path, start, after = "edit", _known(BEFORE, before, known), position, 0
            end = next_match(REPLACE, lines, start)
            end = None if end is None else end + 1
        else:
            before, position = line if line.strip() else before, start
            continue
        if end is None:
            name = f"the block of {path}" if path else "the last block"
            raise AnswerProblem(f"{name} is not closed; the answer breaks off")
        yield _Piece(kind, path, _content(lines[start:end], fence))
        position, before = end + after, ""


def _opening(line: str) -> re.Match[str] | None:
    """Whether a line opens a block; three backticks around words in a line do not."""
    fence = FENCE.match(line)
    return None if fence and fence["fence"][0] == "`" and "`" in fence["info"] else fence


def _content(lines: list[str], fence: re.Match[str] | None) -> str:
    """The lines without the indentation of their fence, or without the fence inside their tag."""
    if fence and fence["indent"]:
        indent = len(fence["indent"])
        lines = [line[min(indent, len(line) - len(line.lstrip())) :] for line in lines]
    inner = None if fence or len(lines) < 2 else _opening(lines[0])
    if inner and lines[-1].strip() == inner["fence"]:
        lines = lines[1:-1]
    return "".join(f"{line}\n" for line in lines)


def _named(info: str, before: str, inside: list[str], known: Known) -> tuple[str, str, int]:
    """Kind and path of a fenced block, and how many lines inside only name it."""
    info = info.strip()
    kind, _, rest = info.partition(" ")
    head, colon, tail = info.partition(":")
    for first, last in ((kind, rest), (head if colon else "", tail), ("", info)):
        path = last.strip(" `*\"'")
        if re.fullmatch(PATH, path) and (known(path) or (first and PLAIN_PATH.search(path))):
            return first, path, 0
    if attribute := ATTRIBUTE.search(info):
        return kind, attribute[1], 0
    if kind.lower() in SHELL:
        return kind, "", 0
    above = _known(BEFORE, before, known)
    within = _known(COMMENT, inside[0], known) if inside else ""
    if len(inside) == 2 and SEARCH.match(inside[1]):
        within = _known(BEFORE, inside[0], known) or within
    if above and within and above != within:
        raise AnswerProblem(f"a block is named both {above} and {within}")
    return kind, within or above, int(bool(within))


def _known(form: re.Pattern[str], line: str, known: Known) -> str:
    found = form.match(line[:200])
    return found[1].strip() if found and known(found[1].strip()) else ""


def _end(lines: list[str], start: int, opening: re.Match[str], path: str) -> int | None:
    """The line that closes a block; in Markdown, fences inside may open and close before it."""
    sign, length = opening["fence"][0], len(opening["fence"])
    indent = "[ \t]*" if opening["indent"] else ""
    fence = re.compile(rf"^{indent}{re.escape(sign)}{{{length},}}[ \t]*(?P<info>[^{sign}]*)$")
    is_markdown, depth = path.endswith((".md", ".markdown")), 0
    for i in range(start, len(lines)):
        inner = fence.match(lines[i])
        if inner and inner["info"].strip():
            depth += is_markdown
        elif inner and depth:
            depth -= 1
        elif inner:
            if is_markdown and _closes_again(lines[i + 1 :], fence):
                raise AnswerProblem(
                    f"it is not clear where {path} ends: fence it by more backticks than it holds"
                )
            return i
    return None


def _closes_again(lines: list[str], fence: re.Pattern[str]) -> bool:
    following = next(filter(None, map(fence.match, lines)), None)
    return following is not None and not following["info"].strip()


def _is_edit(piece: _Piece) -> bool:
    lines = piece.content.strip("\n").split("\n")
    if piece.kind.lower().rstrip(":") in ("edit", "diff", "patch") or SEARCH.match(lines[0]):
        return True
    if piece.path and any(map(SEARCH.match, lines)):
        raise AnswerProblem(f"the block of {piece.path} mixes edits with other lines")
    return False


def _of_diff(piece: _Piece) -> Iterator[CodeBlock]:
    headers = list(HEADER.finditer(piece.content))
    ends = [header.start() for header in headers[1:]] + [len(piece.content)]
    for header, end in zip(headers, ends, strict=True):
        body = piece.content[header.end() : end]
        path = re.sub(r"^[ab]/", "", header["new"].strip())
        if header["new"].strip() == "/dev/null":
            raise AnswerProblem(f"{header['old']} may not be removed")
        if header["old"].strip() == "/dev/null":
            yield CodeBlock(path, "".join(new for _, new in hunks(body)), is_edit=False)
        else:
            yield CodeBlock(path, body, is_edit=True)

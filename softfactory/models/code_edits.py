"""Edits as models write them, search/replace or unified diff, applied to a file."""

import difflib
import re
from collections.abc import Iterator

SEARCH = re.compile(r"^[ \t]*(<{5,9})[ \t]*(?:SEARCH|ORIGINAL)\b.*$", re.IGNORECASE)
DIVIDER = re.compile(r"^[ \t]*(={5,9})[ \t]*$")
REPLACE = re.compile(r"^[ \t]*>{5,9}[ \t]*(?:REPLACE|UPDATED)\b.*$", re.IGNORECASE)
HUNK = re.compile(r"^@@.*$", re.MULTILINE)
SHORT = 80  # lines of a file that is shown whole when an edit of it fails


class AnswerProblem(Exception):
    """An answer that can't be used; the text tells the model why."""


class EditProblem(AnswerProblem):
    """An edit that does not apply to the file as it is."""


def apply_edits(path: str, current: str, edits: str) -> str:
    """Apply search/replace edits, or the hunks of a diff, one after another.

    Raises:
        AnswerProblem: there are none, or one is incomplete.
        EditProblem: the lines of one's SEARCH are not in the file exactly once.

    """
    lines = edits.split("\n")
    pairs = list(_pairs(path, lines)) if any(map(SEARCH.match, lines)) else hunks(edits)
    if not pairs:
        raise AnswerProblem(f"the edit of {path} has no complete SEARCH/REPLACE pair")
    windows = "\r\n" in current
    current = current.replace("\r\n", "\n")
    for search, replace in pairs:
        current = _replaced(path, current, search, replace)
    return current.replace("\n", "\r\n") if windows else current


def next_match(sign: re.Pattern[str], lines: list[str], start: int) -> int | None:
    """Where the next line stands that fits."""
    return next((i for i in range(start, len(lines)) if sign.match(lines[i])), None)


def hunks(diff: str) -> list[tuple[str, str]]:
    """What each hunk looks for and what it puts there; its line numbers are not relied on."""
    pairs = []
    for hunk in HUNK.split(re.split(r"^diff --git ", diff, flags=re.MULTILINE)[0])[1:]:
        lines = [line or " " for line in hunk.strip("\n").split("\n") if line[:1] != "\\"]
        if any(line[0] not in " +-" for line in lines):
            raise AnswerProblem("a line of the diff begins with none of blank, + and -")
        old = "".join(f"{line[1:]}\n" for line in lines if line[0] != "+")
        pairs.append((old, "".join(f"{line[1:]}\n" for line in lines if line[0] != "-")))
    return pairs


def _pairs(path: str, lines: list[str]) -> Iterator[tuple[str, str]]:
    """What each edit looks for and what it puts there; its divider is as long as its opening."""
    position = 0
    while (start := next_match(SEARCH, lines, position)) is not None:
        end, again = next_match(REPLACE, lines, start), next_match(SEARCH, lines, start + 1)
        inner, length = lines[start + 1 : end], lines[start].count("<")
        found = [(i, line.count("=")) for i, line in enumerate(inner) if DIVIDER.match(line)]
        dividers = [i for i, size in found if size == length] or [i for i, _ in found]
        if end is None or (again is not None and again < end) or len(dividers) != 1:
            raise AnswerProblem(f"the edit of {path} has no complete SEARCH/REPLACE pair")
        old, new = inner[: dividers[0]], inner[dividers[0] + 1 :]
        yield "".join(f"{line}\n" for line in old), "".join(f"{line}\n" for line in new)
        position = end + 1


def _replaced(path: str, current: str, search: str, replace: str) -> str:
    if not search.strip():
        raise AnswerProblem(f"an edit of {path} has an empty SEARCH")
    have, want, new = current.split("\n"), search.split("\n")[:-1], replace.split("\n")[:-1]
    places = _places(have, want)
    if not places:
        want = [line.rstrip() for line in search.strip("\n").split("\n")]
        bare = [line.rstrip() for line in have]
        places = _places(bare, want) or _places(bare, want, shifted=True)
    if len(places) != 1:
        reason = f"stands in it {len(places)} times" if places else "is not in it"
        raise EditProblem(
            f"an edit of {path} does not apply: this SEARCH {reason}:\n{search}\n"
            + _excerpt(have, want)
        )
    [(start, indent)] = places
    have[start : start + len(want)] = [indent + line if line else line for line in new]
    return "\n".join(have)


def _places(have: list[str], want: list[str], shifted: bool = False) -> list[tuple[int, str]]:
    """Where all wanted lines stand, and how much further they are indented there."""
    found = []
    for start in range(len(have) - len(want) + 1):
        indent = have[start].removesuffix(want[0])
        lines = [indent + line if line else line for line in want]
        fits = lines == have[start : start + len(want)]
        if fits and (indent == "" or (shifted and indent.isspace())):
            found.append((start, indent))
    return found


def _excerpt(have: list[str], want: list[str]) -> str:
    """The file, or of a long one the lines that are most like those wanted."""
    if len(have) <= SHORT:
        return "The file is now:\n" + "\n".join(have)
    bare, wanted = [line.strip() for line in have], [line.strip() for line in want]
    alike = [sum(map(str.__eq__, bare[start:], wanted)) for start in range(len(bare))]
    best = alike.index(max(alike))
    if not alike[best]:
        close = difflib.get_close_matches(max(wanted, key=len), bare, n=1, cutoff=0.3)
        best = bare.index(close[0]) if close else 0
    lines = have[max(0, best - SHORT // 4) : best + len(want) + SHORT // 4]
    return "The nearest lines of the file are now:\n" + "\n".join(lines)

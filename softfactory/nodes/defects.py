"""Small defects that are put into a working product on purpose, to see what its tests notice."""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

MOST = 6
"""How many defects a product's tests get a chance to notice."""

CODE_OR_TEXT = re.compile(
    r"//[^\n]*|/\*.*?\*/|#[^\n]*|'''.*?'''|\"\"\".*?\"\"\"|`(?:\\.|[^`\\])*`"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'",
    re.DOTALL,
)
SPARED = re.compile(r"__name__|typeof |sys\.argv|\brequire\(|\bimport\b|\bfor\s*\(")
"""Lines where a defect would show at every start, whatever the tests are worth."""
CHANGES = (
    (re.compile(r" (\+|-) 1\b"), {"+": " + 2", "-": " - 2"}),
    (re.compile(r" (<=|>=|<|>) (?![<>=])"), {"<": " <= ", "<=": " < ", ">": " >= ", ">=": " > "}),
    (
        re.compile(r" (===|!==|==|!=) "),
        {"===": " !== ", "!==": " === ", "==": " != ", "!=": " == "},
    ),
    (re.compile(r" (&&|\|\|) "), {"&&": " || ", "||": " && "}),
    (re.compile(r" (and|or) "), {"and": " or ", "or": " and "}),
)
STATEMENT = re.compile(r"^([ \t]+)[\w.\[\]]+ ?(?:[-+]?= |\()[^{}\n]*;?$", re.MULTILINE)


@dataclass(frozen=True)
class Defect:
    """One change of one file."""

    path: str
    line: int
    was: str
    text: str
    """The whole file with the defect in it."""

    def __str__(self) -> str:
        """Name the place, the line as it was and as it is now."""
        now = self.text.splitlines()[self.line - 1].strip()
        return f"{self.path}:{self.line} `{self.was.strip()}` → `{now}`"


def defects(files: Mapping[str, str], first: str = "") -> list[Defect]:
    """Defects of different kinds in all files in turn; the same ones every time."""
    paths = sorted(files, key=lambda path: (path != first, path))
    pools = {path: _by_kind(path, files[path]) for path in paths}
    chosen: list[Defect] = []
    while len(chosen) < MOST and any(pools.values()):
        for pool in filter(None, pools.values()):
            found = pool.pop(0)
            chosen.append(found.pop(len(found) // 2))
            if found:
                pool.append(found)
    return chosen[:MOST]


def _by_kind(path: str, text: str) -> list[list[Defect]]:
    kinds: dict[int, list[Defect]] = {}
    if PurePosixPath(path).suffix in (".py", ".js"):
        for kind, defect in _all_defects(path, text):
            kinds.setdefault(kind, []).append(defect)
    return list(kinds.values())


def _all_defects(path: str, text: str) -> Iterator[tuple[int, Defect]]:
    is_statement = _python_statements(text) if path.endswith(".py") else _is_whole
    if is_statement is None:
        return
    nothing = "pass" if path.endswith(".py") else ";"
    code = CODE_OR_TEXT.sub(lambda match: re.sub(r"[^\n]", "\x00", match[0]), text)
    for kind, (pattern, swaps) in enumerate(CHANGES):
        for match in pattern.finditer(code):
            yield from _defect(kind, path, text, (match.span(), swaps[match.group(1)]))
    for match in STATEMENT.finditer(code):
        if is_statement(match):
            replaced = (match.span(), match.group(1) + nothing)
            yield from _defect(len(CHANGES), path, text, replaced)


def _python_statements(text: str) -> Callable[[re.Match[str]], bool] | None:
    """Tells whether a line is nothing but whole statements; None for what is no Python."""
    try:
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    except (SyntaxError, ValueError):
        return None
    first = {(node.lineno, node.col_offset) for node in nodes}
    longer = {node.lineno for node in nodes if node.end_lineno != node.lineno}

    def is_statement(match: re.Match[str]) -> bool:
        line = text.count("\n", 0, match.start()) + 1
        return (line, len(match.group(1))) in first and line not in longer and _is_whole(match)

    return is_statement


def _is_whole(match: re.Match[str]) -> bool:
    """A statement of one line: all its brackets are closed."""
    return all(match[0].count(a) == match[0].count(b) for a, b in ("()", "[]"))


def _defect(
    kind: int, path: str, text: str, change: tuple[tuple[int, int], str]
) -> Iterator[tuple[int, Defect]]:
    (start, end), new = change
    line = text.count("\n", 0, start) + 1
    was = text.splitlines()[line - 1]
    changed = text[:start] + new + text[end:]
    if not SPARED.search(was):
        yield kind, Defect(path, line, was, changed)

"""What can be read off test files: which requirements they name, what each test's text is."""

import ast
import re
from collections.abc import Iterable, Mapping

from softfactory.nodes.junit import requirements_in

JAVASCRIPT_TEST = re.compile(r"^[ \t]*(?:test|it)\(\s*([\"'`])(.*?)\1", re.MULTILINE)


def uncovered(files: Mapping[str, str], requirements: Iterable[str]) -> list[str]:
    """Requirements that no test is named after."""
    named = {
        requirement
        for path, text in files.items()
        for name in texts_of_tests(path, text)
        for requirement in requirements_in(name)
    }
    return [requirement for requirement in requirements if requirement not in named]


def altered_passing_tests(
    before: Mapping[str, str], now: Mapping[str, str], passing: Iterable[str]
) -> list[str]:
    """Passing tests that are gone or whose text has changed."""
    old = {
        name: text for path in before for name, text in texts_of_tests(path, before[path]).items()
    }
    new = {name: text for path in now for name, text in texts_of_tests(path, now[path]).items()}
    names = dict.fromkeys(name.split("[")[0] if name not in old else name for name in passing)
    return [name for name in names if name in old and new.get(name) != old[name]]


def texts_of_tests(path: str, text: str) -> dict[str, str]:
    """The text of each test of a file, by the test's name."""
    return _python_tests(text) if path.endswith(".py") else _javascript_tests(text)


def _python_tests(text: str) -> dict[str, str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return {}
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    }


def _javascript_tests(text: str) -> dict[str, str]:
    starts = list(JAVASCRIPT_TEST.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)] * bool(starts)
    return {
        match.group(2): text[match.start() : end].rstrip()
        for match, end in zip(starts, ends, strict=True)
    }

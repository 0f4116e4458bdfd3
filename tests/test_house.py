"""The house rules that a machine can hold: rooms stay small, and words mean one thing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "softfactory").rglob("*.py"))
LONGEST_MODULE = 300
LONGEST_FUNCTION = 40
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "const", "misc"}
COMMANDS = {ROOT / "softfactory" / "cli.py", ROOT / "softfactory" / "serving.py"}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_a_room_one_can_live_in(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= LONGEST_MODULE
    assert path.stem not in FORBIDDEN_NAMES
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= LONGEST_FUNCTION, f"{function.name} has {length} lines"
        arguments = [*function.args.args, *function.args.kwonlyargs]
        named = [a for a in arguments if a.arg not in ("self", "cls")]
        assert len(named) <= 5 or path in COMMANDS, f"{function.name} takes {len(named)}"


def test_every_test_module_mirrors_a_room_or_is_about_the_whole() -> None:
    rooms = {path.name for path in (ROOT / "softfactory").iterdir() if path.is_dir()}
    for folder in (path for path in (ROOT / "tests").iterdir() if path.is_dir()):
        if folder.name not in ("__pycache__", "fixtures", "snapshots", "hostile"):
            assert folder.name in rooms

"""Defects put into a product on purpose: small, different, and never plain nonsense."""

import ast
from pathlib import Path

import pytest

from softfactory.nodes import defects as room
from softfactory.nodes.defects import MOST, defects
from tests import calculator


def put_in(path: str, text: str) -> set[str]:
    """Each line with a defect in it, as it is then."""
    found = defects({path: text})
    return {defect.text.splitlines()[defect.line - 1].strip() for defect in found}


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("x = a - 1", "x = a - 2"),
        ("return a <= b", "return a < b"),
        ("return a == b", "return a != b"),
        ("return a and b", "return a or b"),
        ("total.append(a)", "pass"),
        ("a = 1; b = 2", "pass"),
    ],
)
def test_a_line_of_python_is_changed(line: str, changed: str) -> None:
    assert changed in put_in("a.py", f"def f(a, b):\n    {line}\n    return a\n")


@pytest.mark.parametrize(
    "text",
    [
        "def f(a):\n    if (a):\n        return a\n",
        "def f(a):\n    return g(\n        a=(1),\n    )\n",
        'def f():\n    x = """one\n    y = 2\n    """\n    return x\n',
        "def f(a):\n    if (a): return 1\n    else: return 2\n",
        "def f(:\n    x = a - 1\n",
        "if __name__ == '__main__':\n    raise SystemExit\n",
        "# a == b\nx: str\n",
    ],
)
def test_what_would_be_no_python_or_show_at_every_start_is_spared(text: str) -> None:
    assert put_in("a.py", text) == set()


def test_scripts_have_defects_and_other_files_have_none() -> None:
    text = "function f(a) {\n  b = a + 1;\n  return a === b;\n}\n"
    assert put_in("a.js", text) == {"b = a + 2;", ";", "return a !== b;"}
    assert put_in("a.md", text) == set()


def test_they_are_of_all_files_in_turn_the_first_first_and_the_same_every_time() -> None:
    files = {"b.py": "def f(a):\n    return a + 1\n", "a.py": calculator.CODE}
    found = defects(files, first="b.py")
    assert [defect.path for defect in found[:2]] == ["b.py", "a.py"]
    assert len(found) == MOST
    assert found == defects(files, first="b.py")


def test_every_one_of_real_code_can_be_read() -> None:
    for file in sorted(Path(room.__file__).parent.glob("*.py")):
        for defect in defects({file.name: file.read_text()}):
            ast.parse(defect.text)
            assert defect.text != file.read_text()

"""What can be read off test files."""

from softfactory.nodes.written_tests import altered_passing_tests, texts_of_tests, uncovered
from tests import calculator

JAVASCRIPT = """const test = require("node:test");

test("R1: adds", () => {
  check(1);
});

test('R2: refuses', () => {
  check(2);
});
"""


def test_each_test_has_its_text() -> None:
    python = texts_of_tests("tests/test_calc.py", calculator.TESTS)
    assert list(python) == [
        "test_r1_multiplies_before_it_adds",
        "test_r1_heeds_parentheses",
        "test_r2_refuses_division_by_zero",
    ]
    javascript = texts_of_tests("tests/game.test.js", JAVASCRIPT)
    assert list(javascript) == ["R1: adds", "R2: refuses"]
    assert "check(1)" in javascript["R1: adds"]


def test_requirements_without_a_test_are_named() -> None:
    files = {"tests/test_calc.py": calculator.TESTS, "tests/game.test.js": JAVASCRIPT}
    assert uncovered(files, ["R1", "R2", "R3"]) == ["R3"]


def test_a_changed_or_removed_passing_test_is_noticed_and_a_failing_one_may_change() -> None:
    before = {"tests/a.test.js": JAVASCRIPT}
    changed = {"tests/a.test.js": JAVASCRIPT.replace("check(2)", "check(3)")}
    removed = {"tests/a.test.js": JAVASCRIPT.split("test('R2", maxsplit=1)[0]}
    assert altered_passing_tests(before, changed, ["R1: adds"]) == []
    assert altered_passing_tests(before, changed, ["R2: refuses"]) == ["R2: refuses"]
    assert altered_passing_tests(before, removed, ["R2: refuses"]) == ["R2: refuses"]


def test_a_parametrised_test_is_known_by_its_function() -> None:
    before = {"tests/test_a.py": "def test_r1_x():\n    assert 1\n"}
    changed = {"tests/test_a.py": "def test_r1_x():\n    assert 2\n"}
    assert altered_passing_tests(before, changed, ["test_r1_x[1-2]"]) == ["test_r1_x"]


def test_a_file_without_tests_has_none() -> None:
    assert texts_of_tests("tests/a.test.js", "module.exports = {};\n") == {}
    assert texts_of_tests("tests/test_a.py", "x = 1\n") == {}

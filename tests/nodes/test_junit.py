"""Reading reports that nobody trusts."""

import pytest

from softfactory.nodes.junit import cases_of, requirements_in, steadied

REPORT = b"""<testsuites><testsuite>
<testcase classname="tests.test_calc" name="test_r1_adds" file="tests/test_calc.py" time="0.1"/>
<testcase classname="tests.test_calc" name="test_r12_fails[a b]"
 file="/workspace/tests/test_calc.py">
<failure message="assert 1 == 2">E  at 0x7f12ab34cd56 in 0.12s</failure></testcase>
<testcase classname="test" name="R3: skipped"><skipped/></testcase>
</testsuite></testsuites>"""


def test_cases_are_read_with_outcome_file_and_requirement() -> None:
    cases = cases_of(REPORT)
    assert [(c.file, c.outcome, c.requirements) for c in cases] == [
        ("tests/test_calc.py", "passed", ["R1"]),
        ("tests/test_calc.py", "failed", ["R12"]),
        ("test", "skipped", ["R3"]),
    ]
    assert "E  at 0x0 in 0.00s" in cases[1].message


@pytest.mark.parametrize("junit", [b"", b"<html>", b"not xml", b"<testsuites/>"])
def test_what_is_no_report_holds_no_cases(junit: bytes) -> None:
    assert cases_of(junit) == []


def test_a_bomb_of_entities_does_not_go_off() -> None:
    levels = [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12)]
    bomb = f'<!DOCTYPE b [<!ENTITY l0 "ha">{"".join(levels)}]><b>&l11;</b>'
    assert cases_of(bomb.encode()) == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("test_r3_refuses", ["R3"]),
        ("R3 and R4: both", ["R3", "R4"]),
        ("test_r03_zero", ["R3"]),
        ("test_error3", []),
        ("test_r123_too_long", []),
    ],
)
def test_requirements_are_read_off_names(name: str, found: list[str]) -> None:
    assert requirements_in(name) == found


def test_times_addresses_and_folders_are_steadied() -> None:
    text = "1 passed in 0.03s at /tmp/pytest-of-me/pytest-7/a (1.25 ms) duration_ms 17.3"
    assert steadied(text) == "1 passed in 0.00s at /tmp/pytest/a (0 ms) duration_ms 0"

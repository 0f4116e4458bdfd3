"""Reading what a test program reports; it was written by code that nobody trusts."""

import re
from xml.etree import ElementTree

from softfactory.state.testing import Case

REQUIREMENT = re.compile(r"(?<![A-Za-z0-9])[rR](\d{1,2})(?![A-Za-z0-9])")
UNSTEADY = (
    (re.compile(r"\bin \d+\.\d+s\b"), "in 0.00s"),
    (re.compile(r"\(\d+\.\d+ ?ms\)"), "(0 ms)"),
    (re.compile(r"duration_ms \d+(\.\d+)?"), "duration_ms 0"),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x0"),
    (re.compile(r"/\S*pytest-of-\w+/pytest-\d+"), "/tmp/pytest"),  # noqa: S108 (not a file we use)
)


def cases_of(junit: bytes) -> list[Case]:
    """Test cases of a JUnit report; none if it is missing or no such report."""
    try:
        root = ElementTree.fromstring(junit)  # noqa: S314 (expat bounds entities; size is capped)
    except ElementTree.ParseError:
        return []
    return [_case(element) for element in root.iter("testcase")]


def steadied(text: str) -> str:
    """A program's output without what changes from run to run: times, addresses, folders."""
    for pattern, steady in UNSTEADY:
        text = pattern.sub(steady, text)
    return text


def requirements_in(name: str) -> list[str]:
    """Ids of the requirements that a test's name speaks of."""
    return list(
        dict.fromkeys(f"R{int(number)}" for number in REQUIREMENT.findall(name.replace("_", " ")))
    )


def _case(element: ElementTree.Element) -> Case:
    name = element.get("name", "")
    where = element.get("file") or element.get("classname", "").replace(".", "/")
    trouble = [*element.findall("failure"), *element.findall("error")]
    skipped = element.find("skipped") is not None
    words = "\n".join(f"{t.get('message', '')}\n{t.text or ''}" for t in trouble)
    return Case(
        name=name,
        file=where.removeprefix("/workspace/"),
        outcome="failed" if trouble else "skipped" if skipped else "passed",
        message=steadied(words)[:1500],
        requirements=requirements_in(name),
    )

"""What a test report means: in words, for the tests themselves, and beside the one before."""

from softfactory.state.company import CompanyState, Tree
from softfactory.state.headings import ENGLISH
from softfactory.state.markdown import counted
from softfactory.state.testing import TestReport, Verdict


def summary(report: TestReport) -> str:
    """A report in one line."""
    passed = sum(case.outcome == "passed" for case in report.cases)
    failed = [case.name for case in report.cases if case.outcome == "failed"]
    trials = sum(not case.file for case in report.cases)
    text = f"{passed} passed, {len(failed)} failed"
    if trials:
        text += f", {counted(trials, 'trial')} among them"
    if failed:
        text += f" ({', '.join(failed[:3])}{', ...' if len(failed) > 3 else ''})"
    missing = [ENGLISH.get(name, name) for name in report.missing]
    return "; ".join(filter(None, [text, report.reason, *missing]))


def blunt_tests(report: TestReport, tree: Tree) -> Verdict:
    """The verdict on tests that notice nothing."""
    missed = report.probe.missed
    return Verdict(
        fault="test",
        files=sorted(path for path in tree if path.startswith("tests/"))[:12],
        cause=f"{counted(len(missed), 'defect')} put in on purpose went unnoticed by every test",
        evidence=missed[0][:600],
        fix="test what the product does, so that a defect makes a test fail",
    )


def was_blunt(state: CompanyState) -> bool:
    """The tests were sent back for noticing nothing in the round before."""
    report = state.get("report")
    return report is not None and report.probe.blunt


def repeats(state: CompanyState, report: TestReport, verdict: Verdict | None) -> bool:
    """The same tests fail in the same way as in the round before, and the same side is blamed."""
    before, blamed = state.get("report"), state.get("verdict")
    if verdict is None or before is None or blamed is None or report.status != "failed":
        return False
    return blamed.fault == verdict.fault and _failures(before) == _failures(report)


def _failures(report: TestReport) -> tuple[str, list[tuple[str, str]]]:
    failed = [(case.name, case.message) for case in report.cases if case.outcome == "failed"]
    return report.reason, failed

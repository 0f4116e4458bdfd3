"""What is handed over in writing: the product's README and its report."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

from softfactory.models.costs import COLUMNS, bill
from softfactory.models.recorded import RECORDED
from softfactory.persistence.calls import Call
from softfactory.state.company import CompanyState
from softfactory.state.documents import Requirement
from softfactory.state.headings import headings
from softfactory.state.markdown import bullets, findings_markdown, section
from softfactory.state.testing import Case, TestReport

PREPARING_TESTS = {"python -m pytest tests": "pip install pytest\n"}
TEST_COMMANDS = {"python": "python -m pytest tests", "javascript": "node --test"}


def readme(state: CompanyState) -> str:
    """The product's README, in the language of the idea."""
    prd, words = state["prd"], headings(state["prd"].language)
    modules = " ".join(package.name for package in state["dependencies"].packages)
    install = f"```sh\npip install {modules}\n```\n\n" if modules else ""
    test = TEST_COMMANDS[state["design"].programming_language]
    listed = [f"**{r.id}** {r.text}" for r in prd.requirements]
    documents = ("prd", "design", "plan", "report")
    return (
        f"# {prd.title}\n\n{prd.summary}\n\n"
        + section(words["usage"], install + state["layout"].usage)
        + section(words["requirements"], bullets(listed))
        + section(words["test"], f"```sh\n{PREPARING_TESTS.get(test, '')}{test}\n```")
        + section(words["documents"], bullets(f"[{d}](docs/{d}.md)" for d in documents))
    ).rstrip() + "\n"


def verdict_on(requirement: Requirement, report: TestReport) -> str:
    """Shown, failed or not_shown, by the tests and trials that speak for the requirement."""
    outcomes = report.outcomes(requirement.id)
    if "failed" in outcomes:
        return "failed"
    return "shown" if "passed" in outcomes else "not_shown"


def report_markdown(state: CompanyState, calls: Sequence[Call], notes: Sequence[str]) -> str:
    """`docs/report.md`: what was shown, how, and what it cost."""
    prd, words = state["prd"], headings(state["prd"].language)
    remarks = [
        f for result in state.get("done", {}).values() for f in (*result.problems, *result.remarks)
    ]
    return (
        f"# {prd.title}: {words['report']}\n\n"
        + section(words["requirements"], _table(state))
        + section(words["tests"], _tests(state))
        + section(words["not_verified"], bullets(_not_verified(state, notes)) or words["none"])
        + section(words["findings"], findings_markdown(remarks))
        + section(words["cost"], _cost(calls, prd.language))
    ).rstrip() + "\n"


def cost_line(calls: Sequence[Call], language: str) -> str:
    """Calls, tokens, price and time of a run in one line."""
    words = headings(language)
    tokens = sum(call.reply["input_tokens"] + call.reply["output_tokens"] for call in calls)
    prices = [call.price for call in calls]
    known = [price for price in prices if price is not None]
    price = f"${sum(known):.4f}" if len(known) == len(prices) else words["unknown"]
    minutes = max(1, ceil(sum(call.seconds for call in calls) / 60))
    return (
        f"{len(calls)} {words['calls']}, {tokens:,} {words['tokens']}, "
        f"{words['price']}: {price}, {words['time']}: ≤ {minutes} min"
    )


def _cost(calls: Sequence[Call], language: str) -> str:
    """The sum in a line, where the answers are from, and a line for each role and skill."""
    words = headings(language)
    recorded = any(call.reply["model"] == RECORDED for call in calls)
    origin = f"\n\n{words['recorded']}" if recorded else ""
    lines = [cost.cells(words["unknown"]) for cost in bill(calls)]
    rows = [[words[f"column_{name}"] for name in COLUMNS], ["---"] * len(COLUMNS), *lines]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{cost_line(calls, language)}{origin}" + (f"\n\n{table}" if lines else "")


def _table(state: CompanyState) -> str:
    words = headings(state["prd"].language)
    head = [words["requirement"], words["files"], words["tests"], words["result"]]
    rows = [f"| {' | '.join(head)} |", "|---|---|---|---|"]
    for requirement in state["prd"].requirements:
        files = [f.path for f in state["layout"].files if requirement.id in f.requirements]
        cases = [c for c in state["report"].cases if requirement.id in c.requirements]
        result = words[_told(verdict_on(requirement, state["report"]), state)]
        cells = [
            f"**{requirement.id}** {requirement.text}",
            ", ".join(f"`{path}`" for path in files),
            "<br>".join(_named(cases)),
            result,
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _told(verdict: str, state: CompanyState) -> str:
    """Tests of a page that no browser has opened show its rules, not more."""
    is_page = state["design"].kind == "web_page"
    return "rules_shown" if is_page and verdict == "shown" else verdict


def _named(cases: Sequence[Case]) -> list[str]:
    """Names of tests; one that is run with several values stands once, with their number."""
    names = Counter(_function(case) for case in cases)
    failed = {_function(case) for case in cases if case.outcome != "passed"}
    return [
        f"`{name}`{f' ×{number}' if number > 1 else ''}{' ✗' if name in failed else ''}"
        for name, number in names.items()
    ]


def _function(case: Case) -> str:
    return case.name.split("[")[0] if case.file.endswith(".py") else case.name


def _tests(state: CompanyState) -> str:
    report, words = state["report"], headings(state["prd"].language)
    tests = [case for case in report.cases if case.file]
    passed = sum(case.outcome == "passed" for case in tests)
    command = TEST_COMMANDS[state["design"].programming_language]
    lines = [f"`{command}`: {passed}/{len(tests)}"]
    lines += [
        f"`{case.name.removeprefix('$ ')}`: {case.outcome}"
        for case in report.cases
        if not case.file
    ]
    lines.append(f"{words['isolation']}: {report.isolation}")
    if report.reason:
        lines.append(report.reason)
    failed = [case for case in report.cases if case.outcome == "failed"]
    lines += [f"✗ {case.name}: {' '.join(case.message.split())[-300:]}" for case in failed]
    return bullets(lines)


def _not_verified(state: CompanyState, notes: Sequence[str]) -> list[str]:
    words = headings(state["prd"].language)
    open_ones = [
        f"**{r.id}** {r.text}: {words[verdict_on(r, state['report'])]}"
        for r in state["prd"].requirements
        if verdict_on(r, state["report"]) != "shown"
    ]
    if state["design"].kind == "web_page":
        open_ones.append(words["no_browser"])
    return open_ones + list(notes)

"""What is handed over in writing: the product's README and its report."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from pathlib import PurePosixPath
from typing import Literal

from softfactory.models.costs import COLUMNS, bill
from softfactory.models.recorded import RECORDED
from softfactory.persistence.calls import Call
from softfactory.state.company import CompanyState
from softfactory.state.documents import Requirement
from softfactory.state.headings import headings
from softfactory.state.markdown import bullets, findings_markdown, section
from softfactory.state.testing import Case, TestReport

EXCERPT = 600
"""Characters of what a started product printed."""
Shown = Literal["shown", "rules_shown", "failed", "not_shown"]


def readme(state: CompanyState) -> str:
    """The product's README, in the language of the idea."""
    prd, words = state["prd"], headings(state["prd"].language)
    modules = " ".join(package.name for package in state["dependencies"].packages)
    install = f"```sh\npip install {modules}\n```\n\n" if modules else ""
    listed = [f"**{r.id}** {r.text}" for r in prd.requirements]
    documents = ("prd", "design", "plan", "report")
    return (
        f"# {prd.title}\n\n{prd.summary}\n\n"
        + section(words["usage"], install + state["layout"].usage)
        + section(words["requirements"], bullets(listed))
        + section(words["test"], _how_to_test(state))
        + section(words["documents"], bullets(f"[{d}](docs/{d}.md)" for d in documents))
    ).rstrip() + "\n"


def _how_to_test(state: CompanyState) -> str:
    commands = list(filter(None, state["report"].command.split(" && ")))
    if any("pytest" in command for command in commands):
        page = " playwright" if state["design"].kind == "web_page" else ""
        commands = [f"pip install pytest{page}", *commands]
    return "```sh\n" + "\n".join(commands) + "\n```"


def verdict_on(requirement: Requirement, state: CompanyState) -> Shown:
    """What the tests and trials say that speak for a requirement.

    Tests of a page that no browser has opened show its rules, not more.
    """
    cases = [case for case in state["report"].cases if requirement.id in case.requirements]
    if any(case.outcome == "failed" for case in cases):
        return "failed"
    passed = [case for case in cases if case.outcome == "passed"]
    if passed and state["design"].kind == "web_page":
        opened = any(case.file.endswith(".py") for case in passed)
        return "shown" if opened else "rules_shown"
    return "shown" if passed else "not_shown"


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
        + section(words["pictures"], _pictures(state["report"]))
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
        result = words[verdict_on(requirement, state)]
        cells = [
            f"**{requirement.id}** {requirement.text}",
            ", ".join(f"`{path}`" for path in files),
            "<br>".join(_named(cases)),
            result,
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


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
    lines = [f"`{report.command}`: {passed}/{len(tests)}"]
    if report.probe.noticed:
        lines.append(f"{words['noticed']}: {report.probe.noticed}")
    lines.append(f"{words['isolation']}: {report.isolation}")
    if report.reason:
        lines.append(report.reason)
    failed = [case for case in report.cases if case.outcome == "failed"]
    lines += [f"✗ {case.name}: {' '.join(case.message.split())[-300:]}" for case in failed]
    starts = [case.message[:EXCERPT] for case in report.cases if not case.file]
    shown = "\n\n````text\n" + "\n\n".join(starts) + "\n````" if starts else ""
    return bullets(lines) + shown


def _not_verified(state: CompanyState, notes: Sequence[str]) -> list[str]:
    words = headings(state["prd"].language)
    report = state["report"]
    open_ones = [
        f"**{r.id}** {r.text}: {words[verdict_on(r, state)]}"
        for r in state["prd"].requirements
        if verdict_on(r, state) != "shown"
    ]
    open_ones += [words.get(name, name) for name in report.missing]
    if report.probe.blunt:
        open_ones.append(f"{words['unnoticed']}: {'; '.join(report.probe.missed)}")
    skipped = [
        f"`{case.name}`: {case.outcome}" for case in report.cases if case.outcome == "skipped"
    ]
    return open_ones + skipped + list(notes)


def _pictures(report: TestReport) -> str:
    """Screenshots, each after the requirement it shows."""
    paths = [PurePosixPath(path) for path in report.pictures]
    return "\n\n".join(f"![{p.stem}]({p.parent.name}/{p.name})" for p in paths)

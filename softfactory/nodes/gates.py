"""The gates: here a human decides. They do nothing else, so asking again costs nothing."""

from collections.abc import Callable
from dataclasses import dataclass

from langgraph.types import interrupt

from softfactory.config import QA_ROUNDS
from softfactory.errors import GateGone, UsageError
from softfactory.models.purse import raised
from softfactory.persistence.runs import Run
from softfactory.state.company import CompanyState, Update
from softfactory.state.documents import PRD, Design, Plan
from softfactory.state.gates import ACTIONS, Decision, GateName, GateQuestion
from softfactory.state.markdown import (
    counted,
    design_markdown,
    findings_markdown,
    plan_markdown,
    prd_markdown,
)
from softfactory.state.testing import TestReport, Verdict

EDITABLE: dict[GateName, type[PRD] | type[Design] | type[Plan]] = {
    "prd": PRD,
    "design": Design,
    "plan": Plan,
}


@dataclass(frozen=True)
class Gate:
    """Shows a document and waits for a human, for days if need be; open, it lets all pass."""

    name: GateName
    question: Callable[[CompanyState], GateQuestion]
    is_open: bool = False

    async def __call__(self, state: CompanyState) -> Update:
        """Ask, unless the gate is open."""
        if self.is_open:
            return {"decision": Decision(action="approve")}
        answer = interrupt(self.question(state).model_dump(), response_schema=Decision)
        return decided(self.name, Decision.model_validate(answer), state.get("allowance", 0))


def decided(gate: GateName, decision: Decision, granted: int = 0) -> Update:
    """What a decision changes in the state.

    Raises:
        ValueError: the action is none of the gate's, or the edited document does not fit.
    """
    if decision.action not in ACTIONS[gate]:
        raise ValueError(f"{decision.action!r} is no answer here; {', '.join(ACTIONS[gate])} are")
    if gate == "help":
        return _help_update(decision, granted)
    update: Update = {"decision": decision}
    if gate == "prd" and decision.answers:
        update["answers"] = decision.answers
    if decision.action == "edit":
        update.update(_edited(gate, decision))
    if gate == "delivery" and decision.action == "revise":
        update.update(
            {"verdict": _change_request(decision.feedback), "qa_round": 0, "accepted": False}
        )
    return update


def refuse_misfit(
    run: Run, question: GateQuestion | None, decision: Decision, gate: str = ""
) -> None:
    """Refuse a decision that is not for what a run waits for; `gate`: the id it was made for.

    Raises:
        GateGone: the run waits for nothing, or for something else.
        UsageError: the decision is no answer to the question.
    """
    if question is None or gate not in ("", question.id):
        raise GateGone(f"run {run.id} waits for no answer; `softfactory show {run.id}` says more")
    try:
        decided(question.gate, decision)
        if question.gate == "budget" and decision.action == "retry":
            raised(run.settings, decision.feedback)
    except ValueError as error:
        raise UsageError(f"this answer does not fit the {question.gate} gate: {error}") from error


def prd_question(state: CompanyState) -> GateQuestion:
    """The requirements, before money is spent on code."""
    prd = state["prd"]
    text = prd_markdown(prd, state.get("research"), {})
    title = f"Requirements of {prd.title}: {len(prd.requirements)}, size {prd.size}"
    return _question("prd", title, text, prd.open_questions)


def design_question(state: CompanyState) -> GateQuestion:
    """The design, before it is cut into work."""
    prd = state["prd"]
    text = design_markdown(prd, state["design"], state["layout"], state["dependencies"])
    return _question("design", f"Design of {prd.title}", text, [])


def plan_question(state: CompanyState) -> GateQuestion:
    """The plan, before code is written."""
    text = plan_markdown(state["prd"], state["plan"])
    return _question("plan", f"Plan of {state['prd'].title}", text, [])


def delivery_question(state: CompanyState) -> GateQuestion:
    """The tested product, before it is tagged and handed over."""
    text = report_lines(state["report"])
    return _question("delivery", f"{state['prd'].title} is ready for delivery", text, [])


def help_question(state: CompanyState) -> GateQuestion:
    """What the company could not settle within its rounds."""
    stuck = [result for result in state.get("done", {}).values() if result.stuck]
    lines = [
        f"Work package {result.package} after {counted(result.rounds, 'round')}:\n\n"
        f"{findings_markdown(result.problems)}"
        for result in stuck
    ]
    report, verdict = state.get("report"), state.get("verdict")
    if report and not stuck:
        lines = [
            f"Tests still fail after {counted(state.get('qa_round', 0), 'round')}.\n\n"
            f"{report_lines(report)}"
        ]
        if verdict:
            lines.append(f"QA blames the {verdict.fault}: {verdict.cause}")
    repeats = report is not None and report.repeats and not stuck
    why = "the same failure twice in a row" if repeats else "the work does not come to an end"
    return _question("help", f"{state['prd'].title}: {why}", "\n\n".join(lines), [])


def report_lines(report: TestReport) -> str:
    """A test report in a few lines of Markdown."""
    failed = [case for case in report.cases if case.outcome == "failed"]
    passed = sum(case.outcome == "passed" for case in report.cases)
    head = f"{passed} passed, {len(failed)} failed ({report.command}; {report.isolation})"
    if report.reason:
        head += f": {report.reason}"
    return "\n".join([head, "", *[f"- {case.name}: {case.message[:200]}" for case in failed]])


def _question(gate: GateName, title: str, document: str, questions: list[str]) -> GateQuestion:
    return GateQuestion(
        gate=gate,
        title=title,
        document=document,
        questions=questions,
        actions=list(ACTIONS[gate]),
    )


def _edited(gate: GateName, decision: Decision) -> Update:
    document = EDITABLE[gate].model_validate(decision.document or {})
    if isinstance(document, PRD):
        return {"prd": document}
    return {"design": document} if isinstance(document, Design) else {"plan": document}


def _change_request(feedback: str) -> Verdict:
    return Verdict(
        fault="code",
        files=["main"],
        cause=f"the human asks for a change: {feedback}",
        evidence="the human's own words",
        fix=feedback or "see the cause",
    )


def _help_update(decision: Decision, granted: int) -> Update:
    """What an answer at `ask_human` changes: rounds, a hint, or taking it as it is."""
    update: Update = {"decision": decision, "accepted": decision.action == "approve"}
    if decision.action in ("retry", "revise"):
        update["allowance"] = granted + QA_ROUNDS
        update["hint"] = decision.feedback
    return update

"""The edges: pure questions about the state. The bound of a loop stands in its edge."""

from typing import Literal

from langgraph.types import Send

from softfactory.config import QA_ROUNDS, REVIEW_ROUNDS
from softfactory.state.company import CompanyState, PackageOrder, PackageState
from softfactory.state.documents import Finding, WorkPackage
from softfactory.state.testing import Verdict

END: Literal["__end__"] = "__end__"
"""LangGraph's END, whose type there is too wide for an answer."""


def after_prd_gate(state: CompanyState) -> Literal["architect", "product_manager", "__end__"]:
    """On with the approved requirements, back with the human's wishes, or stop."""
    action = state["decision"].action
    if action == "stop":
        return END
    return "product_manager" if action == "revise" else "architect"


def after_design_gate(state: CompanyState) -> Literal["project_manager", "architect", "__end__"]:
    """On with the approved design, back with the human's wishes, or stop."""
    action = state["decision"].action
    if action == "stop":
        return END
    return "architect" if action == "revise" else "project_manager"


def after_plan_gate(
    state: CompanyState,
) -> list[Send] | Literal["project_manager", "qa_engineer", "ask_human", "__end__"]:
    """To the engineers, all that can begin at once; or back with the human's wishes."""
    action = state["decision"].action
    if action == "stop":
        return END
    return "project_manager" if action == "revise" else next_packages(state)


def next_packages(state: CompanyState) -> list[Send] | Literal["qa_engineer", "ask_human"]:
    """Every package whose needs are met, then QA; a human first if one is stuck."""
    done, accepted = state.get("done", {}), state.get("accepted", False)
    finished = {name for name, result in done.items() if accepted or not result.stuck}
    ready = [
        package
        for package in state["plan"].packages
        if package.id not in done and finished.issuperset(package.needs)
    ]
    if ready:
        return [_order(state, package, [], "") for package in ready]
    return "qa_engineer" if len(finished) == len(state["plan"].packages) else "ask_human"


def after_qa(
    state: CompanyState,
) -> list[Send] | Literal["approve_delivery", "qa_engineer", "ask_human"]:
    """Deliver what passed; else back to whoever is at fault.

    A human is asked when the rounds are used up or the last one has changed nothing.
    """
    verdict = state.get("verdict")
    if verdict is None:
        return "approve_delivery"
    if state["report"].repeats or state["qa_round"] >= QA_ROUNDS + state.get("allowance", 0):
        return "ask_human"
    return to_mend(state, verdict)


def after_delivery_gate(state: CompanyState) -> list[Send] | Literal["delivery", "__end__"]:
    """Hand over, or have the engineers make the change that the human asks for."""
    action, verdict = state["decision"].action, state.get("verdict")
    if action == "stop":
        return END
    return repairs(state, verdict) if verdict and action == "revise" else "delivery"


def after_help(
    state: CompanyState,
) -> list[Send] | Literal["approve_delivery", "qa_engineer", "ask_human", "__end__"]:
    """Go on where the rounds ran out, or take it as it is."""
    action, done = state["decision"].action, state.get("done", {})
    if action == "stop":
        return END
    if action == "approve":
        return "approve_delivery" if state.get("report") else next_packages(state)
    stuck = [package for package in state["plan"].packages if done[package.id].stuck]
    if stuck:
        return [_order(state, package, done[package.id].problems, "") for package in stuck]
    verdict = state.get("verdict")
    return to_mend(state, verdict) if verdict else "approve_delivery"


def to_mend(state: CompanyState, verdict: Verdict) -> list[Send] | Literal["qa_engineer"]:
    """Whoever is at fault."""
    return "qa_engineer" if verdict.fault == "test" else repairs(state, verdict)


def repairs(state: CompanyState, verdict: Verdict) -> list[Send]:
    """The packages that own the files at fault, with the verdict and what the tests printed."""
    report = state.get("report")
    packages = state["plan"].packages
    owners = [package for package in packages if set(package.files) & set(verdict.files)]
    finding = Finding(
        severity="blocking",
        where=", ".join(verdict.files)[:600],
        problem=f"{verdict.cause}\n{verdict.evidence}"[:6000],
        fix=verdict.fix,
    )
    failing = report.output if report and report.status == "failed" else ""
    return [_order(state, package, [finding], failing) for package in owners or packages]


def after_check(
    state: PackageState,
) -> Literal["engineer", "code_reviewer", "__end__"]:
    """Back while a check fails, on to the reviewer; a repair for QA is judged by the tests.

    An engineer who changed nothing is not asked again: a human is.
    """
    if state["problems"]:
        may_mend = state["round"] < state["limit"] and not state["unchanged"]
        return "engineer" if may_mend else END
    return END if state["failing"] else "code_reviewer"


def after_review(state: PackageState) -> Literal["engineer", "__end__"]:
    """Send rejected code back to the engineer, up to the limit of rounds."""
    return "engineer" if state["review"].blocking and state["round"] < state["limit"] else END


def _order(
    state: CompanyState, package: WorkPackage, problems: list[Finding], failing: str
) -> Send:
    needs = {other.id: other.files for other in state["plan"].packages}
    reads = [path for need in package.needs for path in needs.get(need, [])]
    order = PackageOrder(
        package=package,
        dossier=state["dossier"],
        planned=[file.path for file in state["layout"].files],
        modules=[dependency.module for dependency in state["dependencies"].packages],
        reads=reads,
        before=state["tree"],
        problems=problems,
        failing=failing,
        hint=state.get("hint", ""),
        limit=REVIEW_ROUNDS,
    )
    return Send("engineering", order)

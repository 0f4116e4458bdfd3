"""What a human is asked and what a human may answer."""

import zlib
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from softfactory.state.documents import Document

GateName = Literal["prd", "design", "plan", "delivery", "help", "budget", "conflict"]
Action = Literal["approve", "edit", "revise", "retry", "keep", "take", "stop"]
ACTIONS: dict[GateName, tuple[Action, ...]] = {
    "prd": ("approve", "edit", "revise", "stop"),
    "design": ("approve", "edit", "revise", "stop"),
    "plan": ("approve", "edit", "revise", "stop"),
    "delivery": ("approve", "revise", "stop"),
    "help": ("retry", "revise", "approve", "stop"),
    "budget": ("retry", "approve", "stop"),
    "conflict": ("keep", "take", "stop"),
}


class GateQuestion(Document):
    """What stands at a gate until somebody answers, be it days later."""

    gate: GateName
    title: str
    document: str = Field(description="what is to be judged, as Markdown")
    questions: list[str] = Field(description="questions that only a human can answer")
    actions: list[Action]
    id: str = Field(default="", description="of this asking; asked again, it has another one")


class Decision(Document):
    """A human's answer at a gate."""

    action: Action = Field(
        description=(
            "approve it, edit it, revise with feedback, retry with more rounds, "
            "keep the human's files or take the company's, or stop"
        )
    )
    feedback: Annotated[str, StringConstraints(max_length=8000)] = Field(
        default="", description="what to change, or a hint"
    )
    answers: dict[str, str] = Field(
        default_factory=dict, description="open question → answer, where there are any"
    )
    document: dict[str, Any] | None = Field(
        default=None, description="the edited document, all of its fields (with edit)"
    )


def budget_question(reason: str) -> GateQuestion:
    """What a run asks when the next call would pass its budget."""
    return GateQuestion(
        gate="budget",
        title="The budget is too small for the next call",
        document=f"{reason[:1].upper()}{reason[1:]}. Nothing is lost: the run goes on where it is.",
        questions=[],
        actions=list(ACTIONS["budget"]),
        id=f"budget-{zlib.crc32(reason.encode()):08x}",
    )


def conflict_question(paths: list[str], differences: str) -> GateQuestion:
    """What a run asks when a human and a role have changed the same files."""
    return GateQuestion(
        gate="conflict",
        title=f"Your changes and the company's meet in {', '.join(paths)}",
        document=f"Both stay in the product's history; which are to stand?\n\n{differences}",
        questions=[],
        actions=list(ACTIONS["conflict"]),
        id=f"conflict-{zlib.crc32(differences.encode()):08x}",
    )

"""All that the page shows of a run at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from softfactory.graph.steps import Step
from softfactory.models.choice import RECORDING
from softfactory.models.recorded import OFF_THE_RECORD
from softfactory.persistence.events import LoggedEvent
from softfactory.persistence.runs import Run
from softfactory.product.history import Commit, History
from softfactory.state.gates import GateQuestion
from softfactory.web.office import Office

REPORT = "docs/report.md"


@dataclass(frozen=True)
class Things:
    """What the company has made so far."""

    state: Mapping[str, Any] = field(default_factory=dict)
    """As `CompanyState`; keys that are not yet written are missing."""
    tree: dict[str, str] = field(default_factory=dict)
    commits: Sequence[Commit] = ()
    report: str = ""
    steps: Sequence[Step] = ()
    """Places to go back to, told only of a run at rest."""


@dataclass(frozen=True)
class View:
    """A run as it stands."""

    run: Run
    at_work: bool
    events: Sequence[LoggedEvent]
    question: GateQuestion | None = None
    things: Things = field(default_factory=Things)

    @property
    def standing(self) -> str:
        """Its status, and whether somebody really is at work."""
        if self.at_work:
            return "working"
        return "interrupted" if self.run.status == "working" else self.run.status

    @property
    def recorded(self) -> bool:
        """Whether a recording answers: it knows no answer to anything else."""
        return self.run.settings.model.startswith(RECORDING)

    @property
    def off_the_record(self) -> bool:
        """Whether it has failed as a human wanted what was not recorded."""
        return self.recorded and self.standing == "failed" and OFF_THE_RECORD in self.run.reason

    @property
    def testing(self) -> bool:
        """Whether the product is being tested just now."""
        for logged in reversed(self.events if self.at_work else ()):
            if logged.event.role == "QA Engineer" and logged.event.kind in ("test", "work"):
                return logged.event.kind == "work"
        return False

    @property
    def asked(self) -> str:
        """The gate that nobody has passed yet since it asked; empty if there is none."""
        for logged in reversed(self.events):
            event = logged.event
            if event.kind == "gate":
                return str(event.data.get("gate", ""))
            if event.kind not in ("run", "said", "note"):
                return ""
        return ""

    @property
    def newest(self) -> str:
        """What tells one state of the product from another."""
        return self.things.commits[0].id if self.things.commits else ""


async def things_of(office: Office, run: Run, *, at_work: bool) -> Things:
    """Look at everything that was made."""
    product = await office.service.product(run.id)
    tree = await product.tree()
    commits = await History(product.folder).commits() if tree else []
    report = ""
    if REPORT in tree:
        report = await product.text(tree[REPORT])
    state = cast(Mapping[str, Any], await office.service.documents(run.id))
    steps = [] if at_work else await office.service.steps(run.id)
    return Things(state, tree, commits, report, steps)

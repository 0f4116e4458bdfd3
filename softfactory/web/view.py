"""All that the page shows of a run at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from softfactory.graph.steps import Step
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

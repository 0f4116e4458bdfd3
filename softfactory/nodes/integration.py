"""Integration: the packages of one wave are put together."""

from dataclasses import dataclass

from softfactory.state.company import CompanyState, Update
from softfactory.state.events import Event, Tell


@dataclass(frozen=True)
class Integration:
    """Waits for every package in the works, so that the next wave builds on finished ones."""

    tell: Tell

    async def __call__(self, state: CompanyState) -> Update:
        """Say how far the work is."""
        done, plan = state["done"], state["plan"]
        stuck = [result.package for result in done.values() if result.stuck]
        text = f"{len(done) - len(stuck)} of {len(plan.packages)} work packages finished"
        if stuck:
            text += f", {', '.join(stuck)} stuck"
        await self.tell(Event(kind="work", role="Company", text=text))
        return {}

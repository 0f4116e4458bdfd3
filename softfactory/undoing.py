"""Going back a step so that no death in the middle leaves the product apart from the state."""

from dataclasses import dataclass

from softfactory.graph.steps import Place, Undone
from softfactory.graph.thread import Thread
from softfactory.persistence.runs import Run
from softfactory.product.repository import Change
from softfactory.workplace import Workplace


@dataclass(frozen=True)
class Undoing:
    """First the thread goes back and says from which commit; then the product follows.

    Whoever works on a run next completes what was interrupted between the two.
    """

    workplace: Workplace
    run: Run
    thread: Thread

    async def go_back(self, place: Place, summary: str) -> None:
        """Have the run, its state and its product, stand again where it was."""
        product = self.workplace.product(self.run)
        await product.decide_nothing()
        await self.thread.go_back(place, Undone(summary, await product.newest()))
        await self.complete()

    async def complete(self) -> None:
        """Commit what a going back took back, unless that is done or there was none."""
        product = self.workplace.product(self.run)
        undone = await self.thread.undone()
        if undone is None or await product.newest() != undone.commit:
            return
        tree = (await self.thread.state()).get("tree", {})
        files = await product.contents(tree)
        gone = {path: None for path in await product.tree() if path not in tree}
        await product.commit(Change("Human", undone.summary, {**files, **gone}))
        await self.workplace.tell(self.run.id, "note", undone.summary, role="Human")

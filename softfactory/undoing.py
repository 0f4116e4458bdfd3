"""Going back a step so that no death in the middle leaves the product apart from the state."""

from dataclasses import dataclass

from softfactory.graph.steps import Place, Undone
from softfactory.persistence.runs import Run
from softfactory.product.repository import Change
from softfactory.workplace import Workplace


@dataclass(frozen=True)
class Undoing:
    """First the thread goes back and says from which commit; then the product follows.

    Whoever works on a run next completes what was interrupted between the two.
    """

    workplace: Workplace

    async def go_back(self, run: Run, place: Place, summary: str) -> None:
        """Have a run, its state and its product, stand again where it was."""
        product = self.workplace.product(run)
        await product.decide_nothing()
        undone = Undone(summary, await product.newest())
        await self.workplace.thread(run).go_back(place, undone)
        await self.complete(run)

    async def complete(self, run: Run) -> None:
        """Commit what a going back took back, unless that is done or there was none."""
        thread, product = self.workplace.thread(run), self.workplace.product(run)
        undone = await thread.undone()
        if undone is None or await product.newest() != undone.commit:
            return
        tree = (await thread.state()).get("tree", {})
        files = await product.contents(tree)
        gone = {path: None for path in await product.tree() if path not in tree}
        await product.commit(Change("Human", undone.summary, {**files, **gone}))
        await self.workplace.tell(run.id, "note", undone.summary, role="Human")

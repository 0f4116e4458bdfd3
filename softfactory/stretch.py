"""A stretch of work on a run: from where it stands to the next gate, the end, or trouble."""

import asyncio
import traceback
from dataclasses import dataclass

from softfactory.errors import (
    BudgetReached,
    EditConflict,
    LeaseLost,
    ModelUnavailable,
    ProductError,
    SoftfactoryError,
    StorageTrouble,
    UsageError,
)
from softfactory.graph.company import GRAPH_VERSION, UNFINISHED
from softfactory.graph.thread import Thread
from softfactory.models.purse import purse_of, raised
from softfactory.nodes.gates import refuse_misfit
from softfactory.persistence.leases import under_lease
from softfactory.persistence.runs import Run, Status
from softfactory.product.hands import Meeting
from softfactory.state.gates import Decision, GateQuestion, budget_question
from softfactory.undoing import Undoing
from softfactory.workplace import Workplace

STANDING: dict[type[SoftfactoryError], Status] = {
    ModelUnavailable: "paused",
    BudgetReached: "limit",
    EditConflict: "waiting",
}
"""Where a run stands after trouble; after all other trouble it has failed. Each can be resumed."""
BY_HUMAN: tuple[Status, str] = ("stopped", "by a human")


@dataclass(frozen=True)
class Stretch:
    """Works on runs that this process owns."""

    workplace: Workplace

    async def work(self, run: Run, decision: Decision | None, gate: str = "") -> tuple[Status, str]:
        """Work until the run rests; trouble of the model or the machine is where it stands.

        Raises:
            UsageError: the decision does not fit what the run waits for.
            LeaseLost: somebody else owns the run now.
        """
        runs, calls = self.workplace.records.runs, self.workplace.calls_of(run)
        try:
            return await under_lease(runs, run.id, self._advance(run, decision, gate))
        except asyncio.CancelledError:
            for call in calls:
                call.cancel()
            return BY_HUMAN
        except (UsageError, LeaseLost):
            raise
        except SoftfactoryError as error:
            return STANDING.get(type(error), "failed"), str(error)
        except Exception as error:  # a defect of ours: told in full in the log, the run goes on
            text = f"internal error: {error!r}"
            await self.workplace.tell(run.id, "note", text, traceback=traceback.format_exc())
            return "failed", text
        finally:
            if calls:
                await asyncio.wait(calls)
            await self.workplace.publishing.finish(run.id)

    async def question(self, run: Run, thread: Thread) -> GateQuestion | None:
        """What a run waits for an answer to; None if nothing."""
        if run.status == "waiting":
            meeting = await (await self.workplace.hands(run)).meeting()
            if meeting:
                return meeting.question()
        asked = await thread.question()
        return budget_question(run.reason) if asked is None and run.status == "limit" else asked

    async def _advance(
        self, run: Run, decision: Decision | None, gate: str = ""
    ) -> tuple[Status, str]:
        await self.workplace.sandbox(run.settings)
        paid = await self.workplace.records.calls.of_run(run.id)
        thread = self.workplace.thread(run, purse_of(run.settings.budget, paid))
        refuse_older(run)
        await self._refuse_lost(run, thread, answered=bool(paid))
        await Undoing(self.workplace, run, thread).complete()
        question = await self.question(run, thread)
        if decision:
            refuse_misfit(run, question, decision, gate)
            if decision.action == "edit":
                await self._note_edit(run, question)
            if decision.action == "stop" and question and question.gate in ("budget", "conflict"):
                return BY_HUMAN
        if decision and question and question.gate == "budget":
            return await self._beyond_the_budget(run, thread, decision)
        if decision and question and question.gate == "conflict":
            await self._settle(run, thread, keep=decision.action == "keep")
            decision = None
        if decision is None and question is None and run.status == "stopped":
            await thread.reopen()
        return await self._on_from_here(run, thread, decision)

    async def _refuse_lost(self, run: Run, thread: Thread, *, answered: bool) -> None:
        """Refuse to begin a run anew, or to go on with its product, if what was kept is gone.

        Raises:
            StorageTrouble: its checkpoints are not there, though it has been worked on.
            ProductError: its product is not there.
        """
        state = await thread.state()
        if answered and not state:
            raise StorageTrouble(
                f"the checkpoints of run {run.id} are gone, its answers are not: "
                f"`softfactory fork {run.id} --at 0` comes as far as it was and pays nothing again"
            )
        kept = self.workplace.kept(run.id)
        if state.get("tree") and not await asyncio.to_thread(kept.exists):
            raise ProductError(
                f"the product of run {run.id} is gone: {str(kept)!r}. Bring it back, for example "
                f"by `git clone --bare {run.out or 'FOLDER'} {kept}`, then resume"
            )

    async def _on_from_here(
        self, run: Run, thread: Thread, decision: Decision | None
    ) -> tuple[Status, str]:
        """Take in what the human changed by hand, go on, and say where that led."""
        if meeting := await self._take_in(run, thread):
            return "waiting", meeting.question().title
        question = await thread.question()
        if question is None or decision:
            question = await thread.advance(run.idea, decision)
        unpublished = await self.workplace.publishing.now(run.id)
        meeting = None if unpublished else await (await self.workplace.hands(run)).meeting()
        question = meeting.question() if meeting else question
        if question:
            await self.workplace.tell(run.id, "gate", question.title, gate=question.gate)
            return ("limit" if question.gate == "help" else "waiting"), question.title
        delivered = "delivery" in await thread.state()
        return ("delivered", unpublished) if delivered else BY_HUMAN

    async def _take_in(self, run: Run, thread: Thread) -> Meeting | None:
        """Commit what was changed by hand, for the next step to work on.

        What meets the company's changes is returned instead: the human decides.
        """
        hands = await self.workplace.hands(run)
        if not await hands.busy():
            return await hands.meeting()
        product, state = self.workplace.product(run), await thread.state()
        if await product.tree() != state.get("tree", {}):
            await thread.finish_step()  # it was interrupted, and has committed something already
        if meeting := await hands.meeting():
            return meeting
        await thread.take_in(await hands.take_in())
        return None

    async def _settle(self, run: Run, thread: Thread, *, keep: bool) -> None:
        """Do with meeting changes as the human decided."""
        hands = await self.workplace.hands(run)
        between_steps = await hands.busy()
        tree = await hands.settle(keep=keep)
        if between_steps:
            await thread.take_in(tree)

    async def _beyond_the_budget(
        self, run: Run, thread: Thread, decision: Decision
    ) -> tuple[Status, str]:
        """Go on with more money, or deliver what there is."""
        runs = self.workplace.records.runs
        if decision.action == "retry":
            await runs.set_settings(run.id, raised(run.settings, decision.feedback))
        elif not await thread.finish():
            raise UsageError("there is nothing to deliver yet; raise the budget or stop")
        await runs.set_status(run.id, "working")
        return await self._advance(await runs.get(run.id), None)

    async def _note_edit(self, run: Run, question: GateQuestion | None) -> None:
        """Note beside the answer that a human thought it needed an edit."""
        calls = self.workplace.records.calls
        skills = {"prd": "write_prd", "design": "design_api", "plan": "project_management"}
        skill = skills.get(question.gate, "") if question else ""
        newest = await calls.latest_key(run.id, skill, "")
        await calls.judge(run.id, "human edited", filter(None, [newest]))


def refuse_older(run: Run) -> None:
    """Refuse a run whose checkpoints are those of another graph.

    Raises:
        UsageError: it would silently end, or begin again, in this one.
    """
    if run.graph == UNFINISHED:
        raise UsageError(
            f"run {run.id} is a fork that was interrupted while it was made: "
            f"`softfactory delete {run.id}`, then fork {run.parent} again"
        )
    if run.graph != GRAPH_VERSION:
        raise UsageError(
            f"run {run.id} was begun with graph {run.graph!r}, this softfactory works with "
            f"{GRAPH_VERSION!r}: go on with the version that began it, or begin anew from its "
            f"answers with `softfactory fork {run.id} --at 0`"
        )

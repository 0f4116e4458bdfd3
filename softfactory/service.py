"""The use cases: start a run, work on it, answer its gates, stop it, watch it.

The surfaces know nothing below this module. A run is worked on by one process at a time; all that
happens to it goes into its event log, which any number of others can follow.
"""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from softfactory.config import OptionalGate, Settings
from softfactory.errors import (
    BudgetReached,
    ModelUnavailable,
    SoftfactoryError,
    UsageError,
)
from softfactory.graph.company import GRAPH_VERSION, Company
from softfactory.graph.thread import Thread
from softfactory.models.purse import Purse, purse_of, raised
from softfactory.models.recorded import Recording, recorded_calls, write_recording
from softfactory.nodes.gates import refuse_misfit
from softfactory.persistence.calls import Call
from softfactory.persistence.database import open_database
from softfactory.persistence.events import LoggedEvent
from softfactory.persistence.leases import under_lease
from softfactory.persistence.runs import Run, Status
from softfactory.product.repository import Repository
from softfactory.state.company import CompanyState
from softfactory.state.gates import Decision, GateQuestion, budget_question
from softfactory.workplace import Outside, Workplace, records_in

FOLLOW_SECONDS = 0.1
STANDING: dict[type[SoftfactoryError], Status] = {
    ModelUnavailable: "paused",
    BudgetReached: "limit",
}
"""Where a run stands after trouble; after all other trouble it has failed. Each can be resumed."""


class Service:
    """Everything that can be done with runs."""

    def __init__(self, workplace: Workplace, saver: AsyncSqliteSaver) -> None:
        self._workplace = workplace
        self._saver = saver
        self.home = workplace.home
        self.runs = workplace.records.runs
        self.events = workplace.records.events
        self.calls = workplace.records.calls
        self.requests = workplace.records.requests
        self.prices = workplace.prices

    async def start(self, idea: str, settings: Settings, name: str = "") -> Run:
        """Make a run of an idea; nothing is asked and nothing paid yet.

        Raises:
            UsageError: the idea is empty, no model is named, or the folder is taken.
            SandboxUnavailable: what is written could not be run here.
        """
        if not idea.strip():
            raise UsageError('there is no idea: `softfactory build "a habit tracker"`')
        if not settings.model:
            raise UsageError(
                "no model: give --model NAME, and --base-url URL unless it is OpenAI's; "
                "`softfactory demo` needs none"
            )
        await self._workplace.refuse_taken(settings)
        self._workplace.chat_model(settings).ready(idea)
        self._workplace.refuse_unpriced(settings)
        await self._workplace.sandbox(settings)
        run = await self.runs.add(idea.strip(), settings, GRAPH_VERSION, name=name)
        await self._workplace.tell(
            run.id, "run", f"run {run.id}: {idea.strip().splitlines()[0][:120]}"
        )
        return run

    async def work(self, name: str, decision: Decision | None = None, gate: str = "") -> Run:
        """Work on a run until it waits for a human, is delivered, or can't go on.

        Returns the run as it then stands: trouble with the model or the machine is in its status
        and reason. A decision is for the gate with this id, or for whichever it is.

        Raises:
            RunBusy: another process is at it.
            UsageError: the decision does not fit what the run waits for.
        """
        run = await self.runs.get(name)
        await self.runs.acquire(run)
        started = time.monotonic()
        try:
            status, reason = await self._stretch(run, decision, gate)
            await self.runs.add_worked(run.id, time.monotonic() - started)
            await self.runs.set_status(run.id, status, reason)
            await self._workplace.tell(run.id, "run", status, status=status, reason=reason)
        except UsageError:
            await self.runs.set_status(run.id, run.status, run.reason)
            raise
        finally:
            await self.runs.release(run.id)
        return await self.runs.get(run.id)

    async def fork(self, name: str, gate: OptionalGate) -> Run:
        """A new run that stands where another one came to a gate, and pays only what differs.

        Raises:
            UsageError: the run has not come to this gate.
        """
        parent = await self.runs.get(name)
        state = await self._thread(parent).state_at(gate)
        if state is None:
            raise UsageError(f"run {parent.id} has not come to the {gate} gate")
        gates = tuple(dict.fromkeys((*parent.settings.gates, gate)))
        settings = parent.settings.model_copy(update={"gates": gates, "out": ""})
        run = await self.runs.add(parent.idea, settings, GRAPH_VERSION, parent.id)
        await self._workplace.copy_product(parent, run, state)
        await self._thread(run).begin_at(gate, state)
        await self._workplace.tell(run.id, "run", f"run {run.id}: fork of {parent.id} at {gate}")
        await self._workplace.place(run, state["prd"].name, state["prd"].title)
        return run

    async def stop(self, name: str) -> Run:
        """Have the process stop that works on a run, if there is one; it can be resumed."""
        run = await self.runs.get(name)
        if run.owned:
            await self.runs.request_stop(run.id)
        return run

    async def question(self, name: str) -> GateQuestion | None:
        """What the run waits for an answer to; None if nothing."""
        run = await self.runs.get(name)
        return await self._question(run, self._thread(run))

    async def check(self, name: str, decision: Decision, gate: str) -> Run:
        """Refuse a decision that is not for what the run waits for now.

        Raises:
            GateGone: it waits for nothing, or for something else.
            UsageError: the decision does not fit.
        """
        run = await self.runs.get(name)
        refuse_misfit(run, None if run.owned else await self.question(run.id), decision, gate)
        return run

    async def adjust(self, name: str, changes: Mapping[str, Any]) -> Run:
        """Change settings of a run that can go on.

        Raises:
            UsageError: it is delivered, or the models it now names can't be asked.
        """
        run = await self.runs.get(name)
        if run.status == "delivered":
            raise UsageError(f"run {run.id} is delivered, to {run.out}")
        settings = run.settings.model_copy(update=changes)
        self._workplace.chat_model(settings).ready(run.idea)
        await self.runs.set_settings(run.id, settings)
        return await self.runs.get(run.id)

    async def probe(self) -> None:
        """See that what is written could be run here.

        Raises:
            SandboxUnavailable: it could not.
        """
        await self._workplace.sandbox(Settings())

    async def product(self, name: str) -> Repository:
        """What a run has made so far, to be read."""
        return self._workplace.product_of(await self.runs.get(name))

    async def documents(self, name: str) -> CompanyState:
        """What the company knows about a run so far; keys not yet written are missing."""
        return await self._thread(await self.runs.get(name)).state()

    async def follow(self, name: str, after: int = 0) -> AsyncIterator[LoggedEvent]:
        """Events of a run after a number, live, until nobody works on it any more."""
        run = await self.runs.get(name)
        while True:
            owned = run.owned
            for logged in await self.events.after(run.id, after):
                after = logged.seq
                yield logged
            if not owned:
                return
            await asyncio.sleep(FOLLOW_SECONDS)
            run = await self.runs.get(run.id)

    async def paid(self, name: str) -> list[Call]:
        """All answered model calls of a run."""
        return await self.calls.of_run((await self.runs.get(name)).id)

    async def export(self, name: str, file: Path, about: str) -> int:
        """Write a run's model calls as a recording; how many they are."""
        run = await self.runs.get(name)
        calls = recorded_calls(await self.paid(run.id))
        if not calls:
            raise UsageError(f"run {run.id} has no answers to record yet")
        kept = Settings(thorough=run.settings.thorough, speak=run.settings.speak)
        await asyncio.to_thread(write_recording, file, Recording(run.idea, about, kept, calls))
        return len(calls)

    async def _question(self, run: Run, thread: Thread) -> GateQuestion | None:
        asked = await thread.question()
        return budget_question(run.reason) if asked is None and run.status == "limit" else asked

    async def _beyond_the_budget(
        self, run: Run, thread: Thread, decision: Decision
    ) -> tuple[Status, str]:
        """Go on with more money, deliver what there is, or leave it for now."""
        if decision.action == "stop":
            return "stopped", "by a human"
        if decision.action == "retry":
            await self.runs.set_settings(run.id, raised(run.settings, decision.feedback))
        elif not await thread.finish():
            raise UsageError("there is nothing to deliver yet; raise the budget or stop")
        await self.runs.set_status(run.id, "working")
        return await self._advance(await self.runs.get(run.id), None)

    def company_of(self, run: Run) -> Company:
        """The company that works on a run, for a server that brings its own checkpoints."""
        return self._workplace.company_of(run)

    async def _stretch(self, run: Run, decision: Decision | None, gate: str) -> tuple[Status, str]:
        """Work until the run rests; trouble of the model or the machine is where it stands."""
        calls = self._workplace.on_the_wire.setdefault(run.id, set())
        try:
            return await under_lease(self.runs, run.id, self._advance(run, decision, gate))
        except asyncio.CancelledError:
            for call in calls:
                call.cancel()
            return "stopped", "by a human"
        except UsageError:
            raise
        except SoftfactoryError as error:
            return STANDING.get(type(error), "failed"), str(error)
        except Exception as error:  # a defect of ours: told in full in the log, the run goes on
            text = f"internal error: {error!r}"
            await self._workplace.tell(run.id, "note", text, traceback=traceback.format_exc())
            return "failed", text
        finally:
            if calls:
                await asyncio.wait(calls)

    async def _advance(
        self, run: Run, decision: Decision | None, gate: str = ""
    ) -> tuple[Status, str]:
        await self._workplace.sandbox(run.settings)
        thread = self._thread(run, purse_of(run.settings.budget, await self.paid(run.id)))
        question = await self._question(run, thread)
        if decision:
            refuse_misfit(run, question, decision, gate)
            if decision.action == "edit":
                await self._note_edit(run, question)
        if question and question.gate == "budget":
            if decision:
                return await self._beyond_the_budget(run, thread, decision)
            question = None  # resumed, perhaps with another budget: the next call will show
        may_reopen = decision is None and question is None and run.status == "stopped"
        if may_reopen and await thread.reopen():
            question = await thread.question()
        if question is None or decision:
            question = await thread.advance(run.idea, decision)
        unpublished = await self._workplace.publish(run)
        if question:
            await self._workplace.tell(run.id, "gate", question.title, gate=question.gate)
            return ("limit" if question.gate == "help" else "waiting"), question.title
        delivered = "delivery" in await thread.state()
        return ("delivered", unpublished) if delivered else ("stopped", "by a human")

    async def _note_edit(self, run: Run, question: GateQuestion | None) -> None:
        """Note beside the answer that a human thought it needed an edit."""
        skills = {"prd": "write_prd", "design": "design_api", "plan": "project_management"}
        skill = skills.get(question.gate, "") if question else ""
        newest = await self.calls.latest_key(run.id, skill, "")
        await self.calls.judge(run.id, "human edited", filter(None, [newest]))

    def _thread(self, run: Run, purse: Purse | None = None) -> Thread:
        graph = self._workplace.company_of(run, purse)
        return Thread(graph.compile(checkpointer=self._saver), run.id)


@asynccontextmanager
async def open_service(home: Path, outside: Outside | None = None) -> AsyncIterator[Service]:
    """The service over a data folder, which is made if it is missing."""
    try:
        await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"SOFTFACTORY_HOME {str(home)!r} can't be used: {error}") from error
    async with (
        open_database(home / "softfactory.db") as database,
        AsyncSqliteSaver.from_conn_string(str(home / "checkpoints.db")) as saver,
    ):
        yield Service(Workplace(home, records_in(database), outside or Outside()), saver)

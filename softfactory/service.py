"""The use cases: start a run, work on it, answer its gates, stop it, watch it.

The surfaces know nothing below this module. A run is worked on by one process at a time; all that
happens to it goes into its event log, which any number of others can follow.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from softfactory.config import RoleKey, Settings
from softfactory.errors import UsageError
from softfactory.graph.company import GRAPH_VERSION, Company
from softfactory.graph.steps import Step
from softfactory.history import ForkChange, History
from softfactory.keeping import Keeping
from softfactory.models.recorded import Recording, recorded_calls, write_recording
from softfactory.nodes.gates import refuse_misfit
from softfactory.persistence.calls import Call, Calls
from softfactory.persistence.checkpoints import open_checkpoints
from softfactory.persistence.database import open_database
from softfactory.persistence.endpoints import Endpoints
from softfactory.persistence.events import Events, LoggedEvent
from softfactory.persistence.requests import Requests
from softfactory.persistence.runs import Run, Runs
from softfactory.persistence.shelf import Shelf
from softfactory.persistence.words import Words
from softfactory.product.repository import Repository
from softfactory.state.company import CompanyState
from softfactory.state.gates import Decision, GateQuestion
from softfactory.stretch import Stretch
from softfactory.workplace import Outside, Records, Workplace

FOLLOW_SECONDS = 0.1
AS_IT_WAS = ForkChange()


class Service:
    """Everything that can be done with runs."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._stretch = Stretch(workplace)
        self._history = History(workplace)
        self._keeping = Keeping(workplace)
        self.runs = workplace.records.runs
        self.events = workplace.records.events
        self.calls = workplace.records.calls
        self.requests = workplace.records.requests
        self.prices = workplace.prices
        self.home = workplace.home

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
            status, reason = await self._stretch.work(run, decision, gate)
            await self.runs.add_worked(run.id, time.monotonic() - started)
            await self.runs.set_status(run.id, status, reason)
            await self._workplace.tell(run.id, "run", status, status=status, reason=reason)
        except UsageError:
            await self.runs.set_status(run.id, run.status, run.reason)
            raise
        finally:
            await self.runs.release(run.id)
        return await self.runs.get(run.id)

    async def fork(self, name: str, at: str = "prd", change: ForkChange = AS_IT_WAS) -> Run:
        """A new run that stands where another one did, and pays only what differs.

        Args:
            name: the run it is made from.
            at: a gate (prd, design, plan, delivery) or the number of a step; its files and its
                history in the product are as they were there.
            change: what is to be different.

        Raises:
            UsageError: the run has not come there, or the change does not fit.
        """
        return await self._history.fork(await self.runs.get(name), at, change)

    async def steps(self, name: str) -> list[Step]:
        """The steps that led to where a run stands, numbered from 0, its beginning."""
        return await self._history.steps(await self.runs.get(name))

    async def diff(self, name: str, first: int | None = None, second: int | None = None) -> str:
        """What a step (the last one) changed in the product, or what lies between two.

        Raises:
            UsageError: there is no such step.
        """
        return await self._history.diff(await self.runs.get(name), first, second)

    async def undo(self, name: str) -> Step:
        """Go one step back; the step at which the run then stands. A commit says so.

        Raises:
            RunBusy: it is being worked on.
            UsageError: it stands at its beginning.
        """
        run = await self.runs.get(name)
        await self.runs.acquire(run)
        try:
            return await self._history.undo(run)
        except UsageError:
            await self.runs.set_status(run.id, run.status, run.reason)
            raise
        finally:
            await self.runs.release(run.id)

    async def say(self, name: str, words: str, to: RoleKey | None = None) -> None:
        """Say something to a role, or to all: heard from the next step on.

        Raises:
            UsageError: nothing is said, or the run is over.
        """
        run = await self.runs.get(name)
        if not words.strip():
            raise UsageError(f'there are no words: `softfactory say {run.id} "use SQLite"`')
        if run.status == "delivered":
            raise UsageError(f"run {run.id} is delivered: nobody would hear it; fork it instead")
        await self._workplace.records.words.say(run.id, words.strip(), to or "")

    async def delete(self, name: str) -> None:
        """Forget a run and all that was kept of it, but for the user's folder.

        Raises:
            RunBusy: it is being worked on.
            UsageError: it has forks, which need its answers.
        """
        await self._keeping.delete(await self.runs.get(name))

    async def gc(self) -> int:
        """Shrink what is kept of finished runs; bytes that were freed."""
        return await self._keeping.shrink()

    async def archive(self, name: str, file: Path) -> None:
        """Write all that is kept of a run into one file.

        Raises:
            RunBusy: it is being worked on.
        """
        await self._keeping.archive(await self.runs.get(name), file)

    async def restore(self, file: Path, folder: Path) -> Run:
        """Bring an archived run back; its product lands in a free folder under `folder`.

        Raises:
            UsageError: it is no archive, or the run is here already.
        """
        return await self._keeping.restore(file, folder)

    async def stop(self, name: str) -> Run:
        """Have the process stop that works on a run, if there is one; it can be resumed."""
        run = await self.runs.get(name)
        if run.owned:
            await self.runs.request_stop(run.id)
        return run

    async def question(self, name: str) -> GateQuestion | None:
        """What the run waits for an answer to; None if nothing."""
        run = await self.runs.get(name)
        return await self._stretch.question(run, self._workplace.thread(run))

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
        return self._workplace.product(await self.runs.get(name))

    async def documents(self, name: str) -> CompanyState:
        """What the company knows about a run so far; keys not yet written are missing."""
        return await self._workplace.thread(await self.runs.get(name)).state()

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

    def company_of(self, run: Run) -> Company:
        """The company that works on a run, for a server that brings its own checkpoints."""
        return self._workplace.company_of(run)


@asynccontextmanager
async def open_service(home: Path, outside: Outside | None = None) -> AsyncIterator[Service]:
    """The service over a data folder, which is made if it is missing."""
    try:
        await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"SOFTFACTORY_HOME {str(home)!r} can't be used: {error}") from error
    outside = outside or Outside()
    url = outside.database()
    async with (
        open_database(url or home / "softfactory.db") as database,
        open_checkpoints(url or home / "checkpoints.db", database) as checkpoints,
    ):
        events = Events(database)
        records = Records(
            runs=Runs(database),
            events=events,
            calls=Calls(database),
            endpoints=Endpoints(database),
            words=Words(database, events),
            checkpoints=checkpoints,
            shelf=Shelf(database),
            requests=Requests(database),
        )
        yield Service(Workplace(home, records, outside))

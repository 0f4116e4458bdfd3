"""The use cases: start a run, work on it, answer its gates, stop it, watch it.

The surfaces know nothing below this module. A run is worked on by one process at a time; all that
happens to it goes into its event log, which any number of others can follow.
"""

import asyncio
import os
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from softfactory.config import Settings
from softfactory.errors import (
    GateGone,
    ModelUnavailable,
    ProductError,
    SoftfactoryError,
    UsageError,
)
from softfactory.graph.company import GRAPH_VERSION, Company, company
from softfactory.graph.staff import Tools, staff
from softfactory.graph.thread import Thread
from softfactory.models.choice import chat_model
from softfactory.models.ledger import Ledger
from softfactory.models.model import Model
from softfactory.models.port import ChatModel
from softfactory.models.recorded import Recording, recorded_calls, write_recording
from softfactory.nodes.gates import decided
from softfactory.persistence.calls import Call, Calls
from softfactory.persistence.database import Database, open_database
from softfactory.persistence.events import Events, LoggedEvent
from softfactory.persistence.runs import Run, Runs, Status
from softfactory.product.folders import free_folder, refuse_foreign
from softfactory.product.repository import Change, Repository
from softfactory.sandbox import Environments, Sandbox, choose_sandbox
from softfactory.state.company import CompanyState
from softfactory.state.events import Event
from softfactory.state.gates import Decision, GateQuestion
from softfactory.tools.search import Search, configured_search
from softfactory.tools.speech import Speech, configured_speech

HEARTBEAT_SECONDS = 2.0
FOLLOW_SECONDS = 0.1


@dataclass(frozen=True)
class Outside:
    """What the company reaches in the world; by default as the environment says."""

    models: Callable[[Settings], ChatModel] = chat_model
    search: Callable[[], Search | None] = lambda: configured_search(os.environ)
    speech: Callable[[], Speech | None] = lambda: configured_speech(os.environ)


class Service:
    """Everything that can be done with runs."""

    def __init__(
        self, home: Path, database: Database, saver: AsyncSqliteSaver, outside: Outside
    ) -> None:
        self._home = home
        self._saver = saver
        self._outside = outside
        self._sandboxes: dict[bool, Sandbox] = {}
        self.runs = Runs(database)
        self.events = Events(database)
        self.calls = Calls(database)

    async def start(self, idea: str, settings: Settings) -> Run:
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
        self._outside.models(settings)
        if settings.out:
            await refuse_foreign(Path(settings.out), run="")
        await self._sandbox(settings)
        run = await self.runs.add(idea.strip(), settings, GRAPH_VERSION)
        await self._tell(run.id, "run", f"run {run.id}: {idea.strip().splitlines()[0][:120]}")
        return run

    async def work(self, name: str, decision: Decision | None = None) -> Run:
        """Work on a run until it waits for a human, is delivered, or can't go on.

        Returns the run as it then stands: trouble with the model or the machine is in its status
        and reason.

        Raises:
            RunBusy: another process is at it.
            UsageError: the decision does not fit what the run waits for.
        """
        run = await self.runs.get(name)
        await self.runs.acquire(run)
        started = time.monotonic()
        status, reason = run.status, run.reason
        try:
            status, reason = await self._keeping_the_lease(run, decision)
        finally:
            await self.runs.add_worked(run.id, time.monotonic() - started)
            await self.runs.set_status(run.id, status, reason)
            await self._tell(run.id, "run", status, status=status, reason=reason)
            await self.runs.release(run.id)
        return await self.runs.get(run.id)

    async def stop(self, name: str) -> Run:
        """Have a run stopped, wherever it is being worked on; it can be resumed."""
        run = await self.runs.get(name)
        if run.owned:
            await self.runs.request_stop(run.id)
        elif run.status not in ("delivered", "failed"):
            await self.runs.set_status(run.id, "stopped", "by a human")
        return await self.runs.get(run.id)

    async def question(self, name: str) -> GateQuestion | None:
        """What the run waits for an answer to; None if nothing."""
        return await self._thread(await self.runs.get(name)).question()

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
        kept = Settings(thorough=run.settings.thorough, speak=run.settings.speak)
        await asyncio.to_thread(write_recording, file, Recording(run.idea, about, kept, calls))
        return len(calls)

    def company_of(self, run: Run) -> Company:
        """The company that works on a run, with everybody in it and all their tools."""

        async def tell(event: Event) -> None:
            await self.events.append(run.id, event)
            if event.kind == "named":
                await self._place(run, str(event.data["name"]), event.text)

        async def saved(change: Change) -> None:
            files = sorted(change.files)
            await self._tell(run.id, "commit", change.summary, role=change.role, files=files)
            await self._publish(run)

        ledger = Ledger(self.calls, run.id, run.settings.price)
        tools = Tools(
            model=Model(self._outside.models(run.settings), ledger, tell),
            product=Repository(self._home / "products" / f"{run.id}.git", run.id, saved),
            sandbox=lambda: self._sandbox(run.settings),
            environments=Environments(self._home),
            search=self._outside.search(),
            speech=self._outside.speech(),
            tell=tell,
        )
        return company(staff(tools, run.settings))

    async def _keeping_the_lease(self, run: Run, decision: Decision | None) -> tuple[Status, str]:
        """Work while a heartbeat keeps the lease; whatever ends the one ends the other."""
        work = asyncio.create_task(self._advance(run, decision))
        heart = asyncio.create_task(self._heartbeat(run, work))
        try:
            return await work
        except asyncio.CancelledError:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            return "stopped", "by a human"
        except ModelUnavailable as error:
            return "paused", str(error)
        except UsageError:
            raise
        except SoftfactoryError as error:
            return "failed", str(error)
        except Exception as error:  # a defect of ours: told in full in the log, the run goes on
            text = f"internal error: {error!r}"
            await self._tell(run.id, "note", text, traceback=traceback.format_exc())
            return "failed", text
        finally:
            heart.cancel()

    async def _heartbeat(self, run: Run, work: asyncio.Task[Any]) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if await self.runs.heartbeat(run.id) != "owned":
                work.cancel()

    async def _advance(self, run: Run, decision: Decision | None) -> tuple[Status, str]:
        await self._sandbox(run.settings)
        thread = self._thread(run)
        question = await thread.question()
        if decision:
            _refuse_misfit(run, question, decision)
        elif run.status == "stopped" and question is None and await thread.reopen():
            question = await thread.question()
        if question is None or decision:
            question = await thread.advance(run.idea, decision)
        await self._publish(run)
        if question:
            await self._tell(run.id, "gate", question.title, gate=question.gate)
            return ("limit" if question.gate == "help" else "waiting"), question.title
        delivered = "delivery" in await thread.state()
        return ("delivered", "") if delivered else ("stopped", "by a human")

    def _thread(self, run: Run) -> Thread:
        return Thread(self.company_of(run).compile(checkpointer=self._saver), run.id)

    async def _sandbox(self, settings: Settings) -> Sandbox:
        """The sandbox of this machine, probed once."""
        unsafe = settings.unsafe_local
        if unsafe not in self._sandboxes:
            self._sandboxes[unsafe] = await choose_sandbox(unsafe_local=unsafe)
        return self._sandboxes[unsafe]

    async def _place(self, run: Run, name: str, title: str) -> None:
        """Decide where the product lands, once its name is known."""
        if (await self.runs.get(run.id)).out:
            return
        chosen, base = run.settings.out, Path(run.settings.folder)
        out = Path(chosen) if chosen else await free_folder(base, name, run.id)
        await self.runs.set_product(run.id, title, out)

    async def _publish(self, run: Run) -> None:
        """Bring the user's folder up to date; what is in its way is told, not overwritten."""
        out = (await self.runs.get(run.id)).out
        if not out:
            return
        try:
            await Repository(self._home / "products" / f"{run.id}.git", run.id).publish(Path(out))
        except (ProductError, OSError) as error:
            await self._tell(run.id, "note", str(error))

    async def _tell(
        self, run: str, kind: Any, text: str, *, role: Any = "Company", **data: Any
    ) -> None:
        await self.events.append(run, Event(kind=kind, role=role, text=text, data=data))


def _refuse_misfit(run: Run, question: GateQuestion | None, decision: Decision) -> None:
    if question is None:
        raise GateGone(f"run {run.id} waits for no answer; `softfactory show {run.id}` says more")
    try:
        decided(question.gate, decision)
    except ValueError as error:
        raise UsageError(f"this answer does not fit the {question.gate} gate: {error}") from error


@asynccontextmanager
async def open_service(home: Path, outside: Outside | None = None) -> AsyncIterator[Service]:
    """The service over a data folder, which is made if it is missing."""
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    async with (
        open_database(home / "softfactory.db") as database,
        AsyncSqliteSaver.from_conn_string(str(home / "checkpoints.db")) as saver,
    ):
        yield Service(home, database, saver, outside or Outside())

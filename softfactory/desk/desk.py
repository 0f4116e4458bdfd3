"""Runs as tasks of a server: taken up, answered, stopped, and never more than it can bear."""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from prometheus_client import CollectorRegistry

from softfactory.config import Settings
from softfactory.desk.bulletin import STILL_SECONDS, Bulletin
from softfactory.desk.telemetry import Meters
from softfactory.desk.traces import RunTrace
from softfactory.errors import (
    GateGone,
    RunBusy,
    ServerFull,
    SoftfactoryError,
    UnknownRun,
    UsageError,
)
from softfactory.graph.steps import Step
from softfactory.history import ForkChange
from softfactory.persistence.runs import Run, new_name
from softfactory.service import Service
from softfactory.state.events import Event
from softfactory.state.gates import Decision

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SHUT_DOWN = "the server was shut down"
"""Why a run is stopped that was at work when its server went."""
APART_SECONDS = 0.05
"""Between two beginnings of work: a crowd of them would keep everybody waiting for an answer."""
log = logging.getLogger("softfactory")


@dataclass(frozen=True)
class Limits:
    """How many runs are worked on at once: in all, and of each holder."""

    running: int = 16
    running_each: int = 8


class Desk:
    """Works on runs in tasks of this process. Closed, it leaves each where it can be resumed."""

    def __init__(
        self,
        service: Service,
        limits: Limits | None = None,
        still_seconds: float = STILL_SECONDS,
        tracer: "Tracer | None" = None,
    ) -> None:
        self.service = service
        self.bulletin = Bulletin(service, self.at_work, still_seconds)
        self.metrics = CollectorRegistry()
        self._meters = Meters(self.metrics)
        self._tracer = tracer
        self._observers: set[asyncio.Task[None]] = set()
        self._limits = limits or Limits()
        self._seats: dict[str, str] = {}
        """Holder of each run that is worked on, or is about to be."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._door = asyncio.Lock()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def at_work(self, run: str) -> bool:
        """Whether this process works on a run, or is about to."""
        return run in self._seats

    @property
    def running(self) -> int:
        """How many runs are worked on here."""
        return len(self._tasks)

    async def create(self, idea: str, settings: Settings, key: str = "") -> Run:
        """Make a run and begin to work on it; a request sent again with its key makes no other.

        Raises:
            KeyReused: the key came with another request before.
            ServerFull: it would be one too many.
            UsageError: as `Service.start`.
        """
        if not key:
            return await self._create(idea, settings, new_name())
        holder = settings.holder
        digest = hashlib.sha256(f"{settings.model_dump_json()}\n{idea}".encode()).hexdigest()
        turn = self._turns.setdefault((holder, key), asyncio.Lock())
        async with turn:
            name = await self.service.requests.claim(holder, key, digest, new_name())
            try:
                return await self.service.runs.get(name)
            except UnknownRun:
                return await self._create_claimed(idea, settings, name, key)

    async def answer(self, name: str, gate: str, decision: Decision) -> Run:
        """Answer the gate with this id, and go on.

        Raises:
            GateGone: it was answered already, or something else is asked now.
            UsageError: the decision does not fit.
        """
        if decision.action == "revise" and not decision.feedback.strip():
            raise UsageError("say in `feedback` what to change")
        if self.at_work(name):
            raise GateGone(f"run {name} is being worked on: this was answered already")
        run = await self.service.check(name, decision, gate)
        try:
            with self._seat(run.id, run.settings.holder):
                self._begin(run.id, decision, gate)
        except RunBusy as error:
            raise GateGone(f"run {run.id} is being worked on: this was answered already") from error
        return await self.service.runs.get(run.id)

    async def resume(self, name: str, changes: Mapping[str, Any]) -> Run:
        """Go on with a run that was stopped, paused, failed or interrupted.

        Raises:
            RunBusy: somebody is working on it.
            UsageError: it is delivered, or can't be asked for with these settings.
        """
        run = await self.service.runs.get(name)
        if self.at_work(run.id) or run.owned:
            raise RunBusy(f"run {run.id} is being worked on")
        with self._seat(run.id, run.settings.holder):
            await self.service.adjust(run.id, changes)
            self._begin(run.id)
        return await self.service.runs.get(run.id)

    async def fork(self, name: str, at: str, change: ForkChange) -> Run:
        """Begin a new run where another one stood, at a gate or a step, and work on it.

        Raises:
            UsageError: the run has not come there, or the change does not fit.
        """
        run = await self.service.runs.get(name)
        with self._seat(new_name(), run.settings.holder):
            fork = await self.service.fork(run.id, at, change)
        with self._seat(fork.id, fork.settings.holder):
            self._begin(fork.id)
        return fork

    async def stop(self, name: str) -> Run:
        """Stop a run, whichever process works on it; it can be resumed."""
        run = await self.service.runs.get(name)
        if run.id in self._tasks:
            self._tasks[run.id].cancel()
            await asyncio.wait([self._tasks[run.id]])
            return await self.service.runs.get(run.id)
        return await self.service.stop(run.id)

    async def undo(self, name: str) -> Step:
        """Go one step back with a run that nobody works on; where it then stands.

        Raises:
            RunBusy: somebody is working on it.
            UsageError: it stands at its beginning.
        """
        with self._seat(name, ""):
            return await self.service.undo(name)

    async def delete(self, name: str) -> None:
        """Forget a run that nobody works on.

        Raises:
            RunBusy: somebody is working on it.
            UsageError: it has forks, which need its answers.
        """
        with self._seat(name, ""):
            await self.service.delete(name)

    async def resume_interrupted(self) -> list[str]:
        """Go on with runs that a crash or a shutdown interrupted; which they are."""
        found = []
        for run in await self.service.runs.all():
            crashed = run.status == "working" and not run.owned
            if crashed or (run.status == "stopped" and run.reason == SHUT_DOWN):
                try:
                    found.append((await self.resume(run.id, {})).id)
                except SoftfactoryError as error:
                    log.warning("run %s is not resumed: %s", run.id, error)
        return found

    async def drain(self) -> None:
        """Stop all that is worked on here, keep what is paid for, and let all followers go."""
        tasks = dict(self._tasks)
        for task in tasks.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks.values())
        if self._observers:
            await asyncio.wait(set(self._observers))
        self.bulletin.close()
        for name in tasks:
            if (await self.service.runs.get(name)).status == "stopped":
                await self.service.runs.set_status(name, "stopped", SHUT_DOWN)

    async def _create(self, idea: str, settings: Settings, name: str) -> Run:
        with self._seat(name, settings.holder):
            run = await self.service.start(idea, settings, name)
            self._begin(run.id)
        return run

    async def _create_claimed(self, idea: str, settings: Settings, name: str, key: str) -> Run:
        try:
            return await self._create(idea, settings, name)
        except SoftfactoryError:
            await self.service.requests.forget(settings.holder, key)
            raise

    @contextmanager
    def _seat(self, run: str, holder: str) -> Iterator[None]:
        """Keep a place for a run, and give it back unless work on it has begun.

        Raises:
            RunBusy: it has one already.
            ServerFull: there is none.
        """
        if run in self._seats:
            raise RunBusy(f"run {run} is being worked on")
        held = sum(other == holder for other in self._seats.values())
        full = len(self._seats) >= self._limits.running
        if full or (holder and held >= self._limits.running_each):
            raise ServerFull("as many runs are being worked on as may be; stop one, or wait")
        self._seats[run] = holder
        try:
            yield
        finally:
            if run not in self._tasks:
                del self._seats[run]

    def _begin(self, run: str, decision: Decision | None = None, gate: str = "") -> None:
        task = asyncio.create_task(self._work(run, decision, gate))
        self._tasks[run] = task
        task.add_done_callback(lambda _: self._leave(run))
        self._meters.running.set(len(self._tasks))

    def _leave(self, run: str) -> None:
        del self._tasks[run], self._seats[run]
        self._meters.running.set(len(self._tasks))

    async def _work(self, run: str, decision: Decision | None, gate: str) -> None:
        await self._door.acquire()
        asyncio.get_running_loop().call_later(APART_SECONDS, self._door.release)
        newest = await self.service.events.newest([run])
        observer = asyncio.create_task(self._observe(run, newest[run]))
        self._observers.add(observer)
        observer.add_done_callback(self._observers.discard)
        try:
            await self.service.work(run, decision, gate)
        except SoftfactoryError as error:  # nobody waits for it any more: the log tells
            told = Event(kind="note", role="Company", text=f"not taken up: {error}")
            await self.service.events.append(run, told)

    async def _observe(self, run: str, after: int) -> None:
        """Count and trace what a stretch of work tells."""
        trace = RunTrace(self._tracer, run) if self._tracer else None
        async with aclosing(self.bulletin.follow(run, after)) as events:
            async for logged in events:
                if logged:
                    self._meters.count(logged.event)
                if logged and trace:
                    trace.tell(logged)
        if trace:
            trace.end()

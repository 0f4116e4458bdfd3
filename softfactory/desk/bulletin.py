"""Following runs, by any number of people: one look at the log for all of them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from softfactory.errors import StorageTrouble, UnknownRun
from softfactory.persistence.events import LoggedEvent
from softfactory.service import Service

LOOK_SECONDS = 0.1
STILL_SECONDS = 15.0
"""How long nothing may happen until a follower is told so."""


@dataclass(eq=False)
class Follower:
    """Somebody who follows a run, and the last event that they have seen."""

    run: str
    seen: int
    stays: bool
    """Also while nobody works on the run."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Bulletin:
    """Tells followers of new events, whichever process wrote them.

    Args:
        service: whose log it is.
        at_work: whether this process works on a run, or is about to.
        still_seconds: how long nothing may happen until a follower is told so.
    """

    def __init__(
        self,
        service: Service,
        at_work: Callable[[str], bool],
        still_seconds: float = STILL_SECONDS,
    ) -> None:
        self._service = service
        self._at_work = at_work
        self._still_seconds = still_seconds
        self._followers: set[Follower] = set()
        self._lookout: asyncio.Task[None] | None = None
        self.closed = False

    async def follow(
        self, run: str, after: int = 0, *, stays: bool = False
    ) -> AsyncGenerator[LoggedEvent | None]:
        """Events of a run after a number, live; None when nothing has happened for a while.

        Ends when nobody works on the run, unless the follower stays, and when all is closed.
        """
        with self._following(Follower(run, after, stays)) as follower:
            while not self.closed:
                follower.wake.clear()
                goes_on = stays or await self._is_worked_on(run)
                for logged in await self._service.events.after(run, follower.seen):
                    follower.seen = logged.seq
                    yield logged
                if not goes_on:
                    return
                try:
                    await asyncio.wait_for(follower.wake.wait(), self._still_seconds)
                except TimeoutError:
                    yield None

    def close(self) -> None:
        """Let all followers go."""
        self.closed = True
        for follower in self._followers:
            follower.wake.set()

    @contextmanager
    def _following(self, follower: Follower) -> Iterator[Follower]:
        self._followers.add(follower)
        if self._lookout is None or self._lookout.done():
            self._lookout = asyncio.create_task(self._look())
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    async def _look(self) -> None:
        """Look again and again, as long as there is anybody."""
        while self._followers and not self.closed:
            with suppress(StorageTrouble):  # the next look may get through
                await self._wake()
            await asyncio.sleep(LOOK_SECONDS)

    async def _wake(self) -> None:
        """Wake those for whom there is something new."""
        newest = await self._service.events.newest({f.run for f in self._followers})
        leaving = {f.run for f in self._followers if not f.stays}
        ended = {run for run in leaving if not await self._is_worked_on(run)}
        for follower in self._followers:
            has_ended = follower.run in ended and not follower.stays
            if has_ended or newest.get(follower.run, 0) > follower.seen:
                follower.wake.set()

    async def _is_worked_on(self, run: str) -> bool:
        try:
            return self._at_work(run) or (await self._service.runs.get(run)).owned
        except UnknownRun:
            return False

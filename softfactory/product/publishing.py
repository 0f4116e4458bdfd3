"""When users' folders are brought up to date: soon after a commit, at once when a run rests."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from softfactory.errors import ProductError, SoftfactoryError
from softfactory.product.hands import Folder

PAUSE_SECONDS = 2.0
"""How long a folder may stay behind: what is committed meanwhile is brought together."""


@dataclass(frozen=True)
class Publishing:
    """Brings the folders of runs up to date, never two tasks at once at one of them."""

    folder_of: Callable[[str], Awaitable[Folder | None]]
    """A run's folder, once it is known where it is."""
    _planned: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    _begun: set[asyncio.Task[None]] = field(default_factory=set)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    def soon(self, run: str) -> None:
        """Bring a run's folder up to date in a moment, with all that is committed until then."""
        if run not in self._planned:
            loop = asyncio.get_running_loop()
            self._planned[run] = loop.call_later(PAUSE_SECONDS, self._begin, run)

    async def now(self, run: str) -> str:
        """Bring it up to date; why it could not be, never overwriting anything.

        Raises:
            LeaseLost: another process has taken the run over.
        """
        if planned := self._planned.pop(run, None):
            planned.cancel()
        async with self._turn(run):
            folder = await self.folder_of(run)
            if folder is None:
                return ""
            try:
                await folder.publish()
            except (ProductError, OSError) as error:
                return f"{error}. The product is safe: `git clone {folder.repository.folder}`"
        return ""

    async def finish(self, run: str) -> None:
        """Do what is planned; where that fails, the run's next stretch makes up for it."""
        if run in self._planned:
            with suppress(SoftfactoryError):
                await self.now(run)
        async with self._turn(run):
            return

    def _begin(self, run: str) -> None:
        task = asyncio.create_task(self.finish(run))
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    def _turn(self, run: str) -> asyncio.Lock:
        return self._turns.setdefault(run, asyncio.Lock())

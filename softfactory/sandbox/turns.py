"""Programs of many runs take turns, so that each has the processor its time limits count on."""

import asyncio
import os
from dataclasses import dataclass, field

from softfactory.sandbox.interface import Command, RunResult, Sandbox

PER_PROCESSOR = 2
"""Programs wait for one another and for clocks, too."""


def _places() -> asyncio.Semaphore:
    return asyncio.Semaphore(PER_PROCESSOR * (os.cpu_count() or 1))


@dataclass(frozen=True)
class Turns:
    """A sandbox in which only so many programs run at a time; the others wait, unmeasured."""

    sandbox: Sandbox
    places: asyncio.Semaphore = field(default_factory=_places)

    @property
    def isolation(self) -> str:
        """What holds the programs."""
        return self.sandbox.isolation

    @property
    def offers_loopback(self) -> bool:
        """Whether programs of one run reach each other."""
        return self.sandbox.offers_loopback

    async def run(self, command: Command) -> RunResult:
        """Run the command when its turn has come; its time counts from then."""
        async with self.places:
            return await self.sandbox.run(command)

"""Holding a run's lease while work is done on it."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from softfactory.errors import StorageTrouble
from softfactory.persistence.runs import Runs

T = TypeVar("T")

HEARTBEAT_SECONDS = 2.0


async def under_lease(runs: Runs, run: str, work: Coroutine[Any, Any, T]) -> T:
    """Do the work while a heartbeat keeps the lease; whatever ends the one ends the other.

    Raises:
        CancelledError: this task was cancelled, somebody asked the run to stop, or the lease was
            lost; the work has ended by then.
    """
    task = asyncio.create_task(work)
    heart = asyncio.create_task(_beat(runs, run, task))
    try:
        return await task
    except asyncio.CancelledError:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        raise
    finally:
        heart.cancel()


async def _beat(runs: Runs, run: str, work: asyncio.Task[Any]) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        with suppress(StorageTrouble):  # the next beat may get through; if not, the fences hold
            if await runs.heartbeat(run) != "owned":
                work.cancel()

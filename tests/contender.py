"""A process that fights for a run: takes it up, writes, lets it go, and again.

    python -m tests.contender PLACE RUN LEASE_S SECONDS

Everything it writes names the turn it writes in, so that the log shows whose turn it was.
"""

import asyncio
import sys
import time
from pathlib import Path

from softfactory.errors import RunBusy
from softfactory.persistence.database import open_database
from softfactory.persistence.events import Events
from softfactory.persistence.runs import Runs
from softfactory.state.events import Event


async def main(place: str, run: str, lease_s: float, seconds: float) -> None:
    """Fight until the time is over."""
    turn, end = 0, time.monotonic() + seconds
    async with open_database(place if "://" in place else Path(place)) as database:
        runs, events = Runs(database, lease_s), Events(database)
        while time.monotonic() < end:
            try:
                await runs.acquire(await runs.get(run))
            except RunBusy:
                await asyncio.sleep(0.005)
                continue
            turn += 1
            try:
                await _turn(runs, events, run, turn)
            except RunBusy:
                continue
            finally:
                await runs.release(run)


async def _turn(runs: Runs, events: Events, run: str, turn: int) -> None:
    owner = (await runs.get(run)).owner
    for number in range(30):
        text = f"{owner} turn {turn} line {number}"
        await events.append(run, Event(kind="note", role="Company", text=text))
        if await runs.heartbeat(run) != "owned":
            return
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))

"""Attending to a run from a terminal: work, watch, answer, until it ends or must wait."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from softfactory.config import Settings
from softfactory.errors import GateGone
from softfactory.history import ForkChange
from softfactory.persistence.runs import Run, Status
from softfactory.service import Service, open_service
from softfactory.state.company import CompanyState
from softfactory.state.gates import Decision, GateQuestion
from softfactory.terminal.gate import ask, present
from softfactory.terminal.screens import Screen, screen_for

DRAW_SECONDS = 0.1
EXIT_CODES: dict[Status, int] = {
    "delivered": 0,
    "failed": 1,
    "waiting": 3,
    "stopped": 3,
    "working": 3,
    "paused": 4,
    "limit": 4,
}


def attend(home: Path, run: str, decision: Decision | None = None, *, as_json: bool = False) -> int:
    """Work on a run in the foreground; the exit code that says where it stands.

    On a terminal the gates are asked here. Between two stretches of work nothing is held open, so
    a gate can be answered from anywhere else meanwhile.
    """
    console = Console(stderr=as_json)
    watch = Watch(screen_for(as_json=as_json))
    while True:
        now, question, state = asyncio.run(_stretch(home, run, decision, watch))
        interactive = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
        if question is None or now.status not in ("waiting", "limit"):
            break
        if not as_json:
            present(console, question)
        decision = ask(console, question, state) if interactive else None
        if decision is None:
            break
    console.print(next_step(now), highlight=False, markup=False, soft_wrap=True)
    return 1 if now.status == "delivered" and now.reason else EXIT_CODES[now.status]


async def begun(home: Path, idea: str, settings: Settings) -> str:
    """The name of a new run."""
    async with open_service(home) as service:
        return (await service.start(idea, settings)).id


def forked(home: Path, name: str, at: str, change: ForkChange) -> str:
    """The name of a new run that was made from another one."""

    async def forking() -> str:
        async with open_service(home) as service:
            return (await service.fork(name, at, change)).id

    return asyncio.run(forking())


async def print_stop(home: Path, name: str) -> None:
    """Have a run stopped, wherever it is being worked on."""
    async with open_service(home) as service:
        run = await service.stop(name)
    print(f"Run {run.id} is being stopped" if run.owned else next_step(run))


@dataclass
class Watch:
    """A screen, and the number of the last event that was shown on it."""

    screen: Screen
    seen: int = 0

    async def draw(self, service: Service, name: str) -> None:
        """Show what has happened since."""
        for logged in await service.events.after(name, self.seen):
            self.screen.show(logged)
            self.seen = logged.seq


async def _stretch(
    home: Path, name: str, decision: Decision | None, watch: Watch
) -> tuple[Run, GateQuestion | None, CompanyState]:
    """Work to the next gate or the end, drawing what happens."""
    async with open_service(home) as service:
        watch.seen = watch.seen or await _last(service, name)
        work = asyncio.create_task(service.work(name, decision))
        _heed_signals(work, watch)
        with watch.screen:
            while not work.done():
                await watch.draw(service, name)
                await asyncio.wait([work], timeout=DRAW_SECONDS)
            await watch.draw(service, name)
        try:
            work.result()
        except GateGone as error:
            print(f"softfactory: {error}", file=sys.stderr)
        run = await service.runs.get(name)
        return run, await service.question(name), await service.documents(name)


def _heed_signals(work: asyncio.Task[Run], watch: "Watch") -> None:
    """Have the first Ctrl-C, or SIGTERM, end the step in flight, and the second one everything.

    The second is a kill: nothing is lost by it that was not on the wire, and what runs in the
    sandbox ends with us.
    """

    def interrupted() -> None:
        if work.cancelling():
            watch.screen.__exit__()
            print("softfactory: ended at once; `softfactory resume` goes on", file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(130)
        work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted)


async def _last(service: Service, name: str) -> int:
    """The last event before this stretch; the first stretch of a run is shown whole."""
    events = await service.events.after(name, 0)
    return events[-1].seq if len(events) > 1 else 0


def next_step(run: Run) -> str:
    """Where a run stands, and what to type next."""
    name = run.id
    if run.status == "delivered" and run.reason:
        return f"Run {name} is done, but not where it belongs: {run.reason}"
    if run.status == "delivered":
        return f"Delivered to {run.out}\n  cd {run.out} && cat README.md docs/report.md"
    if run.owned:
        return f"Run {name} is being worked on\n  softfactory log {name} --follow"
    if run.status == "waiting" and run.reason.startswith("Your changes"):
        return (
            f"Run {name} waits for you. {run.reason}\n"
            f"  softfactory show {name}                  the differences\n"
            f"  softfactory answer {name} keep           your files stand\n"
            f"  softfactory answer {name} take           the company's do; or: stop"
        )
    if run.status == "waiting":
        return (
            f"Run {name} waits for you: {run.reason}\n"
            f"  softfactory answer {name} approve          (open questions: --reply TEXT ...)\n"
            f'  softfactory answer {name} revise "what to change"\n'
            f"  softfactory answer {name} edit | stop"
        )
    if run.status == "limit":
        return _at_the_limit(run)
    standing = {"working": "was interrupted", "failed": "has failed"}
    why = f": {run.reason}" if run.reason else ""
    said = standing.get(run.status, f"is {run.status}")
    return f"Run {name} {said}{why}\n  softfactory resume {name}"


def _at_the_limit(run: Run) -> str:
    if "budget" in run.reason:
        return (
            f"Run {run.id} has reached a limit: {run.reason}\n"
            f"  softfactory answer {run.id} retry 5.00    a new budget; none given: twice as much\n"
            f"  softfactory answer {run.id} approve       deliver what there is, or: stop"
        )
    return (
        f"Run {run.id} needs your help: {run.reason}\n"
        f'  softfactory answer {run.id} revise "a hint"    more rounds, with your hint\n'
        f"  softfactory answer {run.id} retry | approve | stop"
    )

"""Attending to a run from a terminal: work, watch, answer, until it ends or must wait."""

import asyncio
import sys
from pathlib import Path

from rich.console import Console

from softfactory.errors import GateGone
from softfactory.persistence.runs import Run, Status
from softfactory.service import Service, open_service
from softfactory.state.company import CompanyState
from softfactory.state.gates import Decision, GateQuestion
from softfactory.terminal.gate import ask, present
from softfactory.terminal.screens import Screen, screen_for

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
    screen, seen = screen_for(as_json=as_json), 0
    while True:
        stretch = _stretch(home, run, decision, screen, seen)
        now, question, state, seen = asyncio.run(stretch)
        interactive = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
        if question is None or now.status not in ("waiting", "limit"):
            break
        if not as_json:
            present(console, question)
        decision = ask(console, question, state) if interactive else None
        if decision is None:
            break
    console.print(next_step(now), highlight=False, markup=False, soft_wrap=True)
    return EXIT_CODES[now.status]


async def _stretch(
    home: Path, name: str, decision: Decision | None, screen: Screen, seen: int
) -> tuple[Run, GateQuestion | None, CompanyState, int]:
    """Work to the next gate or the end, drawing what happens."""
    async with open_service(home) as service:
        seen = seen or await _last(service, name)
        work = asyncio.create_task(service.work(name, decision))
        with screen:
            try:
                seen = await _draw(service, name, screen, seen, work)
            except asyncio.CancelledError:
                work.cancel()
            try:
                await work
            except GateGone as error:
                print(f"{error}", file=sys.stderr)
            seen = await _draw(service, name, screen, seen, None)
        run = await service.runs.get(name)
        return run, await service.question(name), await service.documents(name), seen


async def _draw(
    service: Service, name: str, screen: Screen, seen: int, work: "asyncio.Task[Run] | None"
) -> int:
    while True:
        done = work is None or work.done()
        for logged in await service.events.after(name, seen):
            screen.show(logged)
            seen = logged.seq
        if done:
            return seen
        await asyncio.sleep(0.1)


async def _last(service: Service, name: str) -> int:
    events = await service.events.after(name, 0)
    return events[-1].seq if len(events) > 1 else 0


def next_step(run: Run) -> str:
    """Where a run stands, and what to type next."""
    name, where = run.id, run.out
    if run.status == "delivered":
        return f"Delivered to {where}\n  cd {where} && cat README.md docs/report.md"
    if run.status == "waiting":
        return (
            f"Run {name} waits for you: {run.reason}\n"
            f"  softfactory answer {name} approve          (open questions: --reply TEXT ...)\n"
            f'  softfactory answer {name} revise "what to change"\n'
            f"  softfactory answer {name} edit | stop"
        )
    if run.status == "limit":
        return (
            f"Run {name} needs your help: {run.reason}\n"
            f'  softfactory answer {name} revise "a hint"      more rounds, with your hint\n'
            f"  softfactory answer {name} retry | approve | stop"
        )
    if run.status == "working":
        return f"Run {name} is being worked on\n  softfactory log {name} --follow"
    why = f": {run.reason}" if run.reason else ""
    return f"Run {name} is {run.status}{why}\n  softfactory resume {name}"

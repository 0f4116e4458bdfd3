"""A hundred runs at once in one process, and how much a run's records grow by.

    uv run python -m bench.many [RUNS]

Every model call takes a second. The sandbox is a stand-in that says "passed", so that what is
measured is the factory. Prints the time of one run, of all, their ratio, and what checkpoints and
events take for each step beside the bytes that changed in the product.
"""

import asyncio
import gc
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.sandbox import Command, RunResult
from softfactory.service import Service, open_service
from softfactory.workplace import Outside
from tests import calculator

SECONDS_PER_CALL = 1.0
REPORT = """<testsuite><testcase file="tests/test_calc.py" name="test_r1"/>
<testcase file="tests/test_calc.py" name="test_r2"/></testsuite>"""
DEFECT_NOTICED = """<testsuite><testcase file="tests/test_calc.py" name="test_r1"><failure
message="a defect"/></testcase></testsuite>"""


class IdleSandbox:
    """Runs nothing: tests pass as long as the product is as it was written, trials print 42."""

    isolation = "none"
    offers_loopback = False

    async def run(self, command: Command) -> RunResult:
        """Leave a report where one is asked for."""
        code = command.checkout / "calc.py"
        as_written = not code.exists() or code.read_text().startswith(calculator.CODE)
        for word in command.argv:
            if word.startswith("--junitxml="):
                (command.checkout / word.removeprefix("--junitxml=")).write_text(
                    REPORT if as_written else DEFECT_NOTICED
                )
        return RunResult(
            0 if as_written else 1,
            "42",
            "",
            truncated=False,
            reason="exit",
            wall_s=0,
            peak_rss=0,
            isolation="none",
        )


async def idle(unsafe: bool) -> IdleSandbox:
    """No probing either."""
    return IdleSandbox()


def outside_for(script: calculator.Script, seconds: float) -> Outside:
    """A model of its own for every run, and no sandbox."""
    return Outside(
        models=lambda *_: ScriptedModel(script, seconds),
        search=lambda: None,
        speech=lambda: None,
        sandbox=idle,
        database=lambda: "",
    )


async def one(service: Service, folder: Path) -> str:
    """Work on a run of its own to the end; its name."""
    await asyncio.to_thread(folder.mkdir)
    settings = Settings(model="scripted", gates=(), folder=str(folder))
    run = await service.start(calculator.IDEA, settings)
    run = await service.work(run.id)
    if run.status != "delivered":
        raise SystemExit(f"{run.id}: {run.status}, {run.reason}")
    return run.id


async def timed(script: calculator.Script, number: int) -> str:
    """A row about so many runs at once: seconds of one, of all, their ratio, and CPU of each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outside = outside_for(script, SECONDS_PER_CALL)
        async with open_service(folder / "home", outside) as service:
            await one(service, folder / "first")  # whose environment the others find there
            began = time.monotonic()
            await one(service, folder / "single")
            single = time.monotonic() - began
            began, used = time.monotonic(), time.process_time()
            await asyncio.gather(*(one(service, folder / str(n)) for n in range(number)))
            many, cpu = time.monotonic() - began, (time.process_time() - used) / number
    return f"{single:.1f} s | {many:.1f} s | {many / single:.2f} | {cpu:.2f} s"


async def bare(steps: int, calls: int, number: int) -> str:
    """The same row about LangGraph alone: so many empty steps, checkpoints in memory."""
    waits = {int(call * steps / calls) for call in range(calls)}
    graph = StateGraph(Bare)
    for step in range(steps):
        graph.add_node(f"step {step}", _waits if step in waits else _passes)
        graph.add_edge(f"step {step - 1}" if step else START, f"step {step}")
    compiled = graph.compile(checkpointer=InMemorySaver())

    async def one(thread: int) -> None:
        at: RunnableConfig = {"configurable": {"thread_id": str(thread)}, "recursion_limit": 100}
        await compiled.ainvoke({"text": ""}, at, durability="sync")

    began = time.monotonic()
    await one(-1)
    single = time.monotonic() - began
    began, used = time.monotonic(), time.process_time()
    await asyncio.gather(*map(one, range(number)))
    many, cpu = time.monotonic() - began, (time.process_time() - used) / number
    return f"{single:.1f} s | {many:.1f} s | {many / single:.2f} | {cpu:.2f} s"


class Bare(TypedDict):
    """A state with a text in it."""

    text: str


async def _passes(state: Bare) -> Bare:
    return {"text": f"{state['text']}{'x' * 500}"[:500]}


async def _waits(state: Bare) -> Bare:
    await asyncio.sleep(SECONDS_PER_CALL)
    return await _passes(state)


async def growth(rounds: int) -> str:
    """A row about a run whose engineer is sent back so often: bytes kept for each step."""
    script = calculator.straight() | {
        "write_code": [{"calc.py": f"{calculator.CODE}# {n}\n"} for n in range(rounds)],
        "write_code_review": [calculator.REJECTED] * (rounds - 1) + [calculator.APPROVED],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with open_service(folder / "home", outside_for(script, 0)) as service:
            run = await one(service, folder / "run")
        steps, kept, told = _kept(folder / "home")
        changed = _changed(folder / "home" / "products" / f"{run}.git")
    allowed = 1.2 * changed + 5000 * steps
    return (
        f"| {steps} | {changed:,} | {kept:,} | {told:,} | {(kept + told) / steps:,.0f} | "
        f"{(kept + told) / allowed:.2f} |"
    )


def _kept(home: Path) -> tuple[int, int, int]:
    """Steps, bytes of their checkpoints, bytes of the events."""
    with sqlite3.connect(home / "checkpoints.db") as file:
        [(steps, bytes_of_steps)] = file.execute(
            "SELECT count(*), sum(length(checkpoint) + length(metadata)) FROM checkpoints"
        )
        [(written,)] = file.execute("SELECT sum(length(value)) FROM writes")
    with sqlite3.connect(home / "softfactory.db") as file:
        [(told,)] = file.execute("SELECT sum(length(event)) FROM events")
    return steps, bytes_of_steps + written, told


def _changed(product: Path) -> int:
    """Bytes of all contents that the product ever had."""
    listing = ["cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)"]
    done = subprocess.run(
        ["git", "-C", str(product), *listing], check=True, capture_output=True, text=True
    )
    lines = (line.split() for line in done.stdout.splitlines())
    return sum(int(size) for kind, size in lines if kind == "blob")


async def main(number: int) -> None:
    print(f"| a calculator | one run | {number} at once | of one run's | CPU of each |")
    print("|---|---|---|---|---|")
    print(f"| nothing goes wrong | {await timed(calculator.straight(), number)} |", flush=True)
    print(f"| four times sent back | {await timed(calculator.eventful(), number)} |", flush=True)
    print(f"| LangGraph alone, 18 empty steps | {await bare(18, 5, number)} |", flush=True)
    print(f"| LangGraph alone, 30 empty steps | {await bare(30, 10, number)} |\n", flush=True)
    print("| steps | bytes changed | checkpoints | events | kept a step | of what is allowed |")
    print("|---|---|---|---|---|---|")
    for rounds in (1, 2, 4):
        print(await growth(rounds))


if __name__ == "__main__":
    gc.freeze()  # as a server does
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))

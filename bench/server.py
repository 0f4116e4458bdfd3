"""How soon a server tells of a run, and whether it keeps answering while it works on many.

    uv run python -m bench.server

The server is a process of its own with a scripted model whose answers take a tenth of a second;
the clients are another process on the same machine. In the second measurement all gates are open:
each run works to its delivery, with the tests of its product in the sandbox.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

CLIENTS = 20
RUNS = 50
PROBES = 200
SERVER = """
import asyncio, sys
from pathlib import Path
from softfactory.api import Limits, ServerSettings, create_app
from softfactory.api.server import Server, bound
from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.service import open_service
from softfactory.workplace import Outside
from tests import calculator

async def main(home):
    model = ScriptedModel(calculator.straight(), seconds=0.1)
    settings = ServerSettings(limits=Limits(running=100), defaults=Settings(model="scripted"))
    listening = bound("127.0.0.1", 0)
    async with open_service(home, Outside(lambda *_: model)) as service:
        server = Server(create_app(service, settings), f"{listening.getsockname()[1]}")
        await server.serve(sockets=[listening])

asyncio.run(main(Path(sys.argv[1])))
"""


@asynccontextmanager
async def server() -> AsyncIterator[httpx.AsyncClient]:
    """A server in a process of its own, and a client of it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", SERVER, f"{folder}/home"]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        assert process.stdout
        url = f"http://127.0.0.1:{(await process.stdout.readline()).decode().strip()}"
        limits = httpx.Limits(max_connections=None)
        try:
            async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
                yield client
        finally:
            process.terminate()
            await process.wait()


async def first_event(client: httpx.AsyncClient, number: int) -> tuple[float, float]:
    """Seconds from sending an idea to its answer, and from there to the first event."""
    began = time.monotonic()
    made = await client.post("/v1/runs", json={"idea": f"Calculator {number}"})
    answered = time.monotonic() - began
    assert made.status_code == 201, made.text
    async with client.stream("GET", f"/v1/runs/{made.json()['id']}/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                break
    return answered, time.monotonic() - began - answered


async def measure_first_events() -> None:
    """A client after another, and all of them at the same moment."""
    async with server() as client:
        await first_event(client, 0)
        spread = []
        for number in range(CLIENTS):
            task = asyncio.create_task(first_event(client, number))
            await asyncio.sleep(0.25)
            spread.append(task)
        print_row(f"{CLIENTS} clients, four a second", [await task for task in spread])
    async with server() as client:
        await first_event(client, 0)
        at_once = await asyncio.gather(*(first_event(client, n) for n in range(CLIENTS)))
        print_row(f"{CLIENTS} clients at once", at_once)


def print_row(name: str, measured: list[tuple[float, float]]) -> None:
    """A row of the table of first events."""
    answered, told = (sorted(column) for column in zip(*measured, strict=True))
    figures = [statistics.median(answered), answered[-1], statistics.median(told), told[-1]]
    print(f"| {name} | " + " | ".join(f"{1000 * figure:.0f} ms" for figure in figures) + " |")


async def measure_many_runs() -> None:
    """How long a glance at the server takes while it works on many runs."""
    async with server() as client:
        idle = await probes(client)
        for number in range(RUNS):
            body = {"idea": f"Calculator {number}", "gates": []}
            await client.post("/v1/runs", json=body)
        at_work = (await client.get("/ready")).json()["running"]
        busy = await probes(client)
        left = (await client.get("/ready")).json()["running"]
        print(f"| nobody works | {told(idle)} |")
        print(f"| {at_work} runs at work, {left} of them to the end | {told(busy)} |")


async def probes(client: httpx.AsyncClient) -> list[float]:
    """Seconds of each of many glances at the list of runs."""
    found = []
    for _ in range(PROBES):
        began = time.monotonic()
        await client.get("/v1/runs", params={"limit": 10})
        found.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    return sorted(found)


def told(found: list[float]) -> str:
    """Median, 95th percentile and the longest, in milliseconds."""
    figures = [statistics.median(found), found[int(len(found) * 0.95)], found[-1]]
    return " | ".join(f"{1000 * figure:.0f} ms" for figure in figures)


async def main() -> None:
    print(
        "| runs are made by | answer, median | longest | first event after it, median | longest |"
    )
    print("|---|---|---|---|---|")
    await measure_first_events()
    print("\n| the list of runs, while | median | 95% | longest |")
    print("|---|---|---|---|")
    await measure_many_runs()


if __name__ == "__main__":
    asyncio.run(main())

"""How soon a server tells of a run, what a page that follows one transfers, how it bears many.

    uv run python -m bench.server

The server is a process of its own, with its page and a scripted model; the clients, a browser among
them, are other processes on the same machine.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress

import httpx
from playwright.async_api import async_playwright

from tests.web.conftest import CHROMIUM, FLAGS

CLIENTS = 20
RUNS = 50
PROBES = 100
TIMES = 5
SETTLE_SECONDS = 8
WATCH_SECONDS = 20
SERVER = """
import asyncio, sys
from pathlib import Path
from softfactory.api import Limits, ServerSettings, create_app
from softfactory.api.server import Server, bound
from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.service import open_service
from softfactory.serving import add_page
from softfactory.workplace import Outside
from tests import calculator

async def main(home, seconds):
    model = ScriptedModel(calculator.straight(), seconds=seconds)
    settings = ServerSettings(limits=Limits(running=100), defaults=Settings(model="scripted"))
    listening = bound("127.0.0.1", 0)
    async with open_service(home, Outside(lambda *_: model)) as service:
        app = create_app(service, settings)
        add_page(app)
        server = Server(app, f"{listening.getsockname()[1]}")
        await server.serve(sockets=[listening])

asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
"""


@asynccontextmanager
async def server(seconds: float) -> AsyncIterator[httpx.AsyncClient]:
    """A server in a process of its own, whose model takes so long to answer; a client of it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        command = [sys.executable, "-c", SERVER, f"{folder}/home", str(seconds)]
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        assert process.stdout
        url = f"http://127.0.0.1:{(await process.stdout.readline()).decode().strip()}"
        limits = httpx.Limits(max_connections=None)
        try:
            async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
                await client.get("/ui/")
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
    """A client after another, and all of them at the same moment, several times each."""
    print("| runs are made by | answer, median | longest | first event after it | longest | load |")
    print("|---|---|---|---|---|---|")
    for apart in (0.25, 0.0):
        name = f"{CLIENTS} clients, {'four a second' if apart else 'at once'}"
        for _ in range(TIMES):
            async with server(0.1) as client:
                tasks = []
                for number in range(CLIENTS):
                    tasks.append(asyncio.create_task(first_event(client, number)))
                    await asyncio.sleep(apart)
                print_row(name, [await task for task in tasks])


def print_row(name: str, measured: list[tuple[float, float]]) -> None:
    """A row of the table of first events."""
    answered, told = (sorted(column) for column in zip(*measured, strict=True))
    figures = [statistics.median(answered), answered[-1], statistics.median(told), told[-1]]
    told_of = " | ".join(f"{1000 * figure:.0f} ms" for figure in figures)
    print(f"| {name} | {told_of} | {os.getloadavg()[0]:.0f} |", flush=True)


async def measure_traffic() -> None:
    """What a page that follows a run sends and gets: all bytes on the wire."""
    print("\n| a page that follows a run which | to the server | from it |")
    print("|---|---|---|")
    async with server(2.0) as client, counting(client) as (url, passed):
        run = (await client.post("/v1/runs", json={"idea": "A calculator"})).json()["id"]
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page()
            await page.goto(f"{url}/ui/?run={run}")
            await ended(client, run)
            await asyncio.sleep(SETTLE_SECONDS)
            await print_rates("waits at a gate", passed, asyncio.sleep(WATCH_SECONDS))
            gate = (await client.get(f"/v1/runs/{run}/gate")).json()["id"]
            body = {"gate": gate, "action": "approve"}
            await client.post(f"/v1/runs/{run}/gate", json=body)
            await print_rates("is at work, two seconds a call", passed, ended(client, run))
            await asyncio.sleep(SETTLE_SECONDS)
            await print_rates("is delivered", passed, asyncio.sleep(WATCH_SECONDS))
            await browser.close()


async def ended(client: httpx.AsyncClient, run: str) -> None:
    """Wait until nobody works on a run."""
    async with client.stream("GET", f"/v1/runs/{run}/events") as stream:
        await stream.aread()


async def print_rates(name: str, passed: list[int], until: Awaitable[None]) -> None:
    """A row of the table of traffic."""
    before, began = list(passed), time.monotonic()
    await until
    took = time.monotonic() - began
    there, back = ((now - then) / took / 1000 for now, then in zip(passed, before, strict=True))
    print(f"| {name} | {there:.1f} KB/s | {back:.1f} KB/s |", flush=True)


@asynccontextmanager
async def counting(client: httpx.AsyncClient) -> AsyncIterator[tuple[str, list[int]]]:
    """An address that leads to the server, and how many bytes have gone there and come back."""
    passed = [0, 0]

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: int) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                passed[way] += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        await asyncio.gather(pipe(reader, to_server[1], 0), pipe(to_server[0], writer, 1))

    listening = await asyncio.start_server(connected, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", passed
    listening.close()


async def measure_many_runs() -> None:
    """How long a glance at the server takes while it works on many runs."""
    print("\n| while | the list of runs, median | 95% | longest | the page | 95% | longest |")
    print("|---|---|---|---|---|---|---|")
    async with server(1.0) as client:
        await print_probes(client)
        for number in range(RUNS):
            body = {"idea": f"Calculator {number}", "gates": []}
            await client.post("/v1/runs", json=body)
        await print_probes(client)


async def print_probes(client: httpx.AsyncClient) -> None:
    """A row of the table of glances."""
    running = (await client.get("/ready")).json()["running"]
    found = [await probes(client, path) for path in ("/v1/runs?limit=10", "/ui/")]
    left = (await client.get("/ready")).json()["running"]
    name = f"{running} runs are at work, then {left}" if running else "nobody works"
    print(f"| {name} | {' | '.join(map(told, found))} |", flush=True)


async def probes(client: httpx.AsyncClient, path: str) -> list[float]:
    """Seconds of each of many glances."""
    found = []
    for _ in range(PROBES):
        began = time.monotonic()
        (await client.get(path)).raise_for_status()
        found.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    return sorted(found)


def told(found: list[float]) -> str:
    """Median, 95th percentile and the longest, in milliseconds."""
    figures = [statistics.median(found), found[int(len(found) * 0.95)], found[-1]]
    return " | ".join(f"{1000 * figure:.0f} ms" for figure in figures)


async def main() -> None:
    await measure_first_events()
    await measure_traffic()
    await measure_many_runs()


if __name__ == "__main__":
    asyncio.run(main())

"""What a sandbox adds to a command: start-up over the bare command, and a page in a browser.

    uv run python -m bench.sandbox

Medians of wall-clock milliseconds; the bare command is started the same way, without any sandbox.
"""

import asyncio
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox import Command, Limits, Sandbox, find_browser
from softfactory.sandbox.base_python import find_base_python
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.landlock import Landlock, Unconfined

TIMES = 20


async def median_ms(work: Callable[[], Awaitable[object]]) -> float:
    """The median of so many times, in milliseconds, after one that doesn't count."""
    await work()
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await work()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


async def bare(argv: tuple[str, ...]) -> None:
    process = await asyncio.create_subprocess_exec(*argv, stdout=subprocess.DEVNULL)
    await process.wait()


async def main() -> None:
    python = await find_base_python()
    commands = {"true": ("/usr/bin/true",), "python": (str(python.executable), "-c", "print(1)")}
    sandboxes: list[Sandbox] = [Bubblewrap(), Landlock(), Unconfined()]
    for name, argv in commands.items():
        alone = await median_ms(lambda argv=argv: bare(argv))  # type: ignore[misc]
        print(f"{name:8} bare          {alone:6.0f} ms")
        for sandbox in sandboxes:
            await measure(sandbox, argv, python.readable, alone)


async def measure(
    sandbox: Sandbox, argv: tuple[str, ...], readable: tuple[Path, ...], alone: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = Command(argv, Path(folder), Limits(), readable=readable)
        try:
            took = await median_ms(lambda: sandbox.run(command))
        except SandboxUnavailable as error:
            print(f"         {sandbox.isolation:12}  {error}")
            return
    print(f"         {sandbox.isolation:12}  {took:6.0f} ms, {took - alone:+.0f} ms")


async def pages() -> None:
    for sandbox in (Bubblewrap(), Landlock(), Unconfined()):
        began = time.perf_counter()
        browser = await find_browser(sandbox)
        took = time.perf_counter() - began
        print(
            f"a page in Chromium, {sandbox.isolation}: {took:.1f} s" if browser else "no Chromium"
        )


if __name__ == "__main__":
    asyncio.run(main())
    asyncio.run(pages())

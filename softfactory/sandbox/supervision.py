"""Watching over one run from outside: feeding it, listening to it, ending it."""

import asyncio
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from softfactory.sandbox.interface import WORKSPACE, Command, Reason, RunResult
from softfactory.sandbox.watch import Watch

CLEAN_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}
_TICK_S = 0.1
_CHUNK = 1 << 16
_FLOOD = 64  # so many times the kept output is listened to before the program is ended for it
_LAST_WORDS_S = 2.0
_KILLED_BY_CPU_LIMIT = 128 + signal.SIGXCPU


class Tree(Protocol):
    """The started program with all that descends from it."""

    @property
    def process(self) -> Process:
        """The process whose exit code and streams are the program's."""
        ...

    async def end(self) -> None:
        """Kill whatever is left and return when nothing is."""
        ...


@dataclass(frozen=True)
class Places:
    """The folders a run can fill, and what outputs call them instead of their real names."""

    checkout: Path
    temporary: Path
    also: tuple[Path, ...] = ()

    @property
    def watched(self) -> tuple[Path, ...]:
        """Every folder whose size counts."""
        return (self.checkout, self.temporary, *self.also)

    def disguised(self, output: bytes) -> str:
        """Call the folders by the same names on every machine."""
        text = output.decode(errors="replace")
        for path in (self.checkout.resolve(), self.checkout):
            text = text.replace(str(path), WORKSPACE)
        return text.replace(str(self.temporary), "/tmp")  # noqa: S108 - a name, not a place


class Capture:
    """Keeps the beginning of a stream and lets the rest pass."""

    def __init__(self, limit: int) -> None:
        self.kept = b""
        self.seen = 0
        self._limit = limit

    @property
    def flooded(self) -> bool:
        """Tell whether there is so much that the program is better ended."""
        return self.seen > self._limit * _FLOOD

    @property
    def truncated(self) -> bool:
        """Tell whether something was dropped."""
        return self.seen > self._limit

    async def listen(self, stream: asyncio.StreamReader) -> None:
        """Read to the end."""
        while chunk := await stream.read(_CHUNK):
            self.seen += len(chunk)
            self.kept += chunk[: max(0, self._limit - len(self.kept))]


def clean_environment(home: str, extra: Mapping[str, str]) -> dict[str, str]:
    """Return all a program may know from its environment: nothing of ours."""
    return {**CLEAN_ENVIRONMENT, "HOME": home, "TMPDIR": home, **extra}


async def to_the_end(work: Callable[[asyncio.Event], Coroutine[Any, Any, RunResult]]) -> RunResult:
    """Do the work in a task of its own, so that a cancellation asks it to stop and waits for it.

    Cancelled in the middle, starting a program could leave one that nobody watches.
    """
    stop = asyncio.Event()
    task = asyncio.create_task(work(stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({task})
        raise


async def supervise(
    tree: Tree, command: Command, places: Places, isolation: str, stop: asyncio.Event
) -> RunResult:
    """See the program through to its end or to the first broken limit; leave nothing running."""
    began = time.monotonic()
    streams = tree.process
    if streams.stdin is None or streams.stdout is None or streams.stderr is None:
        raise ValueError("start the program with three pipes")
    out, err = (Capture(command.limits.output_bytes) for _ in range(2))
    pumps = [
        asyncio.create_task(_feed(streams.stdin, command.stdin)),
        asyncio.create_task(out.listen(streams.stdout)),
        asyncio.create_task(err.listen(streams.stderr)),
    ]
    watch = Watch(streams.pid, places.watched, command.limits)
    try:
        reason = await _first_of(
            streams, _broken_limit(watch, (out, err)), stop, command.limits.wall_s
        )
    finally:
        await tree.end()
        await asyncio.wait(pumps, timeout=_LAST_WORDS_S)
        for pump in pumps:
            pump.cancel()
    if reason == "exit" and (out.flooded or err.flooded):
        reason = "output"  # it ended before anybody looked
    code = streams.returncode if reason == "exit" else None
    return RunResult(
        exit_code=code if code is None or code >= 0 else 128 - code,
        stdout=await asyncio.to_thread(places.disguised, out.kept),
        stderr=await asyncio.to_thread(places.disguised, err.kept),
        truncated=out.truncated or err.truncated,
        reason="cpu" if code == _KILLED_BY_CPU_LIMIT else reason,
        wall_s=time.monotonic() - began,
        peak_rss=watch.peak_rss,
        isolation=isolation,
    )


async def _first_of(
    process: Process, breaking: Coroutine[Any, Any, Reason], stop: asyncio.Event, wall_s: float
) -> Reason:
    ended = asyncio.create_task(process.wait())
    broken = asyncio.create_task(breaking)
    stopped = asyncio.create_task(stop.wait())
    watched: set[asyncio.Task[Any]] = {ended, broken, stopped}
    try:
        await asyncio.wait(watched, timeout=wall_s, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return "exit"
        return broken.result() if broken.done() else "timeout"
    finally:
        for task in watched:
            task.cancel()


async def _broken_limit(watch: Watch, captures: tuple[Capture, ...]) -> Reason:
    while True:
        if any(capture.flooded for capture in captures):
            return "output"
        if reason := await asyncio.to_thread(watch.look):
            return reason
        await asyncio.sleep(_TICK_S)


async def _feed(stream: asyncio.StreamWriter, text: str) -> None:
    try:
        stream.write(text.encode())
        await stream.drain()
        stream.close()
        await stream.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        return  # the program didn't want to know

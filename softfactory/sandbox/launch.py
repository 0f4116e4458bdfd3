"""Starting a program through the launcher, whichever walls it gets."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox import launcher
from softfactory.sandbox.interface import Command, RunResult
from softfactory.sandbox.pipes import Pipe
from softfactory.sandbox.seccomp import asked, compiled, under_landlock
from softfactory.sandbox.supervision import Places, supervise

_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Plan:
    """What the launcher is to start, and which of its own walls to put up.

    ``abi`` is the version of Landlock, 0 for none; ``uid`` the user to become; ``fds`` are handed
    on to the program.
    """

    isolation: str
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    rlimits: list[tuple[int, int, int]]
    abi: int = 0
    uid: int | None = None
    rules: list[tuple[str, str]] = field(default_factory=list)
    fds: tuple[int, ...] = ()

    def told(self, supervisor: int) -> bytes:
        """Put it into the words the launcher understands."""
        refusals = under_landlock(self.abi, supervisor)
        words = {
            "parent": os.getpid(),
            "argv": self.argv,
            "uid": self.uid,
            "abi": self.abi,
            "rules": self.rules,
            "rlimits": self.rlimits,
            "seccomp": compiled(refusals).hex() if self.abi else "",
            "asked": asked() if self.abi else {},
        }
        return json.dumps(words).encode()


@dataclass(frozen=True)
class LaunchedTree:
    """A supervisor that ends its descendants when it is told to, or when it ends itself."""

    process: Process

    async def end(self) -> None:
        """Ask the supervisor to end everything, and do its work should it fail."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGCONT)  # the program may have stopped it
            try:
                await asyncio.wait_for(self.process.wait(), _PATIENCE_S)
            except TimeoutError:
                await asyncio.to_thread(self._end_by_force)
        await self.process.wait()

    def _end_by_force(self) -> None:
        known: set[int] = set()  # the dead stay listed while their parent doesn't look
        while found := set(launcher.descendants(self.process.pid)) - known:
            known |= found
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        self.process.kill()


async def launch(plan: Plan, command: Command, places: Places, stop: asyncio.Event) -> RunResult:
    """Start the program and see it through; raises SandboxUnavailable if a wall didn't hold."""
    plan_pipe, status_pipe = Pipe(), Pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", launcher.__file__),
            *(str(plan_pipe.reading), str(status_pipe.writing)),
            cwd=plan.cwd,
            env=plan.env,
            pass_fds=(plan_pipe.reading, status_pipe.writing, *plan.fds),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        tree = LaunchedTree(process)
        try:
            status_pipe.close_writing()
            await asyncio.to_thread(plan_pipe.send, plan.told(process.pid))
            result = await supervise(tree, command, places, plan.isolation, stop)
        finally:
            await tree.end()
        if trouble := await asyncio.to_thread(status_pipe.receive):
            raise SandboxUnavailable(f"{plan.isolation}: {trouble}")
        return result
    finally:
        plan_pipe.close()
        status_pipe.close()

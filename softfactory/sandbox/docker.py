"""Isolation by a container, where there is neither bubblewrap nor Landlock but an engine answers.

The container has no image of its own: it sees the machine's programs, read-only, as bubblewrap
shows them. Its memory and processes are counted by the engine, its files by the watchdog.
"""

import asyncio
import os
import secrets
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import replace
from functools import partial
from pathlib import Path

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox.bubblewrap import FACTS, SYSTEM, TEMPORARY, inside
from softfactory.sandbox.identity import own, program_uid
from softfactory.sandbox.interface import WORKSPACE, Command, RunResult
from softfactory.sandbox.launch import Plan, launch
from softfactory.sandbox.scratch import scratch
from softfactory.sandbox.supervision import Places, clean_environment, to_the_end

_IMAGE = "softfactory-nothing"
_EMPTY_ARCHIVE = bytes(1024)
_ENGINE_FAILED = 125
_PATIENCE_S = 20.0
_OURS = ("HOME", "PATH", "XDG_RUNTIME_DIR")  # with DOCKER_*: what the client finds its engine by


class Docker:
    """Runs programs in containers of an engine that the ``docker`` command reaches."""

    isolation = "docker"
    offers_loopback = True

    async def run(self, command: Command) -> RunResult:
        """Run the command to its end; afterwards none of its processes is left."""
        program = await asyncio.to_thread(shutil.which, "docker")
        if program is None:
            raise SandboxUnavailable("docker is not installed")
        await _ask(program, "info", "--format", "{{.ServerVersion}}")
        try:
            await _ask(program, "image", "inspect", _IMAGE)
        except SandboxUnavailable:
            await _ask(program, "import", "-", _IMAGE, told=_EMPTY_ARCHIVE)
        return await to_the_end(partial(_run, program, command))


async def _run(program: str, command: Command, stop: asyncio.Event) -> RunResult:
    uid = program_uid()
    name = f"softfactory-{secrets.token_hex(8)}"
    async with scratch(uid) as private:
        await asyncio.to_thread(own, command.checkout, uid)
        places = Places(command.checkout, private / "tmp", (private / "shm",))
        words = await asyncio.to_thread(_words, command, private, name)
        plan = Plan(Docker.isolation, (program, *words), Path("/"), _client_environment(), [])
        try:
            result = await launch(plan, command, places, stop)
            if result.exit_code == _ENGINE_FAILED:
                raise SandboxUnavailable(f"docker: {' '.join(result.stderr.split())[:300]}")
            full = await _ask(program, "inspect", "--format", "{{.State.OOMKilled}}", name)
        finally:
            await _remove(program, name)
    if full == "true" and result.reason == "exit":
        return replace(result, exit_code=None, reason="memory")
    return result


def _words(command: Command, private: Path, name: str) -> list[str]:
    """Say what the program sees and may use."""
    limits, uid = command.limits, program_uid() or os.getuid()
    words = ["run", "--name", name, "--interactive", "--network", "none", "--read-only"]
    words += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--ipc", "private"]
    words += ["--user", f"{uid}:{uid}", "--workdir", WORKSPACE, "--hostname", "sandbox"]
    words += ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    words += ["--pids-limit", str(limits.processes), "--cpu-shares", "128"]  # of 1024: as polite
    kept = {"cpu": limits.cpu_s, "fsize": limits.file_bytes, "nofile": limits.open_files, "core": 0}
    for limit, most in kept.items():
        words += ["--ulimit", f"{limit}={most}:{most}"]
    for path in ("/usr", *SYSTEM, *FACTS, *map(str, command.readable)):
        if Path(path).exists():
            words += ["--volume", f"{path}:{path}:ro"]
    for source, target in ((command.checkout, WORKSPACE), (private / "tmp", TEMPORARY)):
        words += ["--volume", f"{source}:{target}"]
    told = inside(command)
    for variable, value in clean_environment(TEMPORARY, told.env).items():
        words += ["--env", f"{variable}={value}"]
    return [*words, _IMAGE, "env", "--", *told.argv]


def _client_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k in _OURS or k.startswith("DOCKER_")}


async def _ask(program: str, *words: str, told: bytes = b"") -> str:
    """Return the engine's answer; raises SandboxUnavailable with its words if there is none."""
    process = await asyncio.create_subprocess_exec(
        program, *words, env=_client_environment(), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        said, wrong = await asyncio.wait_for(process.communicate(told), _PATIENCE_S)
    except TimeoutError:
        raise SandboxUnavailable(f"docker {words[0]}: no answer in {_PATIENCE_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise SandboxUnavailable(f"docker {words[0]}: {' '.join(wrong.decode().split())[:300]}")
    return said.decode().strip()


async def _remove(program: str, name: str) -> None:
    """End whatever is left of the container: it doesn't end with the client that started it."""
    process = await asyncio.create_subprocess_exec(
        *(program, "rm", "--force", "--volumes", name),
        env=_client_environment(),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    await process.wait()

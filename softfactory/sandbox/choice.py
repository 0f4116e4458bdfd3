"""Choosing the isolation this machine really offers."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox.base_python import BasePython, find_base_python
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.docker import Docker
from softfactory.sandbox.interface import Command, Limits, Sandbox
from softfactory.sandbox.landlock import Landlock, Unconfined
from softfactory.sandbox.scratch import sweep_runs

_PROBE = """
import sys
try:
    open(sys.argv[1]).read()
    print("can read what it must not")
except OSError:
    print("works")
"""
_WAY_OUT = (
    "apt-get install bubblewrap, or use a Linux with Landlock (5.13 or newer), or start Docker, "
    "or run the code without isolation at your own risk: --unsafe-local"
)


async def installed(program: str) -> str | None:
    """Where a program of this machine is."""
    return await asyncio.to_thread(shutil.which, program)


async def choose_sandbox(
    *, unsafe_local: bool = False, candidates: Sequence[Sandbox] | None = None
) -> Sandbox:
    """Return the best sandbox that can be shown to work here.

    Each of the ``candidates``, bubblewrap, Landlock and then Docker, runs a small program that
    tries to read a file outside. Without isolation nothing runs unless it was asked for:
    ``unsafe_local`` is then taken at its word, nothing else is tried. Raises SandboxUnavailable.
    """
    if unsafe_local:
        return Unconfined()
    await asyncio.to_thread(sweep_runs)
    base = await find_base_python()
    failures = []
    for sandbox in (Bubblewrap(), Landlock(), Docker()) if candidates is None else candidates:
        failure = await _failure(sandbox, base)
        if failure is None:
            return sandbox
        failures.append(f"{sandbox.isolation}: {failure}")
    raise SandboxUnavailable(f"no isolation works here ({'; '.join(failures)}): {_WAY_OUT}")


async def _failure(sandbox: Sandbox, base: BasePython) -> str | None:
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="softfactory-probe-"))
    try:
        secret = await asyncio.to_thread(_furnish, folder)
        words = (str(base.executable), "-I", "-S", "-c", _PROBE, str(secret))
        command = Command(words, folder / "checkout", Limits(wall_s=10), readable=base.readable)
        result = await sandbox.run(command)
    except (OSError, SandboxUnavailable) as error:
        return str(error)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    said = " ".join((result.stdout + result.stderr).split())
    return None if said == "works" and result.exit_code == 0 else said[:300] or result.reason


def _furnish(folder: Path) -> Path:
    folder.chmod(0o755)
    (folder / "checkout").mkdir()
    secret = folder / "secret"
    secret.write_text("a file that every user could read")
    secret.chmod(0o644)
    return secret

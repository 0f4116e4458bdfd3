"""Isolation without namespaces: Landlock and seccomp, for machines that refuse bubblewrap.

Weaker than bubblewrap, and meant to be known: no network at all, not even loopback, and no socket
that could be connected; the names and sizes of files outside and the numbers of processes can be
seen, not their contents; changing modes does nothing where programs run as the user; before
version 6 of Landlock programs can signal the user's other processes.
"""

import asyncio
import os
from functools import partial

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox.identity import own, program_uid, reachable
from softfactory.sandbox.interface import Command, RunResult
from softfactory.sandbox.launch import Plan, launch
from softfactory.sandbox.launcher import landlock_abi
from softfactory.sandbox.limits import rlimits
from softfactory.sandbox.scratch import scratch
from softfactory.sandbox.supervision import Places, clean_environment, to_the_end

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
_FACTS = (
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/fonts",
    "/etc/chromium.d",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
)
_NUMBERS = ("/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class Landlock:
    """Runs programs under Landlock and a filter of system calls."""

    isolation = "landlock"
    offers_loopback = False

    def __init__(self, newest: int = 99) -> None:
        """Use no later version of Landlock than the ``newest``: so old ones can be tried."""
        self._newest = newest

    async def run(self, command: Command) -> RunResult:
        """Run the command to its end; afterwards none of its processes is left."""
        abi = min(self._newest, await asyncio.to_thread(landlock_abi))
        if not abi:
            raise SandboxUnavailable("this kernel offers no Landlock: use 5.13 or newer")
        return await to_the_end(partial(_run, command, abi, self.isolation))


class Unconfined:
    """Runs programs with limits but without walls: only for whom asked for it."""

    isolation = "none"
    offers_loopback = True

    async def run(self, command: Command) -> RunResult:
        """Run the command to its end; afterwards none of its processes is left."""
        return await to_the_end(partial(_run, command, 0, self.isolation))


async def _run(command: Command, abi: int, isolation: str, stop: asyncio.Event) -> RunResult:
    uid = program_uid() if abi else None
    async with scratch(uid) as private:
        places = Places(command.checkout, private / "tmp", (private / "shm",))
        plan = await asyncio.to_thread(_plan, command, places, abi, isolation)
        return await launch(plan, command, places, stop)


def _plan(command: Command, places: Places, abi: int, isolation: str) -> Plan:
    uid = program_uid() if abi else None
    if uid is not None and not reachable(command.checkout.parent, uid):
        raise SandboxUnavailable(f"nobody can't reach {str(command.checkout)!r}: set TMPDIR=/tmp")
    if abi:
        own(command.checkout, uid)
    readable = (*_SYSTEM, *_FACTS, *(str(path) for path in command.readable))
    return Plan(
        isolation=isolation,
        argv=command.argv,
        cwd=command.checkout,
        env=clean_environment(str(places.temporary), command.env),
        rlimits=rlimits(command.limits, os.getuid() if uid is None else uid),
        abi=abi,
        uid=uid,
        rules=[
            *((path, "read") for path in readable),
            *((path, "device") for path in ("/dev/null", *_NUMBERS)),
            ("/proc", "list"),  # Chromium refuses to start where it can't list it
            *((str(path), "write") for path in (places.checkout, places.temporary)),
        ],
    )

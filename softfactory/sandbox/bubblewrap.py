"""Isolation by namespaces: a file system, processes and a network of the program's own."""

import asyncio
import os
import shutil
import subprocess
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox.identity import own, program_uid
from softfactory.sandbox.interface import WORKSPACE, Command, RunResult
from softfactory.sandbox.launch import Plan, launch
from softfactory.sandbox.limits import rlimits
from softfactory.sandbox.pipes import Pipe
from softfactory.sandbox.scratch import scratch
from softfactory.sandbox.seccomp import compiled, in_namespaces
from softfactory.sandbox.supervision import Places, clean_environment, to_the_end

TEMPORARY = "/tmp"  # noqa: S108 - a mount of the sandbox's own
_SHARED_MEMORY = "/dev/shm"  # noqa: S108
SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
FACTS = (
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/fonts",
    "/etc/chromium.d",
)
_ETC = {
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "passwd": "sandbox:x:{uid}:{gid}::/tmp:/bin/sh\n",
    "group": "sandbox:x:{gid}:\n",
}
_NAMESPACES = (
    *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--new-session", "--hostname", "sandbox"),
)
_BECOMING = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")


class Bubblewrap:
    """Runs programs in namespaces made by ``bwrap``."""

    isolation = "bubblewrap"
    offers_loopback = True

    async def run(self, command: Command) -> RunResult:
        """Run the command to its end; afterwards none of its processes is left."""
        program = await asyncio.to_thread(shutil.which, "bwrap")
        if program is None:
            raise SandboxUnavailable("bwrap is not installed: apt-get install bubblewrap")
        return await to_the_end(partial(_run, program, command))


async def _run(program: str, command: Command, stop: asyncio.Event) -> RunResult:
    async with scratch(program_uid()) as private:
        places = Places(command.checkout, private / "tmp", (private / "shm",))
        status = Pipe()
        seccomp = await asyncio.to_thread(_filter)
        fds = (seccomp, status.writing)
        try:
            plan = await asyncio.to_thread(_plan, program, command, private, fds)
            result = await launch(plan, command, places, stop)
            status.close_writing()
            words = await asyncio.to_thread(status.receive)
        finally:
            os.close(seccomp)
            status.close()
    if result.reason == "exit" and "exit-code" not in words:
        raise SandboxUnavailable(f"bubblewrap: {' '.join(result.stderr.split())[:300]}")
    return result


def _plan(program: str, command: Command, private: Path, fds: tuple[int, int]) -> Plan:
    uid = program_uid()
    seccomp, status = fds
    options = _options(program, command, private, uid)
    options += ["--seccomp", str(seccomp), "--json-status-fd", str(status)]
    return Plan(
        isolation=Bubblewrap.isolation,
        argv=(program, *options, "--", *_becoming(uid), *inside(command).argv),
        cwd=Path("/"),
        env=clean_environment(TEMPORARY, inside(command).env),
        rlimits=rlimits(command.limits, os.getuid() if uid is None else uid),
        fds=fds,
    )


def _filter() -> int:
    descriptor = os.memfd_create("seccomp")
    os.write(descriptor, compiled(in_namespaces()))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _options(program: str, command: Command, private: Path, uid: int | None) -> list[str]:
    """Say what the program sees: the system and its inputs to read, its own folders to write."""
    own(command.checkout, uid)
    options = [*_NAMESPACES, *_privileges(program, uid), "--ro-bind", "/usr", "/usr"]
    for path in SYSTEM:
        if Path(path).is_symlink():
            options += ["--symlink", str(Path(path).readlink()), path]
        else:
            options += ["--ro-bind-try", path, path]
    options += ["--proc", "/proc", "--dev", "/dev"]
    options += _bound("--bind", private / "shm", _SHARED_MEMORY)
    options += _bound("--bind", private / "tmp", TEMPORARY)
    for path in FACTS:
        options += _bound("--ro-bind-try", Path(path), path)
    for source in _own_etc(private, uid):
        options += _bound("--ro-bind", source, f"/etc/{source.name}")
    for folder in command.readable:
        options += _bound("--ro-bind", folder, str(folder))
    options += _bound("--bind", command.checkout, WORKSPACE)
    options += ["--chdir", WORKSPACE if uid is None else "/"]
    return [*options, "--remount-ro", "/dev", "--remount-ro", "/"]


def _bound(how: str, source: Path, inside: str) -> list[str]:
    """Mount at a path whose parents others than root may enter: bwrap alone would close them."""
    parents = [str(parent) for parent in reversed(Path(inside).parents[:-1])]
    return [*(word for parent in parents for word in ("--dir", parent)), how, str(source), inside]


def _own_etc(private: Path, uid: int | None) -> list[Path]:
    """Write the files a program expects in /etc, so that it learns nothing about the machine."""
    written = []
    for name, text in _ETC.items():
        path = private / name
        path.write_text(text.format(uid=uid or os.getuid(), gid=uid or os.getgid()))
        path.chmod(0o644)
        written.append(path)
    return written


def _privileges(program: str, uid: int | None) -> list[str]:
    """As root keep just what it takes to become nobody inside; else a user namespace is needed."""
    if uid is not None:
        kept = [word for name in _BECOMING for word in ("--cap-add", name)]
        return ["--cap-drop", "ALL", *kept]
    disable = ["--disable-userns"] if _knows_disable(program) else []
    return ["--unshare-user", *disable, "--cap-drop", "ALL"]


@cache
def _knows_disable(program: str) -> bool:
    """Tell whether this bwrap (0.8 and later) can forbid further user namespaces."""
    answer = subprocess.run([program, "--help"], capture_output=True, check=False)
    return b"--disable-userns" in answer.stdout + answer.stderr


def _becoming(uid: int | None) -> list[str]:
    """As root, change the user inside, where its mounts have already reached everything.

    A program that can't be started must be env's failure, an exit code, not bwrap's.
    """
    if uid is None:
        return ["env", "--"]
    return [
        *("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"),
        *("--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"),
        *("env", f"--chdir={WORKSPACE}", "--"),  # bwrap itself, without rights, can't enter it
    ]


def inside(command: Command) -> Command:
    """Call the checkout by the name it has inside."""
    real = str(command.checkout)
    return replace(
        command,
        argv=tuple(word.replace(real, WORKSPACE) for word in command.argv),
        env={name: value.replace(real, WORKSPACE) for name, value in command.env.items()},
    )

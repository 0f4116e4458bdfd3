# ruff: noqa: ASYNC220, ASYNC240 - a test may wait for a file or a process
import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from softfactory.sandbox import Command, Sandbox
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.landlock import Landlock

Python = Callable[..., Command]
Living = Callable[[str], list[str]]


@pytest.fixture
def server() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


async def test_a_program_has_no_rights_at_all(sandbox: Sandbox, python: Python) -> None:
    result = await sandbox.run(python("print(open('/proc/self/status').read())"))
    status = dict(line.split(":\t", 1) for line in result.stdout.splitlines() if ":\t" in line)
    assert "0" not in status["Uid"].split()
    if os.geteuid() == 0 and isinstance(sandbox, Bubblewrap | Landlock):
        assert status["Uid"].split() == status["Gid"].split() == ["65534"] * 4
        assert not status["Groups"].strip()
        assert int(status["CapBnd"], 16) == 0
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


async def test_a_daemon_does_not_survive(
    sandbox: Sandbox, python: Python, mark: str, living: Living
) -> None:
    source = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for stream in (0, 1, 2):
            os.close(stream)
        time.sleep(60)
    os._exit(0)
time.sleep(0.2)
print("bye")
"""
    result = await sandbox.run(python(source, mark))
    assert (result.exit_code, result.stdout) == (0, "bye\n")
    assert result.wall_s < 5
    assert not living(mark)


async def test_a_program_cannot_end_what_watches_over_it(
    sandbox: Sandbox, python: Python, mark: str, living: Living
) -> None:
    source = """
import os, signal
for pid in (os.getppid(), -1):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError as error:
        print("refused")
print("done")
"""
    uid = {"Bubblewrap": 65534, "Landlock": 65534}.get(type(sandbox).__name__, 12345)
    user = uid if os.geteuid() == 0 else None
    bystander = subprocess.Popen(["sleep", "30"], user=user)
    try:
        result = await sandbox.run(python(source, mark))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert result.exit_code in {0, 128 + signal.SIGKILL}
    assert not living(mark)


@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock"], indirect=True)
@pytest.mark.parametrize("after_s", [0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.3])
async def test_a_run_cancelled_at_any_time_leaves_nothing(
    sandbox: Sandbox, python: Python, mark: str, living: Living, after_s: float
) -> None:
    command = python("import os, time; os.fork(); time.sleep(60)", mark)
    running = asyncio.create_task(sandbox.run(command))
    await asyncio.sleep(after_s)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not living(mark)


@pytest.mark.parametrize("version", range(1, 8))
async def test_every_version_of_landlock_keeps_programs_from_files_and_supervisor(
    version: int, python: Python, mark: str, living: Living, missing: dict[str, str]
) -> None:
    if "landlock" in missing:
        pytest.skip(missing["landlock"])
    source = """
import os, signal, subprocess, sys
for attempt in (
    lambda: os.kill(os.getppid(), signal.SIGKILL),
    lambda: os.kill(-1, signal.SIGKILL) if len(sys.argv) > 2 else open("/etc/hosts"),
    lambda: open("/etc/hostname", "a"),
    lambda: os.listdir("/etc"),
):
    try:
        attempt()
        print("done")
    except OSError:
        pass
child = subprocess.Popen(["sleep", "9"])
child.kill()
print(child.wait())
"""
    words = (mark, "and all") if version < 6 else (mark,)
    result = await Landlock(version).run(python(source, *words))
    assert (result.exit_code, result.stdout) == (0, "-9\n"), result
    assert not living(mark)


@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock"], indirect=True)
async def test_a_killed_parent_takes_its_programs_along(
    sandbox: Sandbox, python: Python, mark: str, library: Path, living: Living
) -> None:
    kind = type(sandbox).__name__
    command = python("import os, time; os.fork(); time.sleep(60)", mark)
    source = f"""
import asyncio
from pathlib import Path
from softfactory.sandbox import Command
from softfactory.sandbox.{kind.lower()} import {kind}
readable = tuple(map(Path, {[str(path) for path in command.readable]!r}))
command = Command({command.argv!r}, Path({str(command.checkout)!r}), readable=readable)
asyncio.run({kind}().run(command))
"""
    environment = {**os.environ, "PYTHONPATH": str(library)}
    parent = subprocess.Popen([sys.executable, "-c", source], env=environment)
    await _until(lambda: sum("os.fork" in line and "asyncio" not in line for line in living(mark)))
    parent.kill()
    parent.wait()
    await _until(lambda: not living(mark))


async def test_secrets_of_ours_cannot_be_read(
    sandbox: Sandbox, python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    home = Path(tempfile.mkdtemp(prefix="home-"))
    home.chmod(0o755)
    (home / "id_ed25519").write_text("sk-secret")
    source = """
import glob, os, sys
print(dict(os.environ))
for name in (sys.argv[1], *glob.glob("/proc/[0-9]*/environ")):
    try:
        print(open(name).read())
    except OSError:
        pass
"""
    try:
        result = await sandbox.run(python(source, str(home / "id_ed25519")))
    finally:
        shutil.rmtree(home)
    assert result.exit_code == 0
    assert "sk-secret" not in result.stdout


async def test_nothing_outside_of_the_checkout_can_be_written(
    sandbox: Sandbox, python: Python, base: object
) -> None:
    outside = Path(tempfile.mkdtemp(prefix="outside-"))
    outside.chmod(0o777)
    (outside / "kept").write_text("kept")
    (outside / "kept").chmod(0o666)
    source = """
import os, sys
for attempt in (
    lambda: open(sys.argv[1] + "/kept", "w").write("gone"),
    lambda: os.truncate(sys.argv[1] + "/kept", 0),
    lambda: os.mkdir(sys.argv[1] + "/made"),
    lambda: os.remove(sys.argv[1] + "/kept"),
    lambda: open("/usr/made", "w"),
    lambda: open("/etc/made", "w"),
):
    try:
        attempt()
        print("written")
    except OSError:
        pass
"""
    try:
        result = await sandbox.run(python(source, str(outside)))
        assert sorted(path.name for path in outside.iterdir()) == ["kept"]
        assert (outside / "kept").read_text() == "kept"
    finally:
        shutil.rmtree(outside)
    assert (result.exit_code, result.stdout) == (0, "")


async def test_the_network_is_out_of_reach(sandbox: Sandbox, python: Python, server: int) -> None:
    source = """
import socket, sys
for family, kind, address in (
    (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", int(sys.argv[1]))),
    (socket.AF_INET, socket.SOCK_DGRAM, ("8.8.8.8", 53)),
    (40, socket.SOCK_STREAM, (2, 1024)),
    (socket.AF_NETLINK, socket.SOCK_RAW, (0, 0)),
):
    try:
        socket.socket(family, kind).connect(address)
        print("connected", family)
    except OSError:
        pass
left, right = socket.socketpair()
left.send(b"pairs work")
print(right.recv(99).decode())
"""
    result = await sandbox.run(python(source, str(server)))
    assert (result.exit_code, result.stdout) == (0, "pairs work\n")


async def test_a_server_of_the_program_serves_its_own_client_in_namespaces(
    sandbox: Sandbox, python: Python
) -> None:
    if sandbox.isolation != "bubblewrap":
        pytest.skip("there are no sockets under Landlock")
    source = """
import socket
with socket.create_server(("localhost", 0)) as server:
    client = socket.create_connection(server.getsockname()[:2])
    server.accept()[0].send(b"hello")
    print(client.recv(99).decode())
"""
    result = await sandbox.run(python(source))
    assert (result.exit_code, result.stdout) == (0, "hello\n"), result.stderr


async def _until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.02)

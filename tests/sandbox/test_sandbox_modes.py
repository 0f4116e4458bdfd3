"""Modes and times: what a program may change, and that a test can rely on it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from softfactory.sandbox import Command, Sandbox

Python = Callable[..., Command]


@pytest.fixture
def outside() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="outside-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "file").write_text("kept")
        (folder / "file").chmod(0o666)
        yield folder


async def test_a_folder_closed_by_a_test_is_closed(sandbox: Sandbox, python: Python) -> None:
    source = """
import os
for change in (
    lambda: os.chmod("one", 0o500),
    lambda: os.chmod(os.path.abspath("two"), 0o500),
    lambda: os.fchmod(os.open("three", os.O_RDONLY), 0o500),
    lambda: os.chmod("four", 0o500, dir_fd=os.open(".", os.O_RDONLY)),
):
    name = ["one", "two", "three", "four"][len(os.listdir())]
    os.mkdir(name)
    change()
    try:
        open(f"{name}/file", "w")
    except PermissionError:
        print(name, oct(os.stat(name).st_mode))
    os.chmod(name, 0o700)
    open(f"{name}/file", "w")
"""
    result = await sandbox.run(python(source))
    words = [f"{name} 0o40500" for name in ("one", "two", "three", "four")]
    assert (result.exit_code, result.stdout.splitlines()) == (0, words), result


async def test_times_are_what_a_program_sets(sandbox: Sandbox, python: Python) -> None:
    source = """
import os, shutil, time
open("file", "w").close()
os.utime("file", (10, 20))
print(os.stat("file").st_atime)
os.symlink("file", "link")
shutil.copy2("file", "copy")
print(os.stat("copy").st_mtime)
os.utime("file")
print(abs(os.stat("file").st_mtime - time.time()) < 60)
os.utime(os.open("file", os.O_RDONLY), (30, 40))
print(os.stat("link").st_mtime)
"""
    result = await sandbox.run(python(source))
    assert (result.exit_code, result.stdout) == (0, "10.0\n20.0\nTrue\n40.0\n"), result


async def test_what_is_not_the_programs_keeps_its_mode_and_time(
    sandbox: Sandbox, python: Python, outside: Path
) -> None:
    source = """
import os, sys
outside = sys.argv[1]
os.symlink(outside, "link")
os.mkdir("inside")
for path in (outside, f"{outside}/file", "link", "link/file", f"inside/../link/file",
             f"/proc/self/root{outside}/file", "/proc/self/cwd/link/file", "missing", ""):
    for change in (lambda: os.chmod(path, 0), lambda: os.utime(path, (0, 0)),
                   lambda: os.chmod(os.open(path, os.O_PATH), 0)):
        try:
            change()
            print("changed", path)
        except OSError:
            pass
"""
    if os.geteuid() == 0:
        for path in (outside, outside / "file"):
            os.chown(path, 12345 if "AsUser" in type(sandbox).__name__ else 65534, -1)
    before = [(p.stat().st_mode, p.stat().st_mtime) for p in (outside, outside / "file")]
    result = await sandbox.run(python(source, str(outside)))
    assert (result.exit_code, result.stdout) == (0, ""), result
    assert [(p.stat().st_mode, p.stat().st_mtime) for p in (outside, outside / "file")] == before


async def test_a_set_user_id_bit_has_no_effect(sandbox: Sandbox, python: Python) -> None:
    source = "import os\nopen('x', 'w').close()\nos.chmod('x', 0o4755)"
    command = python(source)
    await sandbox.run(command)
    if sandbox.isolation == "landlock":
        assert (command.checkout / "x").stat().st_mode & 0o7777 == 0o755
    else:
        assert (command.checkout / "x").stat().st_uid == command.checkout.stat().st_uid != 0

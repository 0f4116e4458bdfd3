"""One environment per product and list of packages, so that products see nothing of ours."""

import asyncio
import hashlib
import os
import secrets
import shlex
import shutil
from asyncio import AbstractEventLoop
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

from softfactory.errors import EnvironmentFailed
from softfactory.sandbox.base_python import BasePython, base_python
from softfactory.sandbox.identity import program_uid, reachable
from softfactory.sandbox.packages import copy_ours, install, is_ours, plain, pytest_version
from softfactory.sandbox.scratch import sweep

_OPEN_PLACE = "/var/tmp/softfactory-environments-{uid}"  # noqa: S108 - its owner is checked
_UNFINISHED = ".building-"
_ABANDONED_S = 3600
_RECIPE = "1"  # change it when environments are built in another way


@dataclass(frozen=True)
class ProductEnvironment:
    """An interpreter with a product's packages, and the folders a sandbox must show for it."""

    python: Path
    readable: tuple[Path, ...]

    def pytest(self, checkout: Path, report: str, folder: str = "tests") -> tuple[str, ...]:
        """Return the command for the tests in a folder of the checkout, with a JUnit report.

        The product neither stands in for pytest (``-P``: it isn't on the path when pytest starts)
        nor configures it (no ini-file, no conftest.py outside of ``folder``). A name for the
        report that nobody could know beforehand keeps reports that were shipped from counting.
        """
        path = f"pythonpath={shlex.quote(str(checkout))}"
        return (
            *(str(self.python), "-P", "-m", "pytest", "-q", "--tb=short", "--no-header"),
            *("-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".", "--confcutdir", folder),
            *("-o", path, "-o", "junit_family=xunit1", f"--junitxml={report}", folder),
        )


class Environments:
    """Builds environments below a home folder and keeps them."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._locks: WeakKeyDictionary[AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def prepare(self, packages: Sequence[str]) -> ProductEnvironment:
        """Return the environment with pytest and these packages, building it once.

        Only with packages is the network used, and no code of the product runs then. Raises
        EnvironmentFailed for names that aren't plain and for whatever the installer says.
        """
        wanted = plain(packages)
        base = await base_python()
        place = await asyncio.to_thread(_place, self._home)
        words = "\n".join((_RECIPE, base.label, await asyncio.to_thread(pytest_version), *wanted))
        folder = place / hashlib.sha256(words.encode()).hexdigest()[:20]
        lock = self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
        async with lock:
            if not await asyncio.to_thread(folder.exists):
                await _build(folder, base, wanted)
        return ProductEnvironment(folder / "bin" / "python", (folder, *base.readable))


async def _build(folder: Path, base: BasePython, packages: Sequence[str]) -> None:
    """Build beside the place and move into it: whoever comes first wins, nothing is half done."""
    draft = folder.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
    await asyncio.to_thread(sweep, folder.parent, f"{_UNFINISHED}*", _ABANDONED_S)
    try:
        await _python(base, "-m", "venv", "--without-pip", str(draft))
        site_packages = draft / "lib" / "python{}.{}".format(*base.version) / "site-packages"
        tools = ["pytest", *filter(is_ours, packages)]
        await asyncio.to_thread(_furnish, draft, site_packages, tools)
        if others := [package for package in packages if package not in tools]:
            await install(draft / "bin" / "python", others, draft)
        words = ("-q", "-s", str(draft), "-p", str(folder), "--invalidation-mode", "unchecked-hash")
        await _python(base, "-m", "compileall", *words, str(site_packages), check=False)
        await asyncio.to_thread(_publish, draft, folder)
    finally:
        await asyncio.to_thread(shutil.rmtree, draft, ignore_errors=True)


async def _python(base: BasePython, *words: str, check: bool = True) -> None:
    process = await asyncio.create_subprocess_exec(
        *(str(base.executable), "-I", *words), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if check and process.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise EnvironmentFailed(f"{str(base.executable)!r} makes no environment: {last}")


def _place(home: Path) -> Path:
    """Return the folder of all environments, one that the program's user can enter."""
    place = home / "environments"
    place.mkdir(parents=True, exist_ok=True)
    uid = program_uid()
    if uid is None or reachable(place, uid):
        return place
    place = Path(_OPEN_PLACE.format(uid=os.getuid()))
    place.mkdir(mode=0o755, exist_ok=True)
    found = place.lstat()
    if place.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise EnvironmentFailed(f"{str(place)!r} belongs to someone else: remove it")
    place.chmod(0o755)
    return place


def _furnish(draft: Path, site_packages: Path, tools: Sequence[str]) -> None:
    with (draft / "pyvenv.cfg").open("a") as file:
        file.write("relocatable = true\n")  # uv then writes scripts that survive the move
    for tool in tools:
        copy_ours(tool, site_packages)


def _publish(draft: Path, folder: Path) -> None:
    for parent, folders, files in os.walk(draft):
        for name in (*folders, *files):
            path = Path(parent, name)
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | 0o555 if mode & 0o100 else mode | 0o444)
    draft.chmod(0o755)
    try:
        draft.rename(folder)
    except OSError:
        if not folder.exists():
            raise

import asyncio
import dataclasses
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import softfactory
from softfactory.sandbox import Command, Limits, RunResult, Sandbox, choose_sandbox, discard
from softfactory.sandbox.base_python import BasePython, find_base_python
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.identity import reachable
from softfactory.sandbox.landlock import Landlock

SOMEBODY = 12345
KINDS = ("bubblewrap", "landlock", "bubblewrap as a user", "landlock as a user")
DRIVER = """
import asyncio, dataclasses, json, sys
from pathlib import Path
from softfactory.sandbox import Command, Limits
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.landlock import Landlock
told = json.load(sys.stdin)
sandbox = {"bubblewrap": Bubblewrap, "landlock": Landlock}[told.pop("sandbox")]()
told["argv"] = tuple(told["argv"])
told["checkout"] = Path(told["checkout"])
told["readable"] = tuple(map(Path, told["readable"]))
told["limits"] = Limits(**told["limits"])
print(json.dumps(dataclasses.asdict(asyncio.run(sandbox.run(Command(**told))))))
"""


class AsUser:
    """A sandbox of an ordinary user, for a test that runs as root."""

    def __init__(self, inner: Sandbox, python: Path, library: Path) -> None:
        self.isolation = inner.isolation
        self.offers_loopback = inner.offers_loopback
        self._python = python
        self._library = library

    async def run(self, command: Command) -> RunResult:
        for path in (command.checkout, *command.checkout.rglob("*")):
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
        told = {**dataclasses.asdict(command), "sandbox": self.isolation}
        process = await asyncio.create_subprocess_exec(
            *("setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"),
            *(str(self._python), "-c", DRIVER),
            env={**os.environ, "PYTHONPATH": str(self._library), "HOME": "/nonexistent"},
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(json.dumps(told, default=str).encode())
        answer: dict[str, Any] = json.loads(said)
        return RunResult(**answer)


@pytest.fixture(scope="session")
def base() -> BasePython:
    return asyncio.run(find_base_python())


@pytest.fixture(scope="session")
def library() -> Iterator[Path]:
    """A copy of the package that every user can read."""
    with tempfile.TemporaryDirectory(prefix="library-") as name:
        source = Path(softfactory.__path__[0])
        target = Path(name, "softfactory")
        shutil.copytree(source / "sandbox", target / "sandbox")
        for file in ("__init__.py", "errors.py"):
            shutil.copy(source / file, target)
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def missing() -> dict[str, str]:
    """Why a sandbox doesn't work on this machine."""
    found = {}
    for sandbox in (Bubblewrap(), Landlock()):
        try:
            asyncio.run(choose_sandbox(candidates=[sandbox]))
        except Exception as error:
            found[sandbox.isolation] = str(error)
    return found


@pytest.fixture(params=KINDS)
def sandbox(
    request: pytest.FixtureRequest, base: BasePython, library: Path, missing: dict[str, str]
) -> Sandbox:
    inner: Sandbox = Bubblewrap() if request.param.startswith("bubble") else Landlock()
    if inner.isolation in missing:
        pytest.skip(missing[inner.isolation])
    if request.param.endswith("user"):
        if os.geteuid() != 0:
            pytest.skip("the test runs as an ordinary user already")
        if not reachable(base.executable, SOMEBODY):
            pytest.skip(f"{base.executable} can't be reached by an ordinary user")
        return AsUser(inner, base.executable, library)
    return inner


@pytest.fixture
def checkout() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="checkout-"))
    yield folder
    discard(folder)


@pytest.fixture
def python(checkout: Path, base: BasePython) -> Callable[..., Command]:
    """Make a command that runs a few lines of Python."""

    def make(source: str, *words: str, limits: Limits | None = None, **more: Any) -> Command:
        argv = (str(base.executable), "-c", source, *words)
        limits = limits or Limits(wall_s=20)
        return Command(argv, checkout, limits, readable=base.readable, **more)

    return make


@pytest.fixture
def mark() -> str:
    """A word by which the processes of one test are found."""
    return f"mark{secrets.token_hex(8)}"


@pytest.fixture
def living() -> Callable[[str], list[str]]:
    """Find the command lines of all processes that mention a word."""
    return _living


def _living(mark: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and folder.name != str(os.getpid()):
            try:
                line = (folder / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if mark in line:
                found.append(line)
    return found


if sys.platform != "linux":
    pytest.skip("sandboxes need Linux", allow_module_level=True)

import asyncio
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from softfactory.sandbox import Command, Limits, Sandbox, choose_sandbox, discard
from softfactory.sandbox.base_python import BasePython, find_base_python
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.identity import reachable
from softfactory.sandbox.landlock import Landlock
from tests.user import SOMEBODY, AsUser, copy_library

KINDS = ("bubblewrap", "landlock", "bubblewrap as a user", "landlock as a user")


@pytest.fixture(scope="session")
def base() -> BasePython:
    return asyncio.run(find_base_python())


@pytest.fixture(scope="session")
def library() -> Iterator[Path]:
    """A copy of the package that every user can read."""
    with tempfile.TemporaryDirectory(prefix="library-") as name:
        copy_library(Path(name))
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

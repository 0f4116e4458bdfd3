"""Every hostile program against every isolation, as root and as an ordinary user."""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from softfactory.sandbox import Command, Limits, Sandbox, choose_sandbox, discard
from softfactory.sandbox.base_python import BasePython, find_base_python
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.identity import NOBODY, reachable
from softfactory.sandbox.landlock import Landlock, Unconfined
from tests.hostile.exhausting import EXHAUSTING
from tests.hostile.host import PREAMBLE, Host
from tests.hostile.reaching import REACHING
from tests.hostile.reading import READING
from tests.hostile.writing import WRITING
from tests.user import SOMEBODY, AsUser, copy_library

PROGRAMS = READING | REACHING | WRITING | EXHAUSTING
LIMITS = Limits(
    wall_s=6,
    memory_bytes=128 << 20,
    processes=20,
    disk_bytes=32 << 20,
    file_bytes=16 << 20,
    files=500,
    output_bytes=100_000,
)
USERS = ("root", "user")
WALLS: dict[str, type[Bubblewrap | Landlock]] = {"bubblewrap": Bubblewrap, "landlock": Landlock}


@pytest.fixture(scope="module")
def base() -> BasePython:
    return asyncio.run(find_base_python())


@pytest.fixture(scope="module")
def library() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="library-") as name:
        copy_library(Path(name))
        yield Path(name)


@pytest.fixture(params=USERS)
def user(request: pytest.FixtureRequest, base: BasePython) -> str:
    """Whose sandbox it is: root's programs become nobody, an ordinary user's stay the user's."""
    if os.geteuid() != 0 and request.param == "root":
        pytest.skip("the tests run as an ordinary user")
    if os.geteuid() == 0 and request.param == "user" and not reachable(base.executable, SOMEBODY):
        pytest.skip(f"{base.executable} can't be reached by an ordinary user")
    return str(request.param)


def uid_of(user: str, sandbox: Sandbox) -> int:
    if os.geteuid() != 0:
        return os.getuid()
    if user == "user":
        return SOMEBODY
    return 0 if sandbox.isolation == "none" else NOBODY


async def uncontained(sandbox: Sandbox, uid: int, base: BasePython) -> dict[str, list[str]]:
    """Let every program loose, and tell which did harm."""
    found = {}
    host = Host(uid)
    try:
        for name, source in PROGRAMS.items():
            os.environ["OPENAI_API_KEY"] = host.secret
            if harm := await _harm(sandbox, host, source, base):
                found[name] = harm
                host.close()
                host = Host(uid)
    finally:
        host.close()
        os.environ.pop("OPENAI_API_KEY", None)
    return found


async def _harm(sandbox: Sandbox, host: Host, source: str, base: BasePython) -> list[str]:
    checkout = Path(tempfile.mkdtemp(prefix="checkout-"))
    argv = (str(base.executable), "-c", PREAMBLE + source, host.facts())
    try:
        readable = (*base.readable, host.environment)
        result = await sandbox.run(Command(argv, checkout, LIMITS, readable=readable))
        await asyncio.create_subprocess_exec("true")
        found = host.harm(result, checkout)
    finally:
        discard(checkout)
    return found or host.harm(result, checkout)

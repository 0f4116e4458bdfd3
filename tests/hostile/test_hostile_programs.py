"""Every hostile program against every isolation, as root and as an ordinary user."""

import asyncio
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from softfactory.errors import SandboxUnavailable
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
DOCUMENT = Path(__file__).parents[2] / "docs" / "architecture.md"
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
        found = host.harm(result, checkout)
    finally:
        discard(checkout)
    return found or host.harm(result, checkout)


@pytest.mark.slow
@pytest.mark.parametrize("wall", WALLS)
async def test_no_hostile_program_does_harm(
    wall: str, user: str, base: BasePython, library: Path
) -> None:
    sandbox: Sandbox = WALLS[wall]()
    try:
        await choose_sandbox(candidates=[sandbox])
    except SandboxUnavailable as error:
        pytest.skip(str(error))
    if os.geteuid() == 0 and user == "user":
        sandbox = AsUser(sandbox, base.executable, library)
    assert len(PROGRAMS) >= 25
    assert await uncontained(sandbox, uid_of(user, sandbox), base) == {}


@pytest.mark.slow
async def test_what_runs_without_isolation_does_the_harm_that_the_documents_say(
    user: str, base: BasePython, library: Path
) -> None:
    if forbidden := _forbidden_anyway():
        pytest.skip(f"this machine itself forbids {forbidden}, so the score says nothing")
    sandbox: Sandbox = Unconfined()
    if os.geteuid() == 0 and user == "user":
        sandbox = AsUser(sandbox, base.executable, library)
    found = await uncontained(sandbox, uid_of(user, sandbox), base)
    measured = f"{len(PROGRAMS) - len(found)} of {len(PROGRAMS)}"
    pattern = re.compile(rf"(?<=<!-- unsafe-local {user} -->)[^|<]*?(?= \|)")
    text = DOCUMENT.read_text("utf-8")
    if os.environ.get("UPDATE_DOCS"):
        text = pattern.sub(measured, text)
        DOCUMENT.write_text(text, "utf-8")
    assert pattern.findall(text) == [measured], sorted(found)


def _forbidden_anyway() -> list[str]:
    """What some machines refuse to every program: there fewer programs do harm."""
    found = []
    if "\t00000000\t" not in Path("/proc/net/route").read_text():
        found.append("the way out")
    if subprocess.run(["unshare", "--user", "true"], capture_output=True, check=False).returncode:
        found.append("user namespaces")
    rings = Path("/proc/sys/kernel/io_uring_disabled")
    if not rings.exists() or rings.read_text().strip() != "0":
        found.append("rings")
    return found

# ruff: noqa: ASYNC240 - a test may wait for a file
import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from softfactory.errors import EnvironmentFailed
from softfactory.sandbox import (
    Command,
    Environments,
    ProductEnvironment,
    Sandbox,
    read_collected,
)
from softfactory.sandbox.identity import NOBODY, reachable
from softfactory.sandbox.packages import plain


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home that every user can enter."""
    with tempfile.TemporaryDirectory(prefix="home-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def environment(home: Path) -> ProductEnvironment:
    return asyncio.run(Environments(home).prepare([]))


async def test_a_product_is_tested_with_a_report(
    sandbox: Sandbox, checkout: Path, environment: ProductEnvironment
) -> None:
    (checkout / "adder.py").write_text("def add(a, b):\n    return a + b\n")
    (checkout / "test_adder.py").write_text(
        "from adder import add\n\n"
        "def test_it_adds(tmp_path):\n"
        "    (tmp_path / 'x').write_text('x')\n"
        "    assert add(1, 2) == 3\n\n"
        "def test_it_fails():\n    assert add(1, 2) == 4\n"
    )
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--junit-xml=report.xml")
    command = Command((str(environment.python), *words), checkout, readable=environment.readable)
    result = await sandbox.run(command)
    assert result.exit_code == 1, result
    assert "1 failed, 1 passed" in result.stdout
    assert str(checkout) not in result.stdout
    assert b'tests="2"' in read_collected(checkout, "report.xml", 1 << 20)


async def test_a_product_sees_nothing_of_ours(
    sandbox: Sandbox, checkout: Path, environment: ProductEnvironment
) -> None:
    source = """
import importlib.util as u, os, sys
print([n for n in ("softfactory", "langgraph", "pip", "mypy", "pytest_asyncio") if u.find_spec(n)])
import pytest
print(pytest.__file__.startswith(sys.prefix), os.path.exists(pytest.__cached__))
"""
    words = (str(environment.python), "-c", source)
    result = await sandbox.run(Command(words, checkout, readable=environment.readable))
    assert (result.exit_code, result.stdout) == (0, "[]\nTrue True\n"), result


async def test_an_environment_cannot_be_changed_by_a_product(
    sandbox: Sandbox, checkout: Path, environment: ProductEnvironment
) -> None:
    target = environment.readable[0] / "pyvenv.cfg"
    before = target.read_text()
    source = "import os, sys\nos.chmod(sys.argv[1], 0o777)\nopen(sys.argv[1], 'a').write('x')"
    words = (str(environment.python), "-c", source, str(target))
    result = await sandbox.run(Command(words, checkout, readable=environment.readable))
    assert result.exit_code == 1
    assert target.read_text() == before


async def test_two_builders_may_race_and_agree(home: Path) -> None:
    shutil.rmtree(home / "environments", ignore_errors=True)
    both = await asyncio.gather(*(Environments(home).prepare([]) for _ in range(2)))
    assert both[0] == both[1]
    assert both[0].python.exists()
    names = [path.name for path in (home / "environments").iterdir()]
    assert names == [both[0].readable[0].name]


async def test_what_a_killed_builder_left_is_never_used_and_swept_later(home: Path) -> None:
    shutil.rmtree(home / "environments", ignore_errors=True)
    left = home / "environments" / ".building-0123"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    assert (await Environments(home).prepare([])).python.exists()
    assert not left.exists()


async def test_a_closed_home_is_replaced_by_an_open_place_under_root(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root's programs are someone else")
    tmp_path.chmod(0o700)
    environment = await Environments(tmp_path).prepare([])
    assert reachable(environment.python, NOBODY)
    assert not environment.python.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    "package",
    [
        "git+https://example.org/x",
        "x @ https://example.org/x.whl",
        "./here",
        "/abs/x.whl",
        "--index-url=http://example.org",
        "-r",
        "-e.",
        "flask --pre",
        "flask\n--pre",
        "flask; python_version > '3'",
        "flask==1.0 --hash=x",
        "",
        "a" * 300,
    ],
)
async def test_what_is_not_a_plain_name_is_refused(package: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailed, match="is not a package"):
        await Environments(tmp_path).prepare([package])


def test_plain_names_with_versions_pass() -> None:
    names = ["flask", "Flask>=3,<4", "uvicorn[standard]~=0.30", "typing_extensions == 4.*"]
    assert plain([*names, "flask"]) == tuple(sorted(names))


async def test_a_failed_installation_is_told_and_leaves_no_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    place = home / "environments"
    before = set(place.glob("*"))
    with pytest.raises(EnvironmentFailed, match=r"could not be installed: \S|need uv or pip"):
        await Environments(home).prepare(["no-such-package-anywhere-42"])
    assert set(place.glob("*")) == before

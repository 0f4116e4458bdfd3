"""Putting packages into a product's environment: pytest from ours, the rest by uv or pip."""

import asyncio
import importlib.util
import os
import re
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from softfactory.errors import EnvironmentFailed

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_CLAUSE = r"\s*(?:~=|===?|!=|<=|>=|<|>)\s*[A-Za-z0-9](?:[A-Za-z0-9._*+!-]*)\s*"
_PLAIN = re.compile(rf"{_NAME}(?:\[{_NAME}(?:\s*,\s*{_NAME})*\])?(?:{_CLAUSE}(?:,{_CLAUSE})*)?")
_TEST_TOOLS = ("pytest", "playwright")
_LAST_LINES = 5
_PATIENCE_S = 600


def plain(packages: Sequence[str]) -> tuple[str, ...]:
    """Return the packages sorted; their names come from a model, so only plain ones pass.

    Raises EnvironmentFailed for addresses, paths, options and anything else that is not a name
    with an optional list of versions.
    """
    for package in packages:
        if len(package) > 200 or not _PLAIN.fullmatch(package):
            raise EnvironmentFailed(
                f"{package!r} is not a package: give a name and, if needed, versions ('flask>=3')"
            )
    return tuple(sorted(set(packages)))


def pytest_version() -> str:
    """Return the version of the pytest every environment gets."""
    return _found("pytest").version


def is_ours(package: str) -> bool:
    """Tell whether a test tool can be had from our own environment."""
    return package in _TEST_TOOLS and importlib.util.find_spec(package) is not None


def copy_ours(tool: str, site_packages: Path) -> None:
    """Copy a test tool and what it requires from our own environment: no network is needed."""
    wanted, copied = [tool], set[str]()
    while wanted:
        name = wanted.pop().lower().replace("_", "-")
        if name in copied:
            continue
        copied.add(name)
        try:
            found = _found(name)
        except EnvironmentFailed:
            if name == tool:
                raise
            continue  # required on other systems only
        _copy(found, site_packages)
        wanted += _required(found)


async def install(python: Path, packages: Sequence[str], cwd: Path) -> None:
    """Let uv, or else pip, install wheels into the environment; no code of theirs runs.

    Raises EnvironmentFailed with the tool's last words.
    """
    tool = await asyncio.to_thread(_installer, python)
    words = [*tool, "--only-binary", ":all:", *packages]
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PIP_NO_INPUT": "1"}
    process = await asyncio.create_subprocess_exec(
        *words, cwd=cwd, env=environment, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()[-_LAST_LINES:]
        raise EnvironmentFailed(
            f"{', '.join(packages)} could not be installed: {' / '.join(map(str.strip, lines))}"
        )


def _installer(python: Path) -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--link-mode", "copy", "--python", str(python)]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(python), "install"]
    raise EnvironmentFailed("packages need uv or pip: pip install uv")


def _found(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        raise EnvironmentFailed(f"{name!r} is not installed: pip install {name}") from None


def _required(found: Distribution) -> list[str]:
    needed = (text for text in found.requires or () if "extra ==" not in text)
    return [match[0] for text in needed if (match := re.match(_NAME, text))]


def _copy(found: Distribution, site_packages: Path) -> None:
    if found.files is None:
        raise EnvironmentFailed(f"{found.name!r} has no list of files: reinstall softfactory")
    for file in found.files:
        if ".." in file.parts or "__pycache__" in file.parts:
            continue
        target = site_packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(str(found.locate_file(file)), target)

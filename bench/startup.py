"""How heavy the program is: CPU until help and until the next model call, and what it installs.

    uv run python -m bench.startup

CPU seconds are user plus system time of the command's whole process tree.
"""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests import calculator
from tests.endpoint import Endpoint

T = TypeVar("T")
PROGRAM = [str(Path(sys.executable).parent / "softfactory")]
IMPORTED = (
    "softfactory.cli, softfactory.service, softfactory.models.openai_compatible, "
    "softfactory.terminal.attend, openai.resources.chat"
)
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def cpu_of_help() -> float:
    """CPU seconds of `softfactory --help`."""
    before = _children()
    quiet = subprocess.DEVNULL
    subprocess.run([*PROGRAM, "--help"], check=True, stdout=quiet, env=ENVIRONMENT)
    return _children() - before


def cpu_to_first_calls() -> tuple[float, float]:
    """CPU seconds from the start of `build`, and then of `resume`, to the next model call."""
    with tempfile.TemporaryDirectory() as folder, Endpoint(calculator.straight(), 9) as endpoint:
        options = ["--yes", "--model", "m", "--base-url", endpoint.url]
        building = _cpu_to_call(["build", calculator.IDEA, *options], folder, endpoint)
        with sqlite3.connect(f"{folder}/home/softfactory.db") as database:
            [run] = database.execute("SELECT id FROM runs").fetchone()
        return building, _cpu_to_call(["resume", run], folder, endpoint)


def _cpu_to_call(words: list[str], folder: str, endpoint: Endpoint) -> float:
    asked = threading.Event()
    endpoint.on_question = lambda _: asked.set()
    before = _children()
    process = subprocess.Popen(
        [*PROGRAM, *words],
        cwd=folder,
        env=ENVIRONMENT | {"SOFTFACTORY_HOME": f"{folder}/home"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    asked.wait(60)
    time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return _children() - before


def cpu_of_imports() -> float:
    """CPU seconds of starting Python and importing what the two commands import."""
    before = _children()
    subprocess.run([sys.executable, "-c", f"import {IMPORTED}"], check=True, env=ENVIRONMENT)
    return _children() - before


def core() -> tuple[int, float]:
    """Distributions and megabytes of an installation without extras."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"UV_PROJECT_ENVIRONMENT": f"{folder}/venv"}
        sync = ["uv", "sync", "--quiet", "--frozen", "--no-dev", "--link-mode=copy"]
        subprocess.run(sync, check=True, env=environment, cwd=Path(__file__).parents[1])
        listing = ["uv", "pip", "list", "--quiet", "--python", f"{folder}/venv"]
        listed = subprocess.run(listing, check=True, capture_output=True, text=True).stdout
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files if not path.is_symlink())
        return len(listed.splitlines()) - 2, size / 1e6


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    cpu_of_help()
    cpu_to_first_calls()
    distributions, megabytes = core()
    building, resuming = (min(column) for column in zip(*_thrice(cpu_to_first_calls), strict=True))
    print(f"softfactory --help                   {min(_thrice(cpu_of_help)):.2f} s of CPU")
    print(f"build, to the first model call       {building:.2f} s of CPU")
    print(f"resume, to the next model call       {resuming:.2f} s of CPU")
    print(f"of these, Python and the imports     {min(_thrice(cpu_of_imports)):.2f} s of CPU")
    print(f"core installation                    {distributions} distributions, {megabytes:.0f} MB")


def _thrice(measured: Callable[[], T]) -> list[T]:
    return [measured() for _ in range(3)]


if __name__ == "__main__":
    main()

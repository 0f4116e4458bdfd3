"""How heavy the program is: CPU until help and until the first model call, and what it installs.

    uv run python -m bench.startup

CPU seconds are user plus system time of the command's whole process tree.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests import calculator
from tests.endpoint import Endpoint

PROGRAM = [str(Path(sys.executable).parent / "softfactory")]


def cpu_of_help() -> float:
    """CPU seconds of `softfactory --help`."""
    before = _children()
    subprocess.run([*PROGRAM, "--help"], check=True, stdout=subprocess.DEVNULL)
    return _children() - before


def cpu_to_first_call() -> float:
    """CPU seconds from the start of `softfactory build` to its first model call."""
    asked = threading.Event()
    with tempfile.TemporaryDirectory() as folder, Endpoint(calculator.straight(), 9) as endpoint:
        endpoint.on_question = lambda _: asked.set()
        before = _children()
        options = ["--yes", "--model", "m", "--base-url", endpoint.url]
        process = subprocess.Popen(
            [*PROGRAM, "build", calculator.IDEA, *options],
            cwd=folder,
            env=os.environ | {"SOFTFACTORY_HOME": f"{folder}/home"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        asked.wait(60)
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
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
    distributions, megabytes = core()
    print(f"softfactory --help           {min(cpu_of_help() for _ in range(3)):.2f} s of CPU")
    print(f"to the first model call      {min(cpu_to_first_call() for _ in range(3)):.2f} s of CPU")
    print(f"core installation            {distributions} distributions, {megabytes:.0f} MB")


if __name__ == "__main__":
    main()

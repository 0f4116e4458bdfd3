"""Fixtures of the tests: the program, started on a virtual screen where there is no other."""

import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
START = ["START"]
LIVES_S = 3


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """A virtual screen of its own; needs Xvfb."""
    reading, writing = os.pipe()
    size = ["-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), *size],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    assert number, "Xvfb does not start"
    yield f":{number}"
    server.terminate()
    server.wait()


@pytest.fixture
def program(screen: str, tmp_path: pathlib.Path) -> Iterator[subprocess.Popen[str]]:
    """The program, started as its user would start it, some seconds ago."""
    words = [str(ROOT / word) if (ROOT / word).is_file() else word for word in START]
    words = [sys.executable if word in ("python", "python3") else word for word in words]
    known = {**os.environ, "DISPLAY": screen}
    started = subprocess.Popen(
        words, cwd=tmp_path, env=known, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    time.sleep(LIVES_S)
    yield started
    started.kill()
    started.communicate()

"""Products whose tests are too much: each run ends for the reason that names the trouble."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from softfactory.sandbox import (
    Command,
    Environments,
    Limits,
    ProductEnvironment,
    choose_sandbox,
    discard,
)

TESTS = {
    "hangs": ("timeout", "import time\ndef test_r1():\n    time.sleep(600)\n"),
    "hangs before its tests are known": ("timeout", "import time\ntime.sleep(600)\n"),
    "hangs after its last test": (
        "timeout",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
        "def test_r1():\n    pass\n",
    ),
    "prints a hundred megabytes": (
        "output",
        "def test_r1():\n    for _ in range(100):\n        print('x' * (1 << 20))\n",
    ),
    "forks without end": (
        "processes",
        "import os, time\ndef test_r1():\n    while True:\n        try:\n"
        "            if os.fork() == 0:\n                time.sleep(600)\n"
        "        except OSError:\n            pass\n",
    ),
    "keeps everything": (
        "memory",
        "def test_r1():\n    kept = []\n    while True:\n"
        "        kept.append(bytearray(1 << 20) + b'x')\n",
    ),
}


@pytest.fixture(scope="module")
def environment() -> Iterator[ProductEnvironment]:
    with tempfile.TemporaryDirectory(prefix="home-") as name:
        Path(name).chmod(0o755)
        yield asyncio.run(Environments(Path(name)).prepare([]))


@pytest.mark.parametrize("name", TESTS)
async def test_tests_that_are_too_much_end_for_a_reason(
    name: str, environment: ProductEnvironment
) -> None:
    reason, source = TESTS[name]
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="softfactory-"))
    try:
        await asyncio.to_thread((folder / "tests").mkdir)
        await asyncio.to_thread((folder / "tests" / "test_it.py").write_text, source)
        limits = Limits(wall_s=5 if reason == "timeout" else 60, memory_bytes=256 << 20)
        argv = environment.pytest(folder, "report.xml")
        command = Command(argv, folder, limits, readable=environment.readable)
        result = await (await choose_sandbox()).run(command)
    finally:
        await asyncio.to_thread(discard, folder)
    if reason == "output" and result.reason == "exit":  # it ended before anybody could end it
        assert result.truncated
        assert result.exit_code != 0
    else:
        assert (result.exit_code, result.reason) == (None, reason), result

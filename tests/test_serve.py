"""`softfactory serve` as a user starts it: its end, its next beginning, and why it has none."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests import calculator
from tests.command import Terminal
from tests.endpoint import Endpoint

pytestmark = pytest.mark.slow


@contextmanager
def started(terminal: Terminal, *options: str, **environment: str) -> Iterator[httpx.Client]:
    """The server in a process of its own; a client of it. It ends by a signal, with zero."""
    process = terminal.start("serve", "--port", "0", *options, **environment)
    assert process.stdout
    said = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert found, said + process.communicate()[1]
    try:
        with httpx.Client(base_url=found[0], timeout=60) as client:
            yield client
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    finally:
        terminal.kill(process)


def wait_for(client: httpx.Client, run: str, *statuses: str) -> str:
    """Wait until the run stands like this and nobody works on it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        told = client.get(f"/v1/runs/{run}").json()
        if told["status"] in statuses and not told["at_work"]:
            return str(told["status"])
        time.sleep(0.05)
    raise AssertionError(told)


def test_a_run_of_a_killed_server_is_taken_up_by_the_next_one_if_asked(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with Endpoint(calculator.straight(), seconds=0.5) as endpoint:
        options = ("--model", "m", "--base-url", endpoint.url)
        process = terminal.start("serve", "--port", "0", *options)
        assert process.stdout
        url = process.stdout.readline().split()[2]
        body = {"idea": calculator.IDEA, "gates": []}
        run = httpx.post(f"{url}/v1/runs", json=body, timeout=60).json()["id"]
        while len(endpoint.asked) < 3:
            time.sleep(0.05)
        terminal.kill(process)
        with started(terminal, *options) as client:
            told = client.get(f"/v1/runs/{run}").json()
            assert (told["status"], told["at_work"]) == ("working", False)
        with started(terminal, *options, "--resume") as client:
            assert wait_for(client, run, "delivered")
    process.communicate()


def test_the_server_says_in_one_line_why_it_does_not_start(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    elsewhere = terminal.run("serve", "--host", "0.0.0.0")
    assert elsewhere.code == 2
    assert "SOFTFACTORY_TOKENS" in elsewhere.err
    weak = terminal.run("serve", SOFTFACTORY_TOKENS="alice:tooshort")
    assert weak.code == 2
    assert "tooshort" not in weak.err
    with started(terminal) as client:
        taken = terminal.run("serve", "--port", str(client.base_url.port))
    assert taken.code == 2
    for done in (elsewhere, weak, taken):
        assert len(done.err.splitlines()) == 1, done.err

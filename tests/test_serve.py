"""`softfactory serve` as a user starts it, beside the command line: one set of runs, two doors."""

import io
import json
import re
import signal
import subprocess
import threading
import time
import zipfile
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


class Listener(threading.Thread):
    """Follows a run for as long as the test does, and comes back `returns` times."""

    def __init__(self, client: httpx.Client, run: str, returns: int = 0) -> None:
        super().__init__(daemon=True)
        self._client, self._run, self.returns = client, run, returns
        self.seen: list[str] = []
        self._last = ""

    def run(self) -> None:
        """Follow until the delivery."""
        while not (self.seen and json.loads(self.seen[-1])["data"].get("status") == "delivered"):
            self._follow()

    def _follow(self) -> None:
        headers = {"Last-Event-ID": self._last} if self._last else {}
        path = f"/v1/runs/{self._run}/events"
        with self._client.stream("GET", path, params={"stay": "true"}, headers=headers) as stream:
            for line in stream.iter_lines():
                if line.startswith("id: "):
                    self._last = line.removeprefix("id: ")
                if line.startswith("data: "):
                    self.seen.append(line.removeprefix("data: "))
                    if "delivered" in line or (self.returns and len(self.seen) % 4 == 0):
                        self.returns -= 1
                        return


def wait_for(client: httpx.Client, run: str, *statuses: str) -> str:
    """Wait until the run stands like this and nobody works on it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        told = client.get(f"/v1/runs/{run}").json()
        if told["status"] in statuses and not told["at_work"]:
            return str(told["status"])
        time.sleep(0.05)
    raise AssertionError(told)


def approve(client: httpx.Client, run: str) -> httpx.Response:
    gate = client.get(f"/v1/runs/{run}/gate").json()["id"]
    return client.post(f"/v1/runs/{run}/gate", json={"gate": gate, "action": "approve"})


def test_a_run_made_by_the_api_is_stopped_by_a_command_resumed_by_the_api_and_downloaded(
    tmp_path: Path,
) -> None:
    terminal = Terminal(tmp_path)
    with (
        Endpoint(calculator.eventful(), seconds=0.3) as endpoint,
        started(terminal, "--model", "m", "--base-url", endpoint.url) as client,
    ):
        run = client.post("/v1/runs", json={"idea": calculator.IDEA}).json()["id"]
        steady, restless = Listener(client, run), Listener(client, run, returns=5)
        steady.start()
        restless.start()
        assert wait_for(client, run, "waiting")
        assert approve(client, run).status_code == 202
        stopped = terminal.run("stop", run)
        assert f"Run {run} is being stopped" in stopped.out, stopped.err
        assert wait_for(client, run, "stopped")
        assert client.post(f"/v1/runs/{run}/resume").status_code == 202
        assert wait_for(client, run, "delivered")
        archive = client.get(f"/v1/runs/{run}/archive").content
        for listener in (steady, restless):
            listener.join(60)
        assert restless.returns < 0
        assert restless.seen == steady.seen
        log = terminal.run("log", run, "--json").out.splitlines()
    assert [json.loads(event)["seq"] for event in steady.seen] == list(range(1, len(log) + 1))
    with zipfile.ZipFile(io.BytesIO(archive)) as product:
        product.extractall(tmp_path / "got")
    command = ["python3", "calc.py", "(1 + 2) * 3"]
    ran = subprocess.check_output(command, cwd=tmp_path / "got" / "calculator")
    assert ran == b"9\n"


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

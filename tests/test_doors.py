"""One run, through every door in turn: the API, the page, the command line, and the API again."""

import io
import json
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

from tests import calculator
from tests.command import Terminal
from tests.endpoint import Endpoint
from tests.test_serve import started, wait_for
from tests.web.conftest import CHROMIUM, FLAGS, PATIENCE_MS
from tests.web.test_page import GATE

RETURNS = 5


class Listener(threading.Thread):
    """Follows a run to its delivery, but leaves it `returns` times on the way, and comes back."""

    def __init__(self, client: httpx.Client, run: str, returns: int = 0) -> None:
        super().__init__(daemon=True)
        self._client, self._run, self._returns = client, run, returns
        self.seen: list[str] = []
        self.came_back = 0
        self._last = ""

    def run(self) -> None:
        """Follow until the delivery."""
        while not (self.seen and json.loads(self.seen[-1])["data"].get("status") == "delivered"):
            self._follow()

    def _follow(self) -> None:
        headers = {"Last-Event-ID": self._last} if self._last else {}
        self.came_back += len(headers)
        path = f"/v1/runs/{self._run}/events"
        with self._client.stream("GET", path, params={"stay": "true"}, headers=headers) as stream:
            for line in stream.iter_lines():
                field, _, value = line.partition(": ")
                if field == "id":
                    self._last = value
                if field == "data":
                    self.seen.append(value)
                    has_enough = self.came_back < self._returns and len(self.seen) % 4 == 0
                    if has_enough or '"status": "delivered"' in value:
                        return


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: `apt-get install chromium`")
def test_one_run_goes_through_every_door_and_all_who_follow_it_see_the_same(tmp_path: Path) -> None:
    terminal, stopped = Terminal(tmp_path), threading.Event()

    def wait_for_the_stop(question: int) -> None:
        if question == 4:
            stopped.wait(120)

    with (
        Endpoint(calculator.eventful()) as endpoint,
        started(terminal, "--model", "m", "--base-url", endpoint.url) as api,
    ):
        endpoint.on_question = wait_for_the_stop
        run = api.post("/v1/runs", json={"idea": calculator.IDEA}).json()["id"]
        steady, restless = Listener(api, run), Listener(api, run, returns=RETURNS)
        steady.start()
        restless.start()
        assert wait_for(api, run, "waiting") == "waiting"
        approve_in_the_page(f"{api.base_url}/ui/?run={run}")
        while len(endpoint.asked) < 4:
            assert api.get(f"/v1/runs/{run}").json()["status"] in ("waiting", "working")
        said = terminal.run("stop", run)
        assert f"Run {run} is being stopped" in said.out, said.err
        assert wait_for(api, run, "stopped") == "stopped"
        stopped.set()
        assert api.post(f"/v1/runs/{run}/resume").status_code == 202
        assert wait_for(api, run, "delivered") == "delivered"
        archive = api.get(f"/v1/runs/{run}/archive").content
        for listener in (steady, restless):
            listener.join(60)
        log = terminal.run("log", run, "--json").out.splitlines()
    assert (steady.came_back, restless.came_back) == (0, RETURNS)
    assert restless.seen == steady.seen
    assert [json.loads(event)["seq"] for event in steady.seen] == list(range(1, len(log) + 1))
    with zipfile.ZipFile(io.BytesIO(archive)) as product:
        product.extractall(tmp_path / "got")
    folder = tmp_path / "got" / "calculator"
    ran = subprocess.check_output([sys.executable, "calc.py", "(1 + 2) * 3"], cwd=folder)
    assert ran == b"9\n"


def approve_in_the_page(url: str) -> None:
    """Look at what the run asks in a browser, and press the button."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(locale="en-US")
        page.set_default_timeout(PATIENCE_MS)
        page.goto(url)
        page.click(GATE)
        page.wait_for_selector(GATE, state="hidden")
        browser.close()

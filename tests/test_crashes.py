"""Kill -9 in every node of a run, then `resume`: the same product, and nothing is paid twice."""

import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import calculator
from tests.command import Terminal
from tests.endpoint import Endpoint

pytestmark = pytest.mark.slow

CALLS = 13
"""Model calls of the eventful run."""
QUIET_STEPS = [
    "Plan the work",
    "static check of W1",
    "1 of 1 work packages finished",
    "Write the tests",
    "Deliver the product",
]
"""Beginnings of events in nodes, or parts of nodes, that ask no model."""


def build(terminal: Terminal, endpoint: Endpoint) -> "subprocess.Popen[str]":
    options = ["--yes", "--model", "scripted", "--base-url", endpoint.url]
    return terminal.start("build", calculator.IDEA, *options)


def the_run(terminal: Terminal) -> str:
    with sqlite3.connect(terminal.folder / "home" / "softfactory.db") as database:
        [run] = database.execute("SELECT id FROM runs").fetchone()
    return str(run)


def product(terminal: Terminal) -> str:
    """Every file of the product with the id of its contents."""
    [repository] = (terminal.folder / "home" / "products").iterdir()
    listing = ["git", "-C", str(repository), "ls-tree", "-r", "delivered"]
    return subprocess.run(listing, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The product of a run that nobody kills."""
    terminal = Terminal(tmp_path_factory.mktemp("undisturbed"))
    with Endpoint(calculator.eventful()) as endpoint:
        out, err = build(terminal, endpoint).communicate(timeout=120)
        assert len(endpoint.asked) == CALLS, out + err
    return product(terminal)


def resumed(terminal: Terminal, endpoint: Endpoint) -> None:
    done = terminal.run("resume", the_run(terminal))
    assert done.code == 0, done.out + done.err
    repeated = [question for question, n in Counter(endpoint.answered).items() if n > 1]
    assert repeated == []


@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_killed_while_a_model_is_being_asked(number: int, tmp_path: Path, undisturbed: str) -> None:
    terminal = Terminal(tmp_path)
    with Endpoint(calculator.eventful(), seconds=0.1) as endpoint:
        process = build(terminal, endpoint)

        def kill(asked: int) -> None:
            if asked == number:
                endpoint.client += 1
                terminal.kill(process)

        endpoint.on_question = kill
        process.communicate(timeout=120)
        assert process.returncode == -9
        resumed(terminal, endpoint)
        assert len(endpoint.asked) <= CALLS + 2  # parallel calls on the wire are asked again
    assert product(terminal) == undisturbed


@pytest.mark.parametrize("beginning", QUIET_STEPS)
def test_killed_in_a_step_that_asks_nobody(
    beginning: str, tmp_path: Path, undisturbed: str
) -> None:
    terminal = Terminal(tmp_path)
    with Endpoint(calculator.eventful()) as endpoint:
        process = build(terminal, endpoint)
        _wait_for(lambda: _told(terminal, beginning), process)
        terminal.kill(process)
        process.communicate()
        resumed(terminal, endpoint)
    assert product(terminal) == undisturbed


def test_a_gate_is_answered_from_another_process_days_later(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with Endpoint(calculator.straight()) as endpoint:
        options = ["--model", "scripted", "--base-url", endpoint.url]
        waiting = terminal.run("build", calculator.IDEA, *options)
        assert waiting.code == 3
        assert "softfactory answer" in waiting.out
        done = terminal.run("answer", the_run(terminal), "approve")
    assert done.code == 0, done.out + done.err
    assert (tmp_path / "calculator" / "calc.py").read_text() == calculator.CODE


def _told(terminal: Terminal, beginning: str) -> bool:
    path = terminal.folder / "home" / "softfactory.db"
    if not path.exists():
        return False
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        try:
            query = "SELECT 1 FROM events WHERE event ->> 'text' LIKE ? || '%'"
            return database.execute(query, (beginning,)).fetchone() is not None
        except sqlite3.OperationalError:
            return False


def _wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, "the run ended before"
        assert time.monotonic() < deadline
        time.sleep(0.002)

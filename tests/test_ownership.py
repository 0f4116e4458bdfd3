"""One process at a time owns a run: a second is told who has it, an old owner writes nothing."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests import calculator
from tests.command import Terminal
from tests.databases import KINDS, database_of
from tests.endpoint import Endpoint
from tests.test_cli import model_at, run_name

pytestmark = pytest.mark.slow


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    (tmp_path / "home").mkdir()
    with database_of(request.param, tmp_path / "home") as place:
        yield place


def database_in(place: Path | str) -> dict[str, str]:
    """The environment that has commands use it."""
    return {"SOFTFACTORY_DATABASE_URL": place} if isinstance(place, str) else {}


def execute(place: Path | str, statement: str) -> list[tuple[object, ...]]:
    if isinstance(place, str):
        with psycopg.connect(place, autocommit=True) as server:
            cursor = server.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []
    with sqlite3.connect(place, timeout=30) as file:
        return file.execute(statement).fetchall()


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def expired(place: Path | str) -> bool:
    """Whether the time is over for which the only run is somebody's."""
    [(until,)] = execute(place, "SELECT lease_until FROM runs")
    return float(str(until)) < time.time()


def test_an_owner_held_up_for_longer_than_its_lease_notices_and_writes_nothing_more(
    tmp_path: Path, place: Path | str
) -> None:
    terminal, known = Terminal(tmp_path), database_in(place)
    with Endpoint(calculator.straight()) as endpoint:
        slow = {"write_code": 2.0}
        endpoint.on_question = lambda _: time.sleep(slow.pop(endpoint.asked[-1], 0))
        old = terminal.start("build", calculator.IDEA, "--yes", *model_at(endpoint), **known)
        wait_for(lambda: "write_code" in endpoint.asked, old)
        os.kill(old.pid, signal.SIGSTOP)
        [(run, owner)] = execute(place, "SELECT id, owner FROM runs")
        busy = terminal.run("resume", str(run), **known)
        assert busy.code == 2
        assert f"process {str(owner).split(':')[1]} on" in busy.err
        wait_for(lambda: expired(place), old)
        new = terminal.run("resume", str(run), **known)
        assert new.code == 0, new.out + new.err
        ended = execute(place, "SELECT count(*) FROM events")
        answers = execute(place, "SELECT count(*) FROM calls")
        commits = _commits(terminal)
        os.kill(old.pid, signal.SIGCONT)
        _, err = old.communicate(timeout=60)
    assert old.returncode == 2, err
    assert "this process writes nothing more" in err
    assert len(err.splitlines()) == 1
    assert execute(place, "SELECT count(*) FROM events") == ended
    assert execute(place, "SELECT count(*) FROM calls") == answers
    assert _commits(terminal) == commits
    assert execute(place, "SELECT status FROM runs") == [("delivered",)]


SLEEPY = f"""import subprocess


def test_r1_and_r2_take_their_time():
    subprocess.run(["sleep", "86397"])

{calculator.TESTS}"""


@pytest.mark.parametrize("times", [1, 2])
def test_after_ctrl_c_nothing_that_was_started_is_left_and_a_second_one_ends_all_at_once(
    tmp_path: Path, times: int
) -> None:
    terminal = Terminal(tmp_path)
    script = calculator.straight() | {"write_test": [{"tests/test_a.py": SLEEPY}]}
    with Endpoint(script) as endpoint:
        process = terminal.start("build", calculator.IDEA, "--yes", *model_at(endpoint))
        wait_for(lambda: bool(_sleepers()), process)
        with sqlite3.connect(tmp_path / "home" / "softfactory.db", isolation_level=None) as file:
            if times == 2:  # so that the first can't come to its end
                file.execute("BEGIN IMMEDIATE")
            process.send_signal(signal.SIGINT)
            if times == 2:
                time.sleep(1)
                assert process.poll() is None
                process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert process.returncode == (3 if times == 1 else 130), out + err
        deadline = time.monotonic() + 10
        while _sleepers():
            assert time.monotonic() < deadline, "a child is still there"
            time.sleep(0.05)
        run = run_name(terminal)
        shown = terminal.run("show", run)
    assert f"softfactory resume {run}" in shown.out
    assert "Traceback" not in err


def _sleepers() -> list[str]:
    """Processes of this test that are still there."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", b"86397"]:
            found.append(path.parent.name)
    return found


def _commits(terminal: Terminal) -> str:
    [kept] = (terminal.folder / "home" / "products").iterdir()
    listing = ["git", "-C", str(kept), "log", "--format=%H", "--all"]
    return subprocess.run(listing, check=True, capture_output=True, text=True).stdout

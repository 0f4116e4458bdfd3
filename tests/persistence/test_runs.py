"""Runs and leases: one owner at a time, and a dead one keeps nobody out."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.errors import LeaseLost, RunBusy, UnknownRun, UsageError
from softfactory.persistence.calls import Call, Calls
from softfactory.persistence.database import Database, open_database
from softfactory.persistence.endpoints import Endpoints
from softfactory.persistence.events import Events, LoggedEvent
from softfactory.persistence.runs import Runs
from softfactory.state.events import Event
from tests.command import Terminal
from tests.databases import database_of


async def test_a_second_owner_is_refused_until_the_first_lets_go(database: Database) -> None:
    first, second = Runs(database), Runs(database)
    run = await first.add("idea", Settings(), "1")
    await first.acquire(run)
    with pytest.raises(RunBusy, match="being worked on"):
        await second.acquire(run)
    assert await first.heartbeat(run.id) == "owned"
    assert await second.heartbeat(run.id) == "lost"
    await first.release(run.id)
    await second.acquire(run)
    assert await first.heartbeat(run.id) == "lost"


async def test_an_expired_lease_and_a_dead_owner_keep_nobody_out(database: Database) -> None:
    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await dead.wait()
    for owner, until in (
        ("elsewhere:1:x", time.time() - 1),
        (f"{socket.gethostname()}:{dead.pid}:x", time.time() + 60),
    ):
        runs = Runs(database)
        run = await runs.add("idea", Settings(), "1")
        statement = "UPDATE runs SET owner = ?, lease_until = ? WHERE id = ?"
        await database.write(statement, (owner, until, run.id))
        await runs.acquire(run)
        assert await runs.heartbeat(run.id) == "owned"


async def test_a_request_to_stop_reaches_the_owner(database: Database) -> None:
    runs = Runs(database)
    run = await runs.add("idea", Settings(), "1")
    await runs.acquire(run)
    await runs.request_stop(run.id)
    assert await runs.heartbeat(run.id) == "stop"


async def test_a_run_is_known_by_the_beginning_of_its_name(database: Database) -> None:
    runs = Runs(database)
    await runs.ensure("abc123", "one", Settings(), "1")
    await runs.ensure("abd456", "two", Settings(), "1")
    assert (await runs.get("abc")).idea == "one"
    for name, words in (("ab", "several runs"), ("x", "no run"), ("", "no run")):
        with pytest.raises(UnknownRun, match=words):
            await runs.get(name)


async def test_settings_survive(database: Database) -> None:
    runs, settings = Runs(database), Settings(model="m", gates=("prd", "plan"), speak=True)
    run = await runs.add("idea", settings, "1")
    assert run.settings == settings


async def test_events_are_numbered_in_order(database: Database) -> None:
    events = Events(database)
    for text in ("one", "two", "three"):
        await events.append("run", Event(kind="note", role="Company", text=text))
    await events.append("other", Event(kind="note", role="Company", text="else"))
    after = await events.after("run", 1)
    assert [(logged.seq, logged.event.text) for logged in after] == [(2, "two"), (3, "three")]


async def test_a_database_is_opened_again_with_what_it_held(place: Path | str) -> None:
    async with open_database(place) as database:
        run = await Runs(database).add("idea", Settings(), "1")
    async with open_database(place) as database:
        assert (await Runs(database).get(run.id)).idea == "idea"


async def test_a_lease_taken_before_the_clock_went_back_keeps_nobody_out(
    database: Database,
) -> None:
    runs = Runs(database)
    run = await runs.add("idea", Settings(), "1")
    statement = "UPDATE runs SET owner = ?, lease_until = ? WHERE id = ?"
    await database.write(statement, ("elsewhere:1:x", time.time() + 3600, run.id))
    await runs.acquire(run)
    assert await runs.heartbeat(run.id) == "owned"


async def test_an_owner_who_has_lost_the_run_writes_nothing_more(place: Path | str) -> None:
    async with open_database(place) as mine, open_database(place) as theirs:
        old, new = Runs(mine), Runs(theirs)
        run = await old.add("idea", Settings(), "1")
        await old.acquire(run)
        statement = "UPDATE runs SET lease_until = ? WHERE id = ?"
        await theirs.write(statement, (time.time() - 1, run.id))
        await new.acquire(run)
        note = Event(kind="note", role="Company", text="too late")
        call = Call(run.id, "k", "f", "s", "r", "", 1, [], {}, None, 0.0)
        writes: list[Callable[[], Awaitable[object]]] = [
            lambda: Events(mine).append(run.id, note),
            lambda: Calls(mine).add(call),
            lambda: Calls(mine).judge(run.id, "tests passed", ["k"]),
            lambda: old.set_status(run.id, "failed"),
            lambda: old.add_worked(run.id, 1.0),
            lambda: old.set_product(run.id, "t", Path("out")),
        ]
        for late in writes:
            with pytest.raises(LeaseLost, match=f"process {os.getpid()}"):
                await late()
        await old.release(run.id)
        await Events(theirs).append(run.id, note)
        assert len(await Events(theirs).after(run.id, 0)) == 1
        assert await Calls(theirs).of_run(run.id) == []
        now = await new.get(run.id)
        assert (now.status, now.worked_s, now.out) == ("working", 0.0, "")
        assert await new.heartbeat(run.id) == "owned"


@pytest.mark.slow
async def test_processes_that_fight_for_a_run_for_a_minute_never_own_it_two_at_a_time(
    place: Path | str,
) -> None:
    async with open_database(place) as database:
        run = await Runs(database).add("idea", Settings(), "1")
        words = [sys.executable, "-m", "tests.contender", str(place), run.id, "0.5", "60"]
        fighters = [await asyncio.create_subprocess_exec(*words) for _ in range(2)]
        for number in range(40):  # one is held up for longer than its lease, then goes on
            await asyncio.sleep(0.7)
            with suppress(ProcessLookupError):
                fighters[number % 2].send_signal(signal.SIGSTOP)
                await asyncio.sleep(0.6)
                fighters[number % 2].send_signal(signal.SIGCONT)
        assert [await fighter.wait() for fighter in fighters] == [0, 0]
        log = await Events(database).after(run.id, 0)
    turns: dict[str, list[LoggedEvent]] = {}
    for line in log:
        turns.setdefault(line.event.text.rpartition(" line ")[0], []).append(line)
    owned = sorted((lines[0].seq, lines[-1].seq, turn) for turn, lines in turns.items())
    for (_, end, turn), (begin, _, later) in pairwise(owned):
        assert end < begin, f"{turn} was not over when {later} began"
    owners = [turn.split()[0].split(":")[1] for _, _, turn in owned]
    taken_over = sum(before != after for before, after in pairwise(owners))
    assert len(set(owners)) == 2, "only one ever had it"
    assert taken_over > 10
    cut_short = [turn for turn, lines in turns.items() if not lines[-1].event.text.endswith("29")]
    assert cut_short, "nobody was ever held up in the middle of a turn"


async def test_calls_are_found_by_a_fork_and_outcomes_stand_beside_them(
    database: Database,
) -> None:
    runs, calls = Runs(database), Calls(database)
    parent = await runs.add("idea", Settings(), "1")
    fork = await runs.add("idea", Settings(), "1", parent.id)
    reply = {"text": "100 %", "model": "m"}
    await calls.add(Call(parent.id, "k", "f", "skill", "r", "W1 round 1", 1, [], reply, 0.5, 1.0))
    found = await calls.find(fork.id, "k")
    assert found is not None
    assert (found.reply, found.price, found.seconds) == (reply, 0.5, 1.0)
    assert await calls.latest_key(parent.id, "skill", "W1 ") == "k"
    await calls.judge(parent.id, "tests passed", ["k", "unknown"])
    await calls.judge(parent.id, "discarded", ["k"])
    assert await calls.outcomes(parent.id) == {"k": ["tests passed", "discarded"]}
    assert await calls.find(fork.id, "k") is None


async def test_what_was_learned_of_an_endpoint_is_kept_and_replaced(database: Database) -> None:
    endpoints = Endpoints(database)
    assert await endpoints.recall("e", "m") is None
    for level in (1, 2):
        await endpoints.remember("e", "m", {"level": level})
    assert await endpoints.recall("e", "m") == {"level": 2}


async def test_a_database_of_a_newer_softfactory_is_left_alone(place: Path | str) -> None:
    async with open_database(place) as database:
        if isinstance(place, Path):
            await database.write("PRAGMA user_version = 99")
        else:
            await database.write("UPDATE softfactory_schema SET version = 99")
    with pytest.raises(UsageError, match="version 99"):
        async with open_database(place):
            pass


def test_processes_that_are_the_first_ones_on_a_server_do_not_meet(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with database_of("postgres", tmp_path) as url:
        started = [terminal.start("runs", SOFTFACTORY_DATABASE_URL=str(url)) for _ in range(4)]
        ended = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0] * 4, ended

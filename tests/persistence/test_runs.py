"""Runs and leases: one owner at a time, and a dead one keeps nobody out."""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.errors import RunBusy, UnknownRun
from softfactory.persistence.database import Database, open_database
from softfactory.persistence.events import Events
from softfactory.persistence.runs import Runs
from softfactory.state.events import Event


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "softfactory.db") as opened:
        yield opened


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


async def test_a_database_is_opened_again_with_what_it_held(tmp_path: Path) -> None:
    path = tmp_path / "softfactory.db"
    async with open_database(path) as database:
        run = await Runs(database).add("idea", Settings(), "1")
    async with open_database(path) as database:
        assert (await Runs(database).get(run.id)).idea == "idea"

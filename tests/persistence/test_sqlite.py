"""Writing together: what waits goes to the disk at once, and each is kept or undone on its own."""

import asyncio
from collections.abc import Generator
from pathlib import Path
from types import coroutine

import pytest

from softfactory.errors import StorageTrouble
from softfactory.persistence.database import Transaction, open_database
from softfactory.persistence.sqlite import Sqlite, sqlite

ADD = "INSERT INTO numbers (n) VALUES (?)"


async def numbers(file: Sqlite) -> set[int]:
    return {row["n"] for row in await file.rows("SELECT n FROM numbers")}


async def add(file: Sqlite, number: int) -> int:
    async def work(transaction: Transaction) -> int:
        return (await transaction.run(ADD, (number,)))[0]

    return await file.transact(work)


async def made(file: Sqlite) -> None:
    async def make(transaction: Transaction) -> None:
        await transaction.run("CREATE TABLE numbers (n INTEGER UNIQUE, t TEXT)")

    await file.transact(make)


async def test_a_hundred_that_write_at_once_wait_for_the_disk_a_few_times(tmp_path: Path) -> None:
    async with sqlite(tmp_path / "file.db") as file:
        await made(file)
        said: list[str] = []
        file.connection.set_trace_callback(said.append)
        assert await asyncio.gather(*(add(file, n) for n in range(100))) == [1] * 100
        file.connection.set_trace_callback(None)
        assert await numbers(file) == set(range(100))
    assert said.count("COMMIT") < 20


async def test_what_fails_among_others_is_undone_alone(tmp_path: Path) -> None:
    async with sqlite(tmp_path / "file.db") as file:
        await made(file)

        async def twice(transaction: Transaction) -> None:
            await transaction.run(ADD, (7,))
            await transaction.run(ADD, (7,))

        outcomes = await asyncio.gather(
            add(file, 1), file.transact(twice), add(file, 2), return_exceptions=True
        )
        assert isinstance(outcomes[1], StorageTrouble)
        assert await numbers(file) == {1, 2}


async def test_on_a_full_disk_nobody_is_told_that_something_was_kept_that_was_not(
    tmp_path: Path,
) -> None:
    async with sqlite(tmp_path / "file.db") as file:
        await made(file)
        await file.rows("PRAGMA max_page_count = 12")

        async def long(number: int) -> int:
            async def work(transaction: Transaction) -> int:
                statement = "INSERT INTO numbers (n, t) VALUES (?, ?)"
                return (await transaction.run(statement, (number, "long" * 1000)))[0]

            return await file.transact(work)

        outcomes = await asyncio.gather(*(long(n) for n in range(20)), return_exceptions=True)
        kept = {n for n, outcome in enumerate(outcomes) if outcome == 1}
        assert await numbers(file) == kept
        assert all(isinstance(o, StorageTrouble) for n, o in enumerate(outcomes) if n not in kept)
        assert len(kept) < 20


async def test_work_that_would_wait_for_something_else_is_refused(tmp_path: Path) -> None:
    @coroutine
    def turn() -> Generator[None, None, None]:
        yield

    async def nap(_: Transaction) -> None:
        await turn()

    async with open_database(tmp_path / "file.db") as database:
        with pytest.raises(RuntimeError, match="waits for nothing but SQLite"):
            await database.transact(nap)
        assert await database.rows("SELECT * FROM runs") == []

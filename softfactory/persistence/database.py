"""One SQLite file for everything but checkpoints and products."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import Row
from typing import Any

import aiosqlite

SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    parent TEXT,
    idea TEXT NOT NULL,
    settings TEXT NOT NULL,
    graph TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    title TEXT NOT NULL DEFAULT '',
    out TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,
    worked_s REAL NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until REAL,
    stop_requested INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE events (
    run TEXT NOT NULL,
    seq INTEGER NOT NULL,
    time REAL NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    key TEXT NOT NULL,
    fit TEXT NOT NULL,
    skill TEXT NOT NULL,
    role TEXT NOT NULL,
    subject TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    messages TEXT NOT NULL,
    reply TEXT NOT NULL,
    price REAL,
    seconds REAL NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX calls_by_key ON calls (key, run);
CREATE TABLE outcomes (
    call INTEGER NOT NULL REFERENCES calls (id),
    outcome TEXT NOT NULL,
    created REAL NOT NULL
);
CREATE INDEX outcomes_by_call ON outcomes (call);
CREATE TABLE endpoints (
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    PRIMARY KEY (endpoint, model)
);
"""
REQUESTS = """
CREATE TABLE requests (
    holder TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (holder, key)
);
"""
VERSIONS = (SCHEMA, REQUESTS)
"""What each version of the file adds to the one before."""


class Database:
    """A thin async door to SQLite: every statement is its own transaction, on disk when it returns.

    A process that waits for another's write waits up to 30 seconds.
    """

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def write(self, statement: str, values: Iterable[Any] = ()) -> int:
        """Run one statement; how many rows it changed."""
        cursor = await self._connection.execute(statement, tuple(values))
        await cursor.close()
        return cursor.rowcount

    async def rows(self, query: str, values: Iterable[Any] = ()) -> list[Row]:
        """All rows of a query; values by position, or a mapping of values by name."""
        given = values if isinstance(values, dict) else tuple(values)
        return list(await self._connection.execute_fetchall(query, given))

    async def row(self, query: str, values: Iterable[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = await self.rows(query, values)
        return found[0] if found else None


@asynccontextmanager
async def open_database(path: Path | None) -> AsyncIterator[Database]:
    """Open the file, made and brought up to date where needed; None: a database in memory."""
    async with aiosqlite.connect(
        path or ":memory:", isolation_level=None, timeout=30
    ) as connection:
        connection.row_factory = Row
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = FULL")
        await _bring_up_to_date(connection)
        yield Database(connection)


async def _bring_up_to_date(connection: aiosqlite.Connection) -> None:
    await connection.execute("BEGIN IMMEDIATE")
    [version] = await connection.execute_fetchall("PRAGMA user_version")
    for number, schema in enumerate(VERSIONS, start=1):
        if version[0] < number:
            for statement in filter(str.strip, schema.split(";")):
                await connection.execute(statement)
            await connection.execute(f"PRAGMA user_version = {number}")
    await connection.execute("COMMIT")

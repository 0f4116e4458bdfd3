"""SQLite: one file, nothing to install."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row as SqliteRow
from typing import Any

import aiosqlite

from softfactory.persistence.database import Row
from softfactory.persistence.trouble import storage

BUSY_SECONDS = 30
"""How long a process waits for another's write."""


@dataclass(frozen=True)
class Sqlite:
    """A connection to a file. What was written is on the disk when the statement returns."""

    connection: aiosqlite.Connection
    where: str
    begin: str = "BEGIN IMMEDIATE"
    owner: str = "SELECT owner FROM runs WHERE id = ?"

    async def run(self, statement: str, values: Sequence[Any] = ()) -> tuple[int, list[Row]]:
        """Run a statement."""
        async with self.connection.execute(statement, values) as cursor:
            return cursor.rowcount, [dict(row) for row in await cursor.fetchall()]

    async def version(self) -> int:
        """How many of the migrations were made."""
        _, rows = await self.run("PRAGMA user_version")
        return int(rows[0]["user_version"])

    async def set_version(self, version: int) -> None:
        """Keep how many were made."""
        await self.run(f"PRAGMA user_version = {version}")


@asynccontextmanager
async def sqlite(path: Path | None) -> AsyncIterator[Sqlite]:
    """Open a file; None: a database in memory."""
    where = repr(str(path or ":memory:"))
    with storage(where):
        connection = await aiosqlite.connect(
            path or ":memory:", isolation_level=None, timeout=BUSY_SECONDS
        )
    try:
        connection.row_factory = SqliteRow
        with storage(where):
            await connection.execute("PRAGMA journal_mode = WAL")
            await connection.execute("PRAGMA synchronous = FULL")
        yield Sqlite(connection, where)
    finally:
        await connection.close()

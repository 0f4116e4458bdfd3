"""SQLite: one file, nothing to install."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row as SqliteRow
from typing import Any

import aiosqlite

from softfactory.errors import StorageTrouble
from softfactory.persistence.database import Row, T, Transaction
from softfactory.persistence.trouble import storage

BUSY_SECONDS = 30
"""How long a process waits for another's write."""


@dataclass(frozen=True)
class Sqlite:
    """A connection to a file. What was written is on the disk when the transaction ends."""

    connection: aiosqlite.Connection
    where: str
    owner: str = "SELECT owner FROM runs WHERE id = ?"

    async def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return (await self.run(query, values))[1]

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do something in a transaction."""
        try:
            await self.run("BEGIN IMMEDIATE")
            result = await work(self)
            await self.run("COMMIT")
        except BaseException:
            with suppress(StorageTrouble):
                await asyncio.shield(self.run("ROLLBACK"))
            raise
        return result

    async def run(self, statement: str, values: Sequence[Any] = ()) -> tuple[int, list[Row]]:
        """Run a statement."""
        with storage(self.where):
            async with self.connection.execute(statement, values) as cursor:
                return cursor.rowcount, [dict(row) for row in await cursor.fetchall()]

    async def version(self) -> int:
        """How many of the migrations were made."""
        return int((await self.rows("PRAGMA user_version"))[0]["user_version"])

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

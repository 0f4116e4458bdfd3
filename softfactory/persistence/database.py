"""The database of everything but checkpoints and products: SQLite by default, or PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from softfactory.errors import LeaseLost, StorageTrouble, UsageError
from softfactory.persistence.schema import MIGRATIONS, statements
from softfactory.persistence.trouble import storage

Row = dict[str, Any]


class Engine(Protocol):
    """A connection in which every statement is a transaction of its own unless one was begun."""

    @property
    def where(self) -> str:
        """Which database it is, for people."""
        ...

    @property
    def begin(self) -> str:
        """Begins a transaction in which no other process writes what this one reads."""
        ...

    @property
    def owner(self) -> str:
        """Asks for a run's owner, and keeps others from changing it until the transaction ends."""
        ...

    async def run(self, statement: str, values: Sequence[Any] = ()) -> tuple[int, list[Row]]:
        """How many rows a statement changed, and what it returned. Values stand for `?`."""
        ...

    async def version(self) -> int:
        """How many of the migrations were made."""
        ...

    async def set_version(self, version: int) -> None:
        """Keep how many were made."""
        ...


class Database:
    """A thin async door to the database.

    `fences` holds, by run, the owner's name under which this process works on it. What is written
    for such a run is written in a transaction that finds this owner in the run's row, or not.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()
        self.fences: dict[str, str] = {}

    async def write(self, statement: str, values: Iterable[Any] = (), *, run: str = "") -> int:
        """Run one statement; how many rows it changed.

        Args:
            statement: with `?` for values.
            values: in their order.
            run: the run that it is about, if only its owner may write this.

        Raises:
            LeaseLost: this process works on the run, and another one has taken it over.
            StorageTrouble: the database refuses.
        """
        if run:
            async with self.hold(run):
                return (await self._run(statement, values))[0]
        async with self._turn:
            return (await self._run(statement, values))[0]

    @asynccontextmanager
    async def hold(self, run: str) -> AsyncIterator[None]:
        """Keep others from taking the run over while something of it is written.

        Raises:
            LeaseLost: one has already.
        """
        async with self._turn:
            try:
                await self._run(self._engine.begin)
                _, rows = await self._run(self._engine.owner, (run,))
                self._refuse_lost(run, rows)
                yield
                await self._run("COMMIT")
            except BaseException:
                with suppress(StorageTrouble):
                    await asyncio.shield(self._run("ROLLBACK"))
                raise

    async def check(self, run: str) -> None:
        """Turn away who works on a run that another process has taken over.

        Raises:
            LeaseLost: it has.
        """
        self._refuse_lost(run, await self.rows("SELECT owner FROM runs WHERE id = ?", (run,)))

    async def rows(self, query: str, values: Iterable[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return (await self._run(query, values))[1]

    async def row(self, query: str, values: Iterable[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = await self.rows(query, values)
        return found[0] if found else None

    async def bring_up_to_date(self) -> None:
        """Make the migrations that this database has not seen.

        Raises:
            UsageError: it has seen some that are unknown here.
        """
        async with self._turn:
            await self._run(self._engine.begin)
            version = await self._engine.version()
            if version > len(MIGRATIONS):
                await self._run("ROLLBACK")
                raise UsageError(
                    f"{self._engine.where} was written by a newer softfactory (its tables have "
                    f"version {version}, known here is {len(MIGRATIONS)}): install that one"
                )
            for migration in MIGRATIONS[version:]:
                for statement in statements(migration):
                    await self._run(statement)
            if version < len(MIGRATIONS):
                await self._engine.set_version(len(MIGRATIONS))
            await self._run("COMMIT")

    def _refuse_lost(self, run: str, rows: list[Row]) -> None:
        mine = self.fences.get(run)
        owner = rows[0]["owner"] if rows else None
        if mine is None or owner == mine:
            return
        host, pid, _ = str(owner or "?:?:").split(":")
        taken = f"was taken over by process {pid} on {host}" if owner else "is in other hands"
        raise LeaseLost(f"run {run} {taken}; this process writes nothing more")

    async def _run(self, statement: str, values: Iterable[Any] = ()) -> tuple[int, list[Row]]:
        with storage(self._engine.where):
            return await self._engine.run(statement, tuple(values))


@asynccontextmanager
async def open_database(place: Path | str | None) -> AsyncIterator[Database]:
    """Open a database, made and brought up to date where needed.

    Args:
        place: a file of SQLite, the URL of a PostgreSQL database, or None for one in memory.
    """
    async with _engine(place) as engine:
        database = Database(engine)
        await database.bring_up_to_date()
        yield database


def _engine(place: Path | str | None) -> AbstractAsyncContextManager[Engine]:
    if isinstance(place, str):
        from softfactory.persistence.postgres import postgres  # an optional extra

        return postgres(place)
    from softfactory.persistence.sqlite import sqlite  # it is not needed beside the other

    return sqlite(place)

"""The database of everything but checkpoints and products: SQLite by default, or PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from softfactory.errors import LeaseLost, UsageError
from softfactory.persistence.schema import MIGRATIONS, statements

Row = dict[str, Any]
T = TypeVar("T")


class Transaction(Protocol):
    """Statements of which all are kept or none; no other process writes what they read."""

    async def run(self, statement: str, values: Sequence[Any] = ()) -> tuple[int, list[Row]]:
        """How many rows a statement changed, and what it returned. Values stand for `?`."""
        ...

    async def version(self) -> int:
        """How many of the migrations were made."""
        ...

    async def set_version(self, version: int) -> None:
        """Keep how many were made."""
        ...


class Engine(Protocol):
    """What a kind of database does in its own way. All raise StorageTrouble."""

    @property
    def where(self) -> str:
        """Which database it is, for people."""
        ...

    @property
    def owner(self) -> str:
        """Asks for a run's owner, and keeps others from changing it until the transaction ends."""
        ...

    async def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        ...

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do something in a transaction: perhaps more than once, but it is kept once."""
        ...


class Database:
    """A thin async door to the database.

    `fences` holds, by run, the owner's name under which this process works on it. What is written
    for such a run is written in a transaction that finds this owner in the run's row, or not.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
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
        given = tuple(values)

        async def work(transaction: Transaction) -> int:
            return (await transaction.run(statement, given))[0]

        return await self.transact(work, run=run)

    async def transact(self, work: Callable[[Transaction], Awaitable[T]], *, run: str = "") -> T:
        """Write something, and keep others from taking the run over meanwhile.

        Args:
            work: writes it; where the database goes away in the middle, it may be called again.
            run: the run that it is about, if only its owner may write this.

        Raises:
            LeaseLost: another process has taken it over already.
            StorageTrouble: the database refuses.
        """

        async def fenced(transaction: Transaction) -> T:
            if run:
                self._refuse_lost(run, (await transaction.run(self.engine.owner, (run,)))[1])
            return await work(transaction)

        return await self.engine.transact(fenced)

    async def check(self, run: str) -> None:
        """Turn away who works on a run that another process has taken over.

        Raises:
            LeaseLost: it has.
        """
        self._refuse_lost(run, await self.rows("SELECT owner FROM runs WHERE id = ?", (run,)))

    async def rows(self, query: str, values: Iterable[Any] = ()) -> list[Row]:
        """All rows of a query."""
        return await self.engine.rows(query, tuple(values))

    async def row(self, query: str, values: Iterable[Any] = ()) -> Row | None:
        """The first row of a query, or None."""
        found = await self.rows(query, values)
        return found[0] if found else None

    async def bring_up_to_date(self) -> None:
        """Make the migrations that this database has not seen.

        Raises:
            UsageError: it has seen some that are unknown here.
        """

        async def migrate(transaction: Transaction) -> None:
            version = await transaction.version()
            if version > len(MIGRATIONS):
                raise UsageError(
                    f"{self.engine.where} was written by a newer softfactory (its tables have "
                    f"version {version}, known here is {len(MIGRATIONS)}): install that one"
                )
            for migration in MIGRATIONS[version:]:
                for statement in statements(migration):
                    await transaction.run(statement)
            if version < len(MIGRATIONS):
                await transaction.set_version(len(MIGRATIONS))

        await self.transact(migrate)

    def _refuse_lost(self, run: str, rows: list[Row]) -> None:
        mine = self.fences.get(run)
        owner = rows[0]["owner"] if rows else None
        if mine is None or owner == mine:
            return
        host, pid, _ = str(owner or "?:?:").split(":")
        taken = f"was taken over by process {pid} on {host}" if owner else "is in other hands"
        raise LeaseLost(f"run {run} {taken}; this process writes nothing more")


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
        try:
            from softfactory.persistence.postgres import postgres  # an optional extra
        except ImportError as error:
            raise UsageError(
                "PostgreSQL needs an extra: `uv tool install 'softfactory[postgres]'`"
            ) from error
        return postgres(place)
    from softfactory.persistence.sqlite import sqlite  # it is not needed beside the other

    return sqlite(place)

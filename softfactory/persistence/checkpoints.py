"""Checkpoints, written only by who owns the run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Cursor, connect
from typing import Any, ClassVar, TypeVar, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.sqlite import SqliteSaver

from softfactory.persistence.database import Database, Transaction
from softfactory.persistence.sqlite import Sqlite
from softfactory.persistence.trouble import persistently, storage

T = TypeVar("T")


class Fenced(BaseCheckpointSaver[str]):
    """Writes while the run is held, so that an owner who has lost it writes nothing more."""

    database: Database
    where: str
    tables: ClassVar[dict[str, str]]
    """Their tables, with the condition by which rows of a thread are superfluous."""
    mark: str
    """Stands for a value in a statement."""

    async def thin(self, run: str, kept: Sequence[str]) -> None:
        """Forget what is off the line of a run that is over: abandoned tries, inner steps.

        Args:
            run: the run.
            kept: ids of the checkpoints of its line.
        """
        marks = ", ".join([self.mark] * len(kept))
        done: list[tuple[str, Sequence[str]]] = []
        for table, condition in self.tables.items():
            filled = condition.replace("LINE", marks)
            statement = f"DELETE FROM {table} WHERE thread_id = {self.mark} AND {filled}"  # noqa: S608
            done.append((statement, [run, *(kept if "LINE" in condition else [])]))
        await self._kept(run, partial(self._execute, done))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """A checkpoint."""
        return await self._found(partial(super().aget_tuple, config))

    async def alist(self, *which: Any, **more: Any) -> AsyncIterator[CheckpointTuple]:
        """Checkpoints, the newest first."""
        listed = super().alist

        async def everything() -> list[CheckpointTuple]:
            return [found async for found in listed(*which, **more)]

        for found in await persistently(partial(self._translated, everything)):
            yield found

    async def aput(self, config: RunnableConfig, *checkpoint: Any) -> RunnableConfig:
        """Keep a checkpoint."""
        return await self._kept(_run_of(config), partial(super().aput, config, *checkpoint))

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Keep what a node wrote before the others of its step have."""
        keep = partial(super().aput_writes, config, writes, task_id, task_path)
        await self._kept(_run_of(config), keep)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget all checkpoints of a run."""
        await self._kept(thread_id, partial(super().adelete_thread, thread_id))

    async def _kept(self, run: str, keep: Callable[[], Awaitable[T]]) -> T:
        """Write something while the run is held. All that is written here may be written again."""

        async def work(_: Transaction) -> T:
            return await self._translated(keep)

        return await self.database.transact(work, run=run)

    async def _found(self, find: Callable[[], Awaitable[T]]) -> T:
        """Read something."""
        return await persistently(partial(self._translated, find))

    async def _translated(self, work: Callable[[], Awaitable[T]]) -> T:
        with storage(self.where):
            return await work()

    async def _execute(self, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Run statements of their own kind."""
        raise NotImplementedError


def _run_of(config: RunnableConfig) -> str:
    return str(config["configurable"]["thread_id"])


OFF_THE_LINE = "(checkpoint_ns <> '' OR checkpoint_id NOT IN (LINE))"


class OnItsThread(SqliteSaver):
    """LangGraph's own statements, to be run on the thread of our connection, which commits."""

    @contextmanager
    def cursor(self, transaction: bool = True) -> Iterator[Cursor]:
        """A cursor; whoever began the transaction ends it."""
        with closing(self.conn.cursor()) as cursor:
            yield cursor

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """A checkpoint."""
        return self.get_tuple(config)

    async def aput(self, config: RunnableConfig, *checkpoint: Any) -> RunnableConfig:
        """Keep a checkpoint."""
        return self.put(config, *checkpoint)

    async def aput_writes(self, config: RunnableConfig, *written: Any, **more: Any) -> None:
        """Keep what a node wrote."""
        self.put_writes(config, *written, **more)

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget a thread."""
        self.delete_thread(thread_id)


class SqliteCheckpoints(Fenced, OnItsThread):
    """In a file of their own, attached to the connection that knows who owns a run."""

    engine: Sqlite
    tables: ClassVar[dict[str, str]] = {"checkpoints": OFF_THE_LINE, "writes": OFF_THE_LINE}
    mark = "?"

    async def thin(self, run: str, kept: Sequence[str]) -> None:
        """Give the freed room back to the disk, too."""
        await super().thin(run, kept)
        tidying = [("VACUUM line", ()), ("PRAGMA line.wal_checkpoint(TRUNCATE)", ())]
        await self._found(partial(self._execute, tidying))

    async def alist(
        self, config: RunnableConfig | None, **chosen: Any
    ) -> AsyncIterator[CheckpointTuple]:
        """Checkpoints, the newest first."""

        async def find() -> list[CheckpointTuple]:
            return [*self.list(config, **chosen)]

        for found in await self._found(find):
            yield found

    async def _found(self, find: Callable[[], Awaitable[T]]) -> T:
        return await self.engine.look(lambda _: self._translated(find))

    async def _execute(self, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        for statement, values in statements:
            self.conn.execute(statement, values)


@asynccontextmanager
async def open_checkpoints(place: Path | str, database: Database) -> AsyncIterator[Fenced]:
    """The checkpoints in a file of SQLite, or beside the other tables of PostgreSQL."""
    kind = _postgres if isinstance(place, str) else partial(_sqlite, place)
    saver = await kind(database)
    saver.database = database
    yield saver


async def _sqlite(place: Path, database: Database) -> Fenced:
    engine = cast(Sqlite, database.engine)
    with storage(repr(str(place))):
        await asyncio.to_thread(_make_tables, place)
        await engine.look(lambda session: session.run("ATTACH ? AS line", (str(place),)))
    saver = SqliteCheckpoints(engine.connection)
    saver.engine, saver.where = engine, repr(str(place))
    return saver


def _make_tables(place: Path) -> None:
    with closing(connect(place)) as alone:
        SqliteSaver(alone).setup()


async def _postgres(database: Database) -> Fenced:
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver  # an optional extra

    class PostgresCheckpoints(Fenced, AsyncPostgresSaver):
        """Over the same connections as everything else."""

        where = database.engine.where
        mark = "%s"
        tables: ClassVar[dict[str, str]] = {
            "checkpoints": OFF_THE_LINE,
            "checkpoint_writes": OFF_THE_LINE,
            "checkpoint_blobs": "checkpoint_ns <> ''",
        }

        async def _execute(self, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
            async with self._cursor() as cursor:
                for statement, values in statements:
                    await cursor.execute(statement.encode(), values)

    engine: Any = database.engine
    saver = PostgresCheckpoints(engine.pool)
    async with engine.alone():
        await saver.setup()
    return saver

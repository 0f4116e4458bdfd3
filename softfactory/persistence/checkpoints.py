"""Checkpoints, written only by who owns the run."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from softfactory.persistence.database import Database, Transaction
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
    tidying: tuple[str, ...] = ()
    """What gives freed room back to the disk."""

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
        with storage(self.where):
            await self._execute([(statement, ()) for statement in self.tidying])

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """A checkpoint."""
        return await persistently(partial(self._translated, super().aget_tuple, config))

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

    async def _translated(self, work: Callable[..., Awaitable[T]], *values: Any) -> T:
        with storage(self.where):
            return await work(*values)

    async def _execute(self, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Run statements of their own kind."""
        raise NotImplementedError


def _run_of(config: RunnableConfig) -> str:
    return str(config["configurable"]["thread_id"])


OFF_THE_LINE = "(checkpoint_ns <> '' OR checkpoint_id NOT IN (LINE))"


class SqliteCheckpoints(Fenced, AsyncSqliteSaver):
    """In a file of their own."""

    tables: ClassVar[dict[str, str]] = {"checkpoints": OFF_THE_LINE, "writes": OFF_THE_LINE}
    mark = "?"
    tidying = ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")

    async def _execute(self, statements: Sequence[tuple[str, Sequence[str]]]) -> None:
        async with self.lock:
            for statement, values in statements:
                await self.conn.execute(statement, values)
            await self.conn.commit()


@asynccontextmanager
async def open_checkpoints(place: Path | str, database: Database) -> AsyncIterator[Fenced]:
    """The checkpoints in a file of SQLite, or beside the other tables of PostgreSQL."""
    async with _postgres(database) if isinstance(place, str) else _sqlite(place) as saver:
        saver.database = database
        with storage(saver.where):
            await saver.setup()  # type: ignore[attr-defined]  # both savers have it
        yield saver


@asynccontextmanager
async def _sqlite(place: Path) -> AsyncIterator[Fenced]:
    kind: Any = SqliteCheckpoints
    async with kind.from_conn_string(str(place)) as saver:
        saver.where = repr(str(place))
        yield saver


@asynccontextmanager
async def _postgres(database: Database) -> AsyncIterator[Fenced]:
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
    yield PostgresCheckpoints(engine.pool)

"""Checkpoints, written only by who owns the run."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from softfactory.persistence.database import Database
from softfactory.persistence.trouble import storage


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
        connection: Any = self.conn  # type: ignore[attr-defined]  # both savers have one
        mark = self.mark
        marks = ", ".join([mark] * len(kept))
        with storage(self.where):
            for table, condition in self.tables.items():
                condition = condition.replace("LINE", marks)  # noqa: PLW2901 - filled in
                statement = f"DELETE FROM {table} WHERE thread_id = {mark} AND {condition}"  # noqa: S608
                values = [run, *(kept if marks and marks in condition else [])]
                await connection.execute(statement, values)
            if hasattr(connection, "commit"):
                await connection.commit()
            for statement in self.tidying:
                await connection.execute(statement)

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """A checkpoint."""
        with storage(self.where):
            return await super().aget_tuple(config)

    async def aput(self, config: RunnableConfig, *checkpoint: Any) -> RunnableConfig:
        """Keep a checkpoint."""
        async with self.database.hold(str(config["configurable"]["thread_id"])):
            with storage(self.where):
                return await super().aput(config, *checkpoint)

    async def aput_writes(
        self,
        config: RunnableConfig,
        writes: Sequence[tuple[str, Any]],
        task_id: str,
        task_path: str = "",
    ) -> None:
        """Keep what a node wrote before the others of its step have."""
        async with self.database.hold(str(config["configurable"]["thread_id"])):
            with storage(self.where):
                await super().aput_writes(config, writes, task_id, task_path)


OFF_THE_LINE = "(checkpoint_ns <> '' OR checkpoint_id NOT IN (LINE))"


class SqliteCheckpoints(Fenced, AsyncSqliteSaver):
    """In a file of their own."""

    tables: ClassVar[dict[str, str]] = {"checkpoints": OFF_THE_LINE, "writes": OFF_THE_LINE}
    mark = "?"
    tidying = ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")


@asynccontextmanager
async def open_checkpoints(place: Path | str, database: Database) -> AsyncIterator[Fenced]:
    """The checkpoints in a file of SQLite, or at the URL of a PostgreSQL database."""
    if isinstance(place, str):
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver  # an optional extra

        class PostgresCheckpoints(Fenced, AsyncPostgresSaver):
            """Beside the other tables."""

            tables: ClassVar[dict[str, str]] = {
                "checkpoints": OFF_THE_LINE,
                "checkpoint_writes": OFF_THE_LINE,
                "checkpoint_blobs": "checkpoint_ns <> ''",
            }
            mark = "%s"

        kind: Any = PostgresCheckpoints
    else:
        kind = SqliteCheckpoints
    where = "the checkpoints' database" if isinstance(place, str) else repr(str(place))
    async with kind.from_conn_string(str(place)) as saver:
        saver.database, saver.where = database, where
        with storage(where):
            await saver.setup()
        yield saver

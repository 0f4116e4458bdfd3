"""Checkpoints, written only by who owns the run."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from softfactory.persistence.database import Database
from softfactory.persistence.trouble import storage


class Fenced(BaseCheckpointSaver[str]):
    """Writes while the run is held, so that an owner who has lost it writes nothing more."""

    database: Database
    where: str

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


class SqliteCheckpoints(Fenced, AsyncSqliteSaver):
    """In a file of their own."""


@asynccontextmanager
async def open_checkpoints(
    place: Path | str, database: Database
) -> AsyncIterator[BaseCheckpointSaver[str]]:
    """The checkpoints in a file of SQLite, or at the URL of a PostgreSQL database."""
    if isinstance(place, str):
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver  # an optional extra

        class PostgresCheckpoints(Fenced, AsyncPostgresSaver):
            """Beside the other tables."""

        kind: Any = PostgresCheckpoints
    else:
        kind = SqliteCheckpoints
    where = "the checkpoints' database" if isinstance(place, str) else repr(str(place))
    async with kind.from_conn_string(str(place)) as saver:
        saver.database, saver.where = database, where
        with storage(where):
            await saver.setup()
        yield saver

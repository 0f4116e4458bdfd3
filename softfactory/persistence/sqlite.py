"""SQLite: files, nothing to install. What waits to be written goes to the disk together.

One thread owns the connection. All that has been asked of it meanwhile becomes one transaction, in
which each piece of work is kept or undone on its own; nobody hears of a success before the disk has
it. So a hundred runs that write at once wait for the disk once.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, cast

from softfactory.errors import StorageTrouble
from softfactory.persistence.database import Row, T, Transaction
from softfactory.persistence.trouble import storage

BUSY_SECONDS = 30
"""How long a process waits for another's write."""


@dataclass(frozen=True)
class Session:
    """The connection, on its thread: nothing here ever waits."""

    connection: sqlite3.Connection

    async def run(self, statement: str, values: Sequence[Any] = ()) -> tuple[int, list[Row]]:
        """Run a statement."""
        cursor = self.connection.execute(statement, values)
        names = [column[0] for column in cursor.description or ()]
        return cursor.rowcount, [dict(zip(names, row, strict=True)) for row in cursor]

    async def version(self) -> int:
        """How many of the migrations were made."""
        return int((await self.run("PRAGMA user_version"))[1][0]["user_version"])

    async def set_version(self, version: int) -> None:
        """Keep how many were made."""
        await self.run(f"PRAGMA user_version = {version}")


def _outcome() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class Job:
    """Work for the thread, who waits for it, and what it came to."""

    work: Callable[[Session], Awaitable[Any]]
    writes: bool
    outcome: asyncio.Future[Any] = field(default_factory=_outcome)
    result: Any = None
    error: BaseException | None = None

    def do(self, session: Session) -> None:
        """Do it, here and now."""
        work = cast(Coroutine[Any, Any, Any], self.work(session))
        try:
            work.send(None)
        except StopIteration as done:
            self.result = done.value
        except BaseException as error:
            self.error = error
        else:
            work.close()
            self.error = RuntimeError("work on SQLite waits for nothing but SQLite")

    def tell(self) -> None:
        """Tell who waits, if anybody still does."""
        if self.outcome.done():
            return
        if self.error:
            self.outcome.set_exception(self.error)
        else:
            self.outcome.set_result(self.result)


class Sqlite:
    """A connection to a file. What was written is on the disk when the transaction ends."""

    owner = "SELECT owner FROM runs WHERE id = ?"

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self.where = where
        self.connection = connection
        self._session = Session(connection)
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="softfactory-sqlite", daemon=True)
        self._thread.start()

    async def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""
        _, rows = await self.look(lambda session: session.run(query, values))
        return rows

    async def look(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Read something, in no transaction."""
        result: T = await self._asked(Job(work, writes=False))
        return result

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do something in a transaction."""
        result: T = await self._asked(Job(work, writes=True))
        return result

    async def close(self) -> None:
        """Finish what was asked, and close the file."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def _asked(self, job: Job) -> Any:
        self._jobs.put(job)
        with storage(self.where):
            return await job.outcome

    def _serve(self) -> None:
        waiting: list[Job | None] = []
        while None not in waiting:
            waiting = [self._jobs.get(), *self._rest()]
            jobs = [job for job in waiting if job and not job.outcome.cancelled()]
            for job in jobs:
                if not job.writes:
                    job.do(self._session)
            self._write([job for job in jobs if job.writes])
            _tell(jobs)
        self.connection.close()

    def _rest(self) -> list[Job | None]:
        """What else has been asked meanwhile."""
        found: list[Job | None] = []
        with suppress(Empty):
            while True:
                found.append(self._jobs.get_nowait())
        return found

    def _write(self, jobs: list[Job]) -> None:
        """Do all that writes in one transaction; done is what is on the disk then."""
        execute = self.connection.execute
        if not jobs:
            return
        try:
            execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._apart(job)
            execute("COMMIT")
        except (sqlite3.Error, StorageTrouble) as error:
            with suppress(sqlite3.Error):
                execute("ROLLBACK")
            for job in jobs:
                job.error = job.error or error

    def _apart(self, job: Job) -> None:
        """Do one piece of work so that it can be undone without the others."""
        execute = self.connection.execute
        execute("SAVEPOINT job")
        job.do(self._session)
        if job.error and not self.connection.in_transaction:
            raise job.error  # grave enough for SQLite to undo everything
        if job.error:
            execute("ROLLBACK TO job")
        execute("RELEASE job")


def _tell(jobs: list[Job]) -> None:
    """Tell everybody who waits, all on a loop at once."""
    for loop in {job.outcome.get_loop() for job in jobs}:
        theirs = [job for job in jobs if job.outcome.get_loop() is loop]
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_told, theirs)


def _told(jobs: list[Job]) -> None:
    for job in jobs:
        job.tell()


@asynccontextmanager
async def sqlite(path: Path | None) -> AsyncIterator[Sqlite]:
    """Open a file; None: a database in memory."""
    where = repr(str(path or ":memory:"))
    with storage(where):
        connection = await asyncio.to_thread(_connect, path)
    engine = Sqlite(connection, where)
    try:
        yield engine
    finally:
        await engine.close()


def _connect(path: Path | None) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path or ":memory:", isolation_level=None, timeout=BUSY_SECONDS, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection

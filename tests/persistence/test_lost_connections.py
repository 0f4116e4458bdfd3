"""The database's server goes away in the middle: a run goes on, and everything is kept once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from softfactory.config import Settings
from softfactory.errors import StorageTrouble
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.database import open_database
from softfactory.persistence.events import Events
from softfactory.persistence.postgres import Postgres
from softfactory.persistence.runs import Runs
from softfactory.service import Service, open_service
from softfactory.state.events import Event
from softfactory.workplace import Outside
from tests import calculator
from tests.databases import SERVER, database_of

NOTE = Event(kind="note", role="Company", text="kept")


class Wire:
    """What lies between us and the server; it can be cut."""

    def __init__(self) -> None:
        self._ends: set[asyncio.StreamWriter] = set()
        self.cut_at = b""
        """What we send when it is cut next."""
        self.passes = True
        """Whether the server still hears that."""
        self.port = 0

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Wire"]:
        """In use."""
        async with await asyncio.start_server(self._connect, "127.0.0.1", self.port) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self
            self.cut()

    def cut(self) -> None:
        """All connections are lost."""
        for end in self._ends:
            end.transport.abort()

    def to(self, place: str) -> str:
        """The address of the same database, by this wire."""
        parts = urlsplit(place)
        who = parts.netloc.rpartition("@")[0]
        return parts._replace(netloc=f"{who}@127.0.0.1:{self.port}".lstrip("@")).geturl()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parts = urlsplit(SERVER)
        far, server = await asyncio.open_connection(parts.hostname, parts.port or 5432)
        self._ends |= {writer, server}
        await asyncio.gather(self._carry(reader, server, ours=True), self._carry(far, writer))

    async def _carry(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, ours: bool = False
    ) -> None:
        try:
            while data := await source.read(65536):
                is_last = ours and self.cut_at and self.cut_at in data
                if not is_last or self.passes:
                    target.write(data)
                    await target.drain()
                if is_last:
                    self.cut_at = b""
                    await asyncio.sleep(0.1)  # the server does what it was told
                    self.cut()
        except ConnectionError:
            pass
        target.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with Wire().laid() as wire:
        yield wire


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[str]:
    with database_of("postgres", tmp_path) as place:
        yield str(place)


def cut_off_everybody(place: str) -> int:
    """Have the server end all connections that tests of this database have."""
    with psycopg.connect(SERVER, autocommit=True) as server:
        done = server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            (place.rpartition("application_name=")[2],),
        )
        return done.rowcount


@asynccontextmanager
async def opened(place: str, model: ScriptedModel, home: Path) -> AsyncIterator[Service]:
    outside = Outside(lambda *_: model, lambda: None, lambda: None, database=lambda: place)
    async with open_service(home, outside) as service:
        yield service


async def test_a_run_goes_on_however_often_its_connections_are_ended(
    place: str, settings: Settings, home: Path
) -> None:
    script = calculator.eventful()
    model = ScriptedModel(script)
    ended = 0

    async def end() -> None:
        nonlocal ended
        ended += await asyncio.to_thread(cut_off_everybody, place)

    async def end_again_and_again() -> None:
        while True:
            await asyncio.sleep(0.4)
            await end()

    for skill in script:
        model.while_asked[skill] = end
    async with opened(place, model, home) as service:
        run = await service.start(calculator.IDEA, settings)
        trouble = asyncio.create_task(end_again_and_again())
        run = await service.work(run.id)
        trouble.cancel()
        assert run.status == "delivered", run.reason
        events = await service.events.after(run.id, 0)
        paid = await service.paid(run.id)
    assert ended >= len(model.asked)
    assert [logged.seq for logged in events] == list(range(1, len(events) + 1))
    assert max(Counter((logged.time, logged.event.text) for logged in events).values()) == 1
    assert len(paid) == len({call.key for call in paid}) == len(model.asked)


async def test_connections_ended_while_a_model_is_asked_are_made_anew(
    place: str, settings: Settings, home: Path
) -> None:
    model = ScriptedModel(calculator.straight())
    ended: list[int] = []

    async def end() -> None:
        ended.append(await asyncio.to_thread(cut_off_everybody, place))

    for skill in ("write_prd", "write_code", "write_test"):
        model.while_asked[skill] = end
    async with opened(place, model, home) as service:
        run = await service.work((await service.start(calculator.IDEA, settings)).id)
    assert run.status == "delivered", run.reason
    assert len(ended) == 3
    assert min(ended) >= 1


@pytest.mark.parametrize("heard", [True, False], ids=["kept", "not kept"])
async def test_what_was_written_when_the_connection_broke_at_the_commit_is_kept_once(
    place: str, wire: Wire, *, heard: bool
) -> None:
    async with open_database(wire.to(place)) as database:
        run = await Runs(database).add("idea", Settings(), "1")
        wire.passes, wire.cut_at = heard, b"COMMIT"
        await Events(database).append(run.id, NOTE)
        assert wire.cut_at == b""
        assert [logged.event for logged in await Events(database).after(run.id, 0)] == [NOTE]


async def test_a_server_that_comes_back_is_waited_for_and_one_that_does_not_is_said_in_a_line(
    place: str,
) -> None:
    wire = Wire()
    async with wire.laid():
        context = open_database(wire.to(place))
        database = await context.__aenter__()
        run = await Runs(database).add("idea", Settings(), "1")
    waiting = asyncio.create_task(Events(database).append(run.id, NOTE))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    async with wire.laid():
        await waiting
        assert len(await Events(database).after(run.id, 0)) == 1
    assert isinstance(database.engine, Postgres)
    database.engine.pool.timeout = 0.2
    with pytest.raises(StorageTrouble, match=r"DATABASE_URL refuses.*resume RUN") as told:
        await Events(database).append(run.id, NOTE)
    assert "\n" not in str(told.value)
    await context.__aexit__(None, None, None)

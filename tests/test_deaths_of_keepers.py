"""Kill -9 while a run is tidied, packed or forked: it stays whole, and all can be repeated."""

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.errors import UsageError
from softfactory.graph.company import UNFINISHED
from softfactory.models.scripted import ScriptedModel
from softfactory.service import Service, open_service
from softfactory.workplace import Outside
from tests import calculator

pytestmark = pytest.mark.slow

DEATHS = 12
FORK_AT = "4"
Deed = Callable[[Service, str, Path], Awaitable[object]]
DEEDS: dict[str, Deed] = {
    "gc": lambda service, run, file: service.gc(),
    "archive": lambda service, run, file: service.archive(run, file),
    "fork": lambda service, run, file: service.fork(run, FORK_AT),
}
WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload([__name__])


def outside() -> Outside:
    model = ScriptedModel(calculator.eventful())
    return Outside(lambda *_: model, lambda: None, lambda: None, database=lambda: "")


def act(home: Path, deed: str, run: str, begun: Connection) -> None:
    """Do it in a process of its own, which says when it begins."""

    async def done() -> None:
        async with open_service(home, outside()) as service:
            begun.send("begun")
            await DEEDS[deed](service, run, home.parent / "run.zip")

    asyncio.run(done())


def killed_after(seconds: float, home: Path, deed: str, run: str) -> bool:
    """Whether it was killed before it was done."""
    here, there = WARM.Pipe()
    process = WARM.Process(target=act, args=(home, deed, run, there))
    process.start()
    here.recv()
    time.sleep(seconds)
    process.kill()
    process.join()
    return process.exitcode != 0


def time_of(home: Path, deed: str, run: str) -> float:
    """Seconds that it takes, undisturbed."""
    here, there = WARM.Pipe()
    process = WARM.Process(target=act, args=(home, deed, run, there))
    process.start()
    here.recv()
    began = time.monotonic()
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_run_outlives_whoever_dies_while_looking_after_it(
    deed: str, tmp_path: Path
) -> None:
    home, file = tmp_path / "home", tmp_path / "run.zip"
    async with open_service(home, outside()) as service:
        settings = Settings(model="scripted", gates=(), folder=str(tmp_path))
        run = (await service.work((await service.start(calculator.IDEA, settings)).id)).id
        steps = await service.steps(run)
        product = await (await service.product(run)).tree()
    took = await asyncio.to_thread(time_of, home, deed, run)
    died = 0
    for number in range(DEATHS):
        died += await asyncio.to_thread(killed_after, took * number / DEATHS, home, deed, run)
        async with open_service(home, outside()) as service:
            found = await service.runs.get(run)
            assert (found.status, found.owned) == ("delivered", False)
            assert await service.steps(run) == steps
            assert await (await service.product(run)).tree() == product
            await refuse_or_deliver_forks(service, run)
    assert died > DEATHS / 2
    async with open_service(home, outside()) as service:
        await DEEDS[deed](service, run, file)
    if deed == "archive":
        async with open_service(tmp_path / "elsewhere", outside()) as other:
            assert (await other.restore(file, tmp_path / "elsewhere")).status == "delivered"
            assert await (await other.product(run)).tree() == product


async def refuse_or_deliver_forks(service: Service, run: str) -> None:
    """A fork is whole, or says that it can only be thrown away."""
    for fork in await service.runs.all():
        if fork.parent == run and fork.graph == UNFINISHED:
            with pytest.raises(UsageError, match=f"softfactory delete {fork.id}"):
                await service.work(fork.id)
        elif fork.parent == run:
            assert (await service.work(fork.id)).status == "delivered"
        if fork.parent == run:
            await service.delete(fork.id)

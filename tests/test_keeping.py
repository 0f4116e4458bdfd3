"""Runs are packed into a file and brought back elsewhere, shrunk when they are over, forgotten."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.errors import RunBusy, SoftfactoryError, UnknownRun, UsageError
from softfactory.history import ForkChange
from softfactory.models.scripted import ScriptedModel
from softfactory.service import open_service
from softfactory.state.gates import Decision
from softfactory.workplace import Outside
from tests import calculator
from tests.conftest import Opened
from tests.databases import KINDS, database_of
from tests.test_hand_edits import commits


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    with database_of(request.param, tmp_path) as place:
        yield place


def outside(model: ScriptedModel, place: Path | str = "") -> Outside:
    url = place if isinstance(place, str) else ""
    return Outside(lambda *_: model, lambda: None, lambda: None, database=lambda: url)


async def test_a_run_is_archived_here_and_goes_on_elsewhere_as_if_nothing_had_happened(
    tmp_path: Path, place: Path | str
) -> None:
    here, there = ScriptedModel(calculator.straight()), ScriptedModel(calculator.straight())
    gated = Settings(model="scripted", gates=("plan",), folder=str(tmp_path))
    file = tmp_path / "run.zip"
    async with open_service(tmp_path / "home", outside(here)) as service:
        run = await service.start(calculator.IDEA, gated)
        run = await service.work(run.id)
        await service.archive(run.id, file)
        steps, out = await service.steps(run.id), Path(run.out)
        spent = len(await service.paid(run.id))
    async with open_service(tmp_path / "other", outside(there, place)) as service:
        with pytest.raises(UsageError, match="no archive"):
            await service.restore(out / "docs" / "prd.md", tmp_path)
        restored = await service.restore(file, tmp_path / "elsewhere")
        assert restored.status == "waiting"
        assert [(s.by, s.next) for s in await service.steps(run.id)] == [
            (s.by, s.next) for s in steps
        ]
        question = await service.question(run.id)
        assert question is not None
        assert question.gate == "plan"
        assert commits(Path(restored.out)) == commits(out)
        assert len(await service.paid(run.id)) == spent
        with pytest.raises(UsageError, match="here already"):
            await service.restore(file, tmp_path)
        done = await service.work(run.id, Decision(action="approve"))
        assert done.status == "delivered", done.reason
    assert done.out == str(tmp_path / "elsewhere" / "calculator")
    assert "write_prd" not in [request.skill for request in there.asked]


async def test_a_finished_run_shrinks_and_can_still_be_shown_undone_and_forked(
    tmp_path: Path, place: Path | str
) -> None:
    model = ScriptedModel(calculator.eventful())
    settings = Settings(model="scripted", gates=(), folder=str(tmp_path))
    async with open_service(tmp_path / "home", outside(model, place)) as service:
        run = await service.start(calculator.IDEA, settings)
        await service.work(run.id)
        await service.undo(run.id)
        await service.work(run.id)
        steps, asked = await service.steps(run.id), len(model.asked)
        freed = await service.gc()
        assert freed > 10_000 or isinstance(place, str)
        assert await service.steps(run.id) == steps
        fork = await service.fork(run.id, "4", ForkChange())
        assert (await service.work(fork.id)).status == "delivered"
        await service.undo(run.id)
        assert (await service.work(run.id)).status == "delivered"
    assert len(model.asked) == asked


async def test_nothing_is_tidied_packed_or_thrown_away_while_somebody_works_on_it(
    opened: Opened, settings: Settings, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "run.zip"
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.work((await service.start(calculator.IDEA, settings)).id)
        await service.runs.acquire(run)
        kept = checkpoints(home)
        await service.gc()
        assert checkpoints(home) == kept
        for refused in (service.archive(run.id, file), service.delete(run.id)):
            with pytest.raises(RunBusy):
                await refused
        await service.runs.release(run.id)
        await service.runs.set_status(run.id, "delivered", "as it was")
        await service.gc()
        assert checkpoints(home) < kept
        await service.archive(run.id, file)
        after = await service.runs.get(run.id)
    assert (after.status, after.reason, after.owner) == ("delivered", "as it was", None)


def checkpoints(home: Path) -> int:
    """How many are kept."""
    with closing(sqlite3.connect(home / "checkpoints.db")) as file:
        return int(file.execute("SELECT count(*) FROM checkpoints").fetchone()[0])


async def test_a_deleted_run_is_forgotten_but_its_folder_stays(
    opened: Opened, settings: Settings, home: Path
) -> None:
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.work((await service.start(calculator.IDEA, settings)).id)
        fork = await service.fork(run.id, "4")
        with pytest.raises(UsageError, match=fork.id):
            await service.delete(run.id)
        await service.delete(fork.id)
        await service.delete(run.id)
        for name in (run.id, fork.id):
            with pytest.raises(UnknownRun):
                await service.documents(name)
    assert list((home / "products").iterdir()) == []
    assert (Path(run.out) / "calc.py").read_text() == calculator.CODE


async def test_what_was_interrupted_in_a_restore_or_a_deletion_is_done_again(
    tmp_path: Path, place: Path | str
) -> None:
    model, file = ScriptedModel(calculator.straight()), tmp_path / "run.zip"
    gated = Settings(model="scripted", gates=("plan",), folder=str(tmp_path))
    async with open_service(tmp_path / "home", outside(model)) as service:
        run = await service.work((await service.start(calculator.IDEA, gated)).id)
        await service.archive(run.id, file)
        paid = len(await service.paid(run.id))
    other = tmp_path / "other"
    (other / "products").mkdir(parents=True)
    in_the_way = other / "products" / f"{run.id}.git"
    in_the_way.write_text("the disk fails")
    async with open_service(other, outside(model, place)) as service:
        with pytest.raises(SoftfactoryError):
            await service.restore(file, tmp_path / "elsewhere")
        with pytest.raises(UnknownRun):
            await service.runs.get(run.id)
        in_the_way.unlink()
        restored = await service.restore(file, tmp_path / "elsewhere")
        assert len(await service.paid(run.id)) == paid
        assert commits(Path(restored.out)) == commits(Path(run.out))
        shutil.rmtree(in_the_way)  # so far did a deletion come
        await service.delete(run.id)
        assert await service.runs.all() == []
        assert (await service.restore(file, tmp_path / "again")).status == "waiting"

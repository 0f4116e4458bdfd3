"""Runs that an earlier softfactory has stored go on: nothing is lost by an upgrade.

`fixtures/runs-of-schema-1.tar.gz` is the data folder of softfactory 0.1.0 with two runs: one waits
at the plan, the other failed while the engineer's third answer was being reviewed.
"""

import sqlite3
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from softfactory.errors import StorageTrouble, UsageError
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.schema import MIGRATIONS
from softfactory.service import Service
from softfactory.state.gates import Decision
from tests import calculator
from tests.conftest import Opened
from tests.test_hand_edits import log

STORED = Path(__file__).parent / "fixtures" / "runs-of-schema-1.tar.gz"
WAITING, FAILED = "nqkk43", "h5m4s2"
CHANGED_SINCE = {"write_prd", "write_prd_review", "design_api"}
"""Skills before the plan whose prompts are others by now: a fork asks them anew."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The stored data folder; products land in the test's folder."""
    with tarfile.open(STORED) as archive:
        archive.extractall(tmp_path, filter="data")
    with sqlite3.connect(tmp_path / "home" / "softfactory.db") as file:
        assert file.execute("PRAGMA user_version").fetchone() == (1,)
        file.execute("UPDATE runs SET out = replace(out, '/tmp/project', ?)", (str(tmp_path),))
        file.execute(
            "UPDATE runs SET settings = replace(settings, '/tmp/project', ?)", (str(tmp_path),)
        )
    return tmp_path / "home"


@pytest.fixture
def model() -> ScriptedModel:
    """Answers what is still asked."""
    return ScriptedModel(calculator.straight())


@pytest.fixture
async def service(opened: Opened, model: ScriptedModel) -> AsyncIterator[Service]:
    async with opened(model) as service:
        yield service


async def test_a_stored_run_that_waits_is_answered_and_delivered(
    service: Service, model: ScriptedModel, home: Path
) -> None:
    question = await service.question(WAITING)
    assert question is not None
    assert question.gate == "plan"
    run = await service.work(WAITING, Decision(action="approve"))
    assert run.status == "delivered", run.reason
    assert "write_prd" not in [request.skill for request in model.asked]
    assert log(Path(run.out))[-1] == "QA Engineer: Deliver the product"
    with sqlite3.connect(home / "softfactory.db") as file:
        assert file.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


async def test_a_stored_run_that_failed_in_the_middle_of_engineering_goes_on_there(
    service: Service, model: ScriptedModel
) -> None:
    run = await service.work(FAILED)
    assert run.status == "delivered", run.reason
    assert model.asked[0].skill == "write_code_review"
    assert model.asked[0].subject == "W1 round 3"
    steps = await service.steps(FAILED)
    assert steps[4].by == ("engineering",)


async def test_a_run_of_another_graph_is_refused_with_the_way_out_and_loses_nothing(
    service: Service, home: Path, model: ScriptedModel
) -> None:
    with sqlite3.connect(home / "softfactory.db") as file:
        file.execute("UPDATE runs SET graph = '0'")
    with pytest.raises(UsageError, match=f"softfactory fork {WAITING} --at 0"):
        await service.work(WAITING, Decision(action="approve"))
    assert (await service.runs.get(WAITING)).status == "waiting"
    fork = await service.fork(WAITING, "0")
    await service.work(fork.id)
    assert {request.skill for request in model.asked} <= CHANGED_SINCE
    assert (await service.work(fork.id, Decision(action="approve"))).status == "delivered"


async def test_a_fork_that_was_interrupted_while_it_was_made_is_not_begun_anew(
    service: Service, home: Path
) -> None:
    fork = await service.fork(WAITING, "3")
    with sqlite3.connect(home / "softfactory.db") as file:
        file.execute("UPDATE runs SET graph = 'unfinished fork' WHERE id = ?", (fork.id,))
    with pytest.raises(UsageError, match=f"fork {WAITING} again"):
        await service.work(fork.id)


async def test_a_run_whose_checkpoints_are_gone_never_begins_anew_silently(
    opened: Opened, home: Path, model: ScriptedModel
) -> None:
    (home / "checkpoints.db").unlink()
    async with opened(model) as service:
        run = await service.work(WAITING)
        assert run.status == "failed"
        assert f"softfactory fork {WAITING} --at 0" in run.reason
        assert "checkpoints" in run.reason
        fork = await service.fork(WAITING, "0")
        assert (await service.work(fork.id)).status == "waiting"
    assert {request.skill for request in model.asked} <= CHANGED_SINCE


async def test_a_lost_product_is_said_by_name_and_nothing_is_asked(
    opened: Opened, home: Path, model: ScriptedModel
) -> None:
    (home / "products" / f"{FAILED}.git").rename(home / "aside.git")
    async with opened(model) as service:
        run = await service.work(FAILED)
        assert run.status == "failed"
        assert f"{FAILED}.git" in run.reason
        assert not (home / "products" / f"{FAILED}.git").exists()
        (home / "aside.git").rename(home / "products" / f"{FAILED}.git")
        assert model.asked == []
        assert (await service.work(FAILED)).status == "delivered"


async def test_a_damaged_database_is_said_in_one_line(opened: Opened, home: Path) -> None:
    for name in ("softfactory.db", "checkpoints.db"):
        whole = (home / name).read_bytes()
        (home / name).write_bytes(b"no database at all, " * 500)
        with pytest.raises(StorageTrouble, match=rf"{name}.*damaged") as told:
            async with opened(ScriptedModel({})) as service:
                await service.question(WAITING)
        assert "\n" not in str(told.value)
        (home / name).write_bytes(whole)
        async with opened(ScriptedModel({})) as service:
            assert await service.question(WAITING) is not None

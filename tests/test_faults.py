"""Trouble with the disk: one clear line, the right exit code, the way out, and nothing lost."""

import resource
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.errors import StorageTrouble
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.database import open_database
from softfactory.persistence.runs import Runs
from softfactory.state.gates import Decision
from tests import calculator
from tests.command import Terminal
from tests.conftest import Opened
from tests.endpoint import Endpoint
from tests.test_cli import model_at, run_name


def put_in_the_way(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in the way")


def is_in_the_way(folder: Path) -> bool:
    return folder.read_text() == "in the way"


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, 6])
def test_a_full_disk_ends_the_command_in_one_line_and_with_room_the_run_goes_on(
    tmp_path: Path, number: int
) -> None:
    terminal = Terminal(tmp_path)
    with Endpoint(calculator.straight()) as endpoint:
        process = terminal.start("build", calculator.IDEA, "--yes", *model_at(endpoint))

        def fill_the_disk(asked: int) -> None:
            if asked == number:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))

        endpoint.on_question = fill_the_disk
        out, err = process.communicate(timeout=120)
        assert process.returncode == 1, out + err
        assert len(err.splitlines()) == 1, err
        assert "Nothing that was kept is lost" in err
        asked = len(endpoint.asked)
        done = terminal.run("resume", run_name(terminal))
        assert done.code == 0, done.out + done.err
    assert (tmp_path / "calculator" / "calc.py").read_text() == calculator.CODE
    repeated = [n for n in Counter(endpoint.answered).values() if n > 1]
    assert len(repeated) <= 2  # what was answered when it could not be kept
    assert len(endpoint.asked) <= asked + 7


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own for a folder; without the right to make one the test is skipped."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    made = subprocess.run(words, check=False, capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"NO DISK can be mounted here, so a full one is not tested: {made.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no room on the disk of a folder."""
    with suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


def write_protect(folder: Path, way: str) -> None:
    """Let a disk be read only (ro), or written again (rw)."""
    subprocess.run(["mount", "-o", f"remount,{way}", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 3, 5])
def test_a_disk_without_any_room_ends_the_command_in_one_line_and_with_room_the_run_goes_on(
    tmp_path: Path, number: int
) -> None:
    terminal = Terminal(tmp_path)
    with small_disk(tmp_path / "home") as home, Endpoint(calculator.straight()) as endpoint:
        endpoint.on_question = lambda asked: fill(home) if asked == number else None
        full = terminal.run("build", calculator.IDEA, "--yes", *model_at(endpoint))
        assert full.code == 1, full.out + full.err
        assert len(full.err.splitlines()) == 1, full.err
        assert "make room" in full.err
        still = terminal.run("runs")
        assert (still.code, len(still.err.splitlines())) in ((0, 0), (1, 1)), still.err
        (home / "ballast").unlink()
        done = terminal.run("resume", run_name(terminal))
        assert done.code == 0, done.out + done.err
    assert (tmp_path / "calculator" / "calc.py").read_text() == calculator.CODE
    repeated = [n for n in Counter(endpoint.answered).values() if n > 1]
    assert len(repeated) <= 2  # what was answered when it could not be kept


@pytest.mark.slow
def test_a_data_folder_that_can_only_be_read_is_said_in_one_line_and_loses_nothing(
    tmp_path: Path,
) -> None:
    terminal = Terminal(tmp_path)
    with small_disk(tmp_path / "home") as home, Endpoint(calculator.straight()) as endpoint:
        model = ("--model", "scripted", "--base-url", endpoint.url)
        write_protect(home, "ro")
        refused = terminal.run("build", calculator.IDEA, *model)
        assert (refused.code, len(refused.err.splitlines())) == (1, 1), refused.err
        assert str(home) in refused.err
        assert endpoint.asked == []
        write_protect(home, "rw")
        waiting = terminal.run("build", calculator.IDEA, *model)
        assert waiting.code == 3, waiting.err
        run = run_name(terminal)
        write_protect(home, "ro")
        for command in (("resume", run), ("answer", run, "approve")):
            refused = terminal.run(*command)
            assert (refused.code, len(refused.err.splitlines())) == (1, 1), refused.err
            assert "make it" in refused.err
        write_protect(home, "rw")
        done = terminal.run("answer", run, "approve")
        assert done.code == 0, done.out + done.err
    assert (tmp_path / "calculator" / "calc.py").read_text() == calculator.CODE
    assert len(endpoint.answered) == len(set(endpoint.answered))


@pytest.mark.slow
def test_a_full_disk_under_the_product_folder_leaves_the_product_safe(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with small_disk(tmp_path / "out") as out, Endpoint(calculator.straight()) as endpoint:
        endpoint.on_question = lambda asked: fill(out) if asked == 3 else None
        where = ("--out", str(out / "it"))
        done = terminal.run("build", calculator.IDEA, "--yes", *where, *model_at(endpoint))
        assert done.code == 1, done.out + done.err
        assert "git clone" in done.out + done.err
        (out / "ballast").unlink()
        run = run_name(terminal)
        kept = tmp_path / "home" / "products" / f"{run}.git"
        subprocess.run(["git", "clone", "-q", str(kept), str(tmp_path / "mine")], check=True)
    assert (tmp_path / "mine" / "calc.py").read_text() == calculator.CODE


async def test_a_folder_that_can_not_be_written_keeps_the_product_safe_and_says_where(
    opened: Opened, settings: Settings
) -> None:
    gated = settings.model_copy(update={"gates": ("plan",)})
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.work((await service.start(calculator.IDEA, gated)).id)
        out = Path(run.out)
        put_in_the_way(out)
        run = await service.work(run.id, Decision(action="approve"))
        assert run.status == "delivered"
        assert f"git clone {Path(settings.folder) / 'home' / 'products' / run.id}.git" in run.reason
    assert is_in_the_way(out)


async def test_a_database_that_another_program_holds_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "softfactory.db"
    async with open_database(file) as database:
        run = await Runs(database).add("idea", Settings(), "1")
        await database.write("PRAGMA busy_timeout = 50")
        with sqlite3.connect(file, isolation_level=None) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StorageTrouble, match="another program holds it") as told:
                await Runs(database).set_status(run.id, "failed")
            other.execute("ROLLBACK")
        assert "\n" not in str(told.value)
        await Runs(database).set_status(run.id, "failed")
        assert (await Runs(database).get(run.id)).status == "failed"


def test_a_server_that_can_not_be_reached_or_is_no_server_is_said_in_one_line(
    tmp_path: Path,
) -> None:
    terminal = Terminal(tmp_path)
    nobody = terminal.run("runs", SOFTFACTORY_DATABASE_URL="postgresql://127.0.0.1:9/test")
    assert nobody.code == 1
    assert "SOFTFACTORY_DATABASE_URL refuses" in nobody.err
    assert len(nobody.err.splitlines()) == 1
    wrong = terminal.run("runs", SOFTFACTORY_DATABASE_URL="mysql://127.0.0.1/test")
    assert wrong.code == 2
    assert "no address of PostgreSQL" in wrong.err

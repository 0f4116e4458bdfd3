"""Killed at every point of its life, a run comes to the same product and pays nothing twice."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import KINDS, database_of
from tests.mortal import UNDOING, WATCHED
from tests.test_ownership import execute

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

STEPS = 25
ALL = "before during after"
POINTS = [
    "after LastingModel.reply write_code W2 round 1",
    "before Repository.commit Write words",
    "during Repository.commit Mend operators (W1, round 2)",
    "during Fenced.aput_writes engineering",
    "during Laboratory.examine",
    "during Folder.publish",
    "before Repository.tag",
]
"""Each kill of a kind also on its own, with nothing but the resumption after it."""


@dataclass(frozen=True)
class Outcome:
    """What a run has come to."""

    status: str
    files: str
    commits: list[str]
    deaths: list[str]


def lived(folder: Path, place: Path | str, *limits: str) -> Outcome:
    """A run's life, with the deaths that it was given."""
    words = [sys.executable, "-m", "tests.mortal", str(folder), str(place), *limits]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [kept] = (folder / "home" / "products").iterdir()
    deaths = folder / "deaths.json"
    return Outcome(
        status=(folder / "status").read_text(),
        files=_git(kept, "ls-tree", "-r", "delivered"),
        commits=sorted(_git(kept, "log", "--format=%an: %s", "main").splitlines()),
        deaths=json.loads(deaths.read_text()) if deaths.exists() else [],
    )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The same run when nobody kills it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    outcome = lived(folder, folder / "home" / "softfactory.db", "")
    steps = execute(folder / "home" / "checkpoints.db", "SELECT count(*) FROM checkpoints")
    assert steps > [(STEPS,)]
    assert outcome.status == "delivered"
    return outcome


@pytest.fixture
def place(kind: str, tmp_path: Path) -> Iterator[Path | str]:
    (tmp_path / "home").mkdir()
    with database_of(kind, tmp_path / "home") as place:
        yield place


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("phase", ALL.split())
def test_killed_at_every_boundary_and_inside_every_node_one_after_another(
    tmp_path: Path, place: Path | str, phase: str, undisturbed: Outcome
) -> None:
    outcome = lived(tmp_path, place, phase)
    assert outcome.status == "delivered"
    assert outcome.files == undisturbed.files
    assert outcome.commits == undisturbed.commits
    died_in = {point.split()[1] for point in outcome.deaths}
    never_suspended = {"Gate.__call__"} if phase == "during" else set()
    assert died_in == set(WATCHED) - never_suspended
    _assert_nothing_paid_twice(tmp_path, place)


@pytest.mark.parametrize("point", POINTS)
def test_killed_once(tmp_path: Path, point: str, undisturbed: Outcome) -> None:
    outcome = lived(tmp_path, tmp_path / "home" / "softfactory.db", ALL, point)
    assert len(outcome.deaths) == 1
    assert outcome.status == "delivered"
    assert outcome.files == undisturbed.files
    assert outcome.commits == undisturbed.commits
    _assert_nothing_paid_twice(tmp_path, tmp_path / "home" / "softfactory.db")


def test_killed_while_the_product_runs_in_the_real_sandbox(tmp_path: Path) -> None:
    ends = []
    for name, point in (("undisturbed", ""), ("killed", "during Laboratory.examine")):
        place = tmp_path / name / "home" / "softfactory.db"
        outcome = lived(tmp_path / name, place, ALL if point else "", point, "isolated")
        assert outcome.status == "delivered"
        assert len(outcome.deaths) == bool(point)
        _assert_nothing_paid_twice(tmp_path / name, place)
        ends.append((outcome.files, outcome.commits))
    assert ends[0] == ends[1]


@pytest.fixture(scope="module")
def undone(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run of which two steps were undone and done again when nobody killed anybody."""
    folder = tmp_path_factory.mktemp("undone")
    lived(folder, folder / "home" / "softfactory.db", "")
    return lived(folder, folder / "home" / "softfactory.db", "", "", "undone")


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_every_point_of_an_undo(
    tmp_path: Path, place: Path | str, undone: Outcome
) -> None:
    lived(tmp_path, place, "")
    outcome = lived(tmp_path, place, ALL, "", "undone")
    died_in = {point.split()[1] for point in outcome.deaths}
    assert died_in >= {*UNDOING, "Fenced.aput", "Repository.commit"}
    assert outcome.status == "delivered"
    assert outcome.files == undone.files
    assert outcome.commits == undone.commits
    assert sum("Undo step" in commit for commit in outcome.commits) == 2
    _assert_nothing_paid_twice(tmp_path, place)


def _assert_nothing_paid_twice(folder: Path, place: Path | str) -> None:
    """No question was asked again after its answer had been kept, and every answer is kept once."""
    kept = {str(key): at for key, at in execute(place, "SELECT key, created FROM calls")}
    keys = Counter(execute(place, "SELECT key FROM calls"))
    assert max(keys.values()) == 1
    asked = json.loads((folder / "asked.json").read_text())
    assert {key for key, _, _ in asked} == set(kept)
    late = [skill for key, at, skill in asked if at > float(str(kept[key]))]
    assert late == []


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout

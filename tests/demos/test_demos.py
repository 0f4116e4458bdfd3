"""Every recorded run that ships still fits the prompts, and its product passes its tests here."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.demos import demos, recording_of
from softfactory.errors import UsageError
from softfactory.models.recorded import RecordedModel
from softfactory.nodes.laboratory import Laboratory
from softfactory.nodes.suites import subject_of
from softfactory.persistence.runs import Run
from softfactory.product.repository import Repository
from softfactory.sandbox import Environments, choose_sandbox
from softfactory.service import Service, open_service
from softfactory.state.company import CompanyState
from softfactory.workplace import Outside

ALL = [demo.name for demo in demos()]
GAMES = ("snake", "breakout", "2048", "flappy", "memory")
NEEDS = {"students": ["bwrap"], "habits": []} | {name: ["node", "chromium"] for name in GAMES}
SHOWN_OFF = ("snake", "breakout", "2048", "flappy", "students")
MOST_CALLS, MOST_TOKENS = 12, 30_000
"""What each of these may cost, since nothing went wrong in them."""

Breakage = tuple[str, str, str]
"""A file, what stands in it, and what breaks a requirement instead."""
BREAKAGES: dict[str, list[Breakage]] = {
    "snake": [
        ("rules.js", "Math.max(70, 150 - 2 * score)", "150"),  # R1: it gets faster
        ("app.js", "change(start(app.state, Math.random));", ""),  # R4: Enter starts
    ],
    "breakout": [("rules.js", "    lives: 3,", "    lives: 4,")],  # R4
    "2048": [
        ("rules.js", "gained += 2 * tiles[i];", "gained += tiles[i];"),  # R3: the sum is scored
        ("rules.js", "const GOAL = 2048;", "const GOAL = 4096;"),  # R4
    ],
    "flappy": [("game.js", "const RESTART_DELAY = 0.5;", "const RESTART_DELAY = 0;")],  # R3
    "memory": [("game.js", "game.hideAt !== null || !card", "!card")],  # R1: the third waits
    "students": [
        ("store.py", 'Fraction(values["score"]) > 100', 'Fraction(values["score"]) > 1000'),  # R4
        ("store.py", 'values["student_id"].casefold()', 'values["student_id"]'),  # R1: used once
    ],
    "habits": [("tracker.py", "        last -= 1", "        last -= 2")],  # R3: today may be open
}


@dataclass(frozen=True)
class Delivered:
    """A demo that was replayed, and what it takes to try its product again."""

    service: Service
    run: Run
    state: CompanyState


@asynccontextmanager
async def delivered(name: str, home: Path, settings: Settings) -> AsyncIterator[Delivered]:
    missing = [program for program in NEEDS[name] if shutil.which(program) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is missing")
    _, recording = recording_of(name)
    model = RecordedModel(recording)
    outside = Outside(lambda *_: model, search=lambda: None, speech=lambda: None)
    async with open_service(home, outside) as service:
        run = await service.start(recording.idea, settings)
        run = await service.work(run.id)
        assert (run.status, run.reason) == ("delivered", "")
        yield Delivered(service, run, await service.documents(run.id))


@pytest.mark.parametrize("name", ALL)
async def test_a_recorded_run_is_delivered_and_its_product_broken_is_noticed(
    name: str, home: Path, settings: Settings
) -> None:
    """What ships was delivered at the first try, and its tests see what its users would see."""
    async with delivered(name, home, settings) as demo:
        calls = await demo.service.paid(demo.run.id)
        state = demo.state
        assert state["report"].status == "passed"
        assert state["report"].probe.noticed
        important = [r.id for r in state["prd"].requirements if r.priority == "P0"]
        assert set(important) <= set(state["delivery"].verified)
        tokens = sum(c.reply["input_tokens"] + c.reply["output_tokens"] for c in calls)
        assert len(calls) == len(recording_of(name)[1].calls)
        assert name not in SHOWN_OFF or (len(calls) <= MOST_CALLS and tokens <= MOST_TOKENS)
        for breakage in BREAKAGES.get(name, []):
            assert await notices(demo, home, breakage), breakage


async def notices(demo: Delivered, home: Path, breakage: Breakage) -> bool:
    """Whether QA, run again, sees that a product is broken."""
    path, was, now = breakage
    product = Repository(home / "products" / f"{demo.run.id}.git", demo.run.id)
    text = await product.text(demo.state["tree"][path])
    assert text.count(was) == 1, f"{path} holds {was!r} {text.count(was)} times"
    broken = await product.put(text.replace(was, now))
    laboratory = Laboratory(product, choose_sandbox, Environments(home))
    tree = {**demo.state["tree"], path: broken}
    subject = subject_of(demo.state, tree, demo.state.get("recipe"))
    return (await laboratory.examine(subject)).report.status == "failed"


async def test_the_recorded_habit_tracker_works_when_used(
    home: Path, settings: Settings, tmp_path: Path
) -> None:
    _, recording = recording_of("habits")
    model = RecordedModel(recording)
    async with open_service(home, Outside(lambda *_: model, lambda: None, lambda: None)) as service:
        run = await service.start(recording.idea, settings)
        run = await service.work(run.id)

    def habit(*words: str, today: str) -> str:
        known = {"PATH": "/usr/bin:/bin", "HABITS_FILE": str(tmp_path / "h"), "HABITS_TODAY": today}
        return subprocess.run(
            ["python3", f"{run.out}/habit.py", *words],
            env=known,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    habit("add", "Read", today="2026-02-27")
    habit("done", "read", today="2026-02-27")
    habit("done", "read", today="2026-02-28")
    assert "streak: 3" in habit("done", "Read", today="2026-03-01")
    assert habit("list", today="2026-03-03").startswith("[ ] Read - current: 0, best: 3")


def test_an_unknown_demo_is_refused_with_the_names_of_the_known() -> None:
    with pytest.raises(UsageError, match="habits"):
        recording_of("../secrets")

"""Every recorded run that ships still fits the prompts, and its product passes its tests here."""

import shutil
import subprocess
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.demos import demos, recording_of
from softfactory.errors import UsageError
from softfactory.models.recorded import RecordedModel
from softfactory.service import open_service
from softfactory.workplace import Outside

ALL = [demo.name for demo in demos()]
NEEDS_NODE = {"memory"}


@pytest.mark.parametrize("name", ALL)
async def test_a_recorded_run_is_delivered(name: str, home: Path, settings: Settings) -> None:
    if name in NEEDS_NODE and shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    _, recording = recording_of(name)
    model = RecordedModel(recording)
    outside = Outside(lambda *_: model, search=lambda: None, speech=lambda: None)
    async with open_service(home, outside) as service:
        run = await service.start(recording.idea, settings)
        run = await service.work(run.id)
        state = await service.documents(run.id)
        calls = await service.paid(run.id)
    assert (run.status, run.reason) == ("delivered", "")
    assert state["report"].status == "passed"
    assert state["delivery"].not_shown == []
    assert len(calls) == len(recording.calls)


async def test_the_recorded_habit_tracker_works_when_used(
    home: Path, settings: Settings, tmp_path: Path
) -> None:
    _, recording = recording_of("habits")
    model = RecordedModel(recording)
    async with open_service(home, Outside(lambda *_: model, lambda: None, lambda: None)) as service:
        run = await service.start(recording.idea, settings)
        run = await service.work(run.id)

    def habit(*words: str, today: str) -> str:
        known = {"PATH": "/usr/bin:/bin", "HABIT_FILE": str(tmp_path / "h"), "HABIT_TODAY": today}
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
    assert "streak 3" in habit("done", "Read", today="2026-03-01")
    assert habit("list", today="2026-03-03").startswith("[ ] Read: streak 0, best 3")


def test_an_unknown_demo_is_refused_with_the_names_of_the_known() -> None:
    with pytest.raises(UsageError, match="habits"):
        recording_of("../secrets")

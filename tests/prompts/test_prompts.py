"""Every prompt as a model gets it, kept as a snapshot: a changed prompt is a diff to review.

`UPDATE_SNAPSHOTS=1 make test` writes them anew.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.models.port import Request
from softfactory.models.scripted import ScriptedModel
from softfactory.prompts import SKILLS, load_all, render
from softfactory.service import open_service
from softfactory.state.documents import (
    Dependencies,
    Plan,
    PlannedFile,
    Research,
    Spoken,
    WorkPackage,
)
from softfactory.state.gates import Decision
from softfactory.tools.search import Hit, ScriptedSearch
from softfactory.tools.speech import SilentSpeech
from softfactory.workplace import Outside
from tests import calculator

SNAPSHOTS = Path(__file__).resolve().parents[1] / "snapshots"


@pytest.fixture
async def asked(home: Path, settings: Settings) -> Sequence[Request]:
    """Everything a model is asked in a run that uses every skill and every loop."""
    version = PlannedFile(path="version.py", purpose="the version", requirements=[])
    layout = calculator.LAYOUT.model_copy(update={"files": [*calculator.LAYOUT.files, version]})
    design = calculator.DESIGN.model_copy(update={"third_party": ["lark"]})
    files = ["calc.py", "version.py"]
    package = WorkPackage(id="W1", title="calc", files=files, needs=[])
    [broken, *edits] = calculator.eventful()["write_code"]
    assert isinstance(broken, dict)
    script = calculator.eventful() | {
        "design_filenames": [layout],
        "project_management": [Plan(packages=[package])],
        "write_code": [{**broken, "version.py": "VERSION = 1"}, *edits],
        "search_and_summarize": [Research(summary="Users want history.", sources=["a.example"])],
        "write_prd": [calculator.prd(), calculator.prd(size="medium")],
        "design_api": [calculator.small(design)],
        "analyze_dep_libs": [Dependencies(packages=[])],
        "azure_tts": [Spoken(text="It is ready.")],
    }
    model, search = ScriptedModel(script), ScriptedSearch([Hit("bc", "bc.example", "Precise")])
    outside = Outside(lambda *_: model, search=lambda: search, speech=SilentSpeech)
    chosen = settings.model_copy(update={"speak": True, "gates": ("prd",)})
    async with open_service(home, outside) as service:
        run = await service.start(calculator.IDEA, chosen)
        await service.work(run.id)
        await service.work(run.id, Decision(action="revise", feedback="Be medium-sized"))
        run = await service.work(run.id, Decision(action="approve"))
        assert run.status == "delivered"
    return model.asked


def chosen(asked: Sequence[Request]) -> dict[str, Request]:
    """The first question of each skill, and the last of those that are asked again."""
    first = {request.skill: request for request in reversed(asked)}
    last = {request.skill: request for request in asked}
    again = ("write_prd", "write_code", "write_test")
    return first | {f"{skill}_again": last[skill] for skill in again}


async def test_every_prompt_is_as_it_was_reviewed(asked: Sequence[Request]) -> None:
    prompts = {name: _rendered(request) for name, request in chosen(asked).items()}
    assert set(SKILLS) < set(prompts)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for name, text in prompts.items():
            (SNAPSHOTS / f"{name}.md").write_text(text, encoding="utf-8")
    kept = {path.stem: path.read_text(encoding="utf-8") for path in SNAPSHOTS.glob("*.md")}
    assert kept == prompts


async def test_prompts_of_one_run_share_their_beginnings(asked: Sequence[Request]) -> None:
    """What does not change comes first, so that the prefix caches of providers work."""
    questions = {name: request.messages for name, request in chosen(asked).items()}
    assert len({messages[0]["content"] for messages in questions.values()}) == 1
    with_dossier = ["project_management", "write_code", "write_code_review", "write_test"]
    dossiers = {questions[name][1]["content"].split("# Task:")[0] for name in with_dossier}
    assert len(dossiers) == 1
    assert "# Files" in dossiers.pop()


def test_a_missing_variable_is_an_error_not_a_hole() -> None:
    load_all()
    with pytest.raises(KeyError, match="idea"):
        render("write_prd", research="", feedback="")


def _rendered(request: Request) -> str:
    text = "\n".join(f"## {m['role']}\n\n{m['content']}" for m in request.messages)
    for printed in request.printed:
        text = text.replace(printed, "[what the program printed]\n")
    return text

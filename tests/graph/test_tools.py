"""Search before the requirements, speech at the delivery, and both left out and said so."""

from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.service import open_service
from softfactory.state.documents import Dependencies, Dependency, Research, Spoken
from softfactory.tools.search import Hit, ScriptedSearch
from softfactory.tools.speech import SilentSpeech
from softfactory.workplace import Outside
from tests import calculator
from tests.conftest import Opened

RESEARCH = Research(summary="People miss history.", sources=["https://example.org/bc"])
HITS = [Hit("bc", "https://example.org/bc", "An arbitrary precision calculator")]


async def test_what_the_web_says_reaches_the_requirements_and_the_documents(
    home: Path, settings: Settings, tmp_path: Path
) -> None:
    script = calculator.straight() | {"search_and_summarize": [RESEARCH]}
    model, search = ScriptedModel(script), ScriptedSearch(HITS)
    outside = Outside(lambda *_: model, search=lambda: search, speech=lambda: None)
    async with open_service(home, outside) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
    assert run.status == "delivered"
    assert "arbitrary precision" in model.questions("search_and_summarize")[0]
    assert "People miss history." in model.questions("write_prd")[0]
    product = tmp_path / "calculator"
    assert "https://example.org/bc" in (product / "docs" / "prd.md").read_text()
    assert "the web was not searched" not in (product / "docs" / "report.md").read_text()


async def test_a_spoken_summary_is_delivered_in_the_language_of_the_idea(
    home: Path, settings: Settings, tmp_path: Path
) -> None:
    script = calculator.straight() | {"azure_tts": [Spoken(text="Your calculator is ready.")]}
    model, speech = ScriptedModel(script), SilentSpeech()
    outside = Outside(lambda *_: model, search=lambda: None, speech=lambda: speech)
    spoken = settings.model_copy(update={"speak": True})
    async with open_service(home, outside) as service:
        run = await service.start(calculator.IDEA, spoken)
        run = await service.work(run.id)
    assert run.status == "delivered"
    assert speech.spoken == [("Your calculator is ready.", "en")]
    [sound] = (tmp_path / "calculator" / "docs").glob("summary.*")
    assert sound.read_bytes()[:4] == b"RIFF"
    assert "shown to work: R1, R2" in model.questions("azure_tts")[0]


async def test_without_search_and_speech_the_report_says_so(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.start(calculator.IDEA, settings.model_copy(update={"speak": True}))
        await service.work(run.id)
    report = (tmp_path / "calculator" / "docs" / "report.md").read_text()
    assert "the web was not searched" in report
    assert "nothing was spoken" in report


async def test_packages_are_decided_only_where_the_design_considers_some(
    opened: Opened, settings: Settings
) -> None:
    design = calculator.DESIGN.model_copy(update={"third_party": ["lark"]})
    script = calculator.straight() | {
        "design_api": [calculator.small(design)],
        "analyze_dep_libs": [Dependencies(packages=[])],
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
    assert run.status == "delivered"
    assert "third-party packages: lark" in model.questions("analyze_dep_libs")[0]


@pytest.mark.parametrize(("second", "status"), [([], "delivered"), (["no--such"], "failed")])
async def test_a_package_that_can_not_be_installed_goes_back_to_the_architect_once(
    opened: Opened, settings: Settings, second: list[str], status: str
) -> None:
    design = calculator.DESIGN.model_copy(update={"third_party": ["no--such"]})
    chosen = [
        Dependencies(packages=[Dependency(name=n, module="x", reason="a parser") for n in names])
        for names in (["no--such"], second)
    ]
    script = calculator.straight() | {
        "design_api": [calculator.small(design)],
        "analyze_dep_libs": chosen,
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
    assert run.status == status
    assert "can't be installed" in model.questions("analyze_dep_libs")[1]
    assert ("no--such" in run.reason) == bool(second)


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_documents_have_headings_in_the_language_of_the_idea(
    opened: Opened, settings: Settings, tmp_path: Path, language: str
) -> None:
    script = calculator.straight() | {"write_prd": [calculator.prd(language=language)]}
    async with opened(ScriptedModel(script)) as service:
        run = await service.start(calculator.IDEA, settings)
        await service.work(run.id)
    report = (tmp_path / "calculator" / "docs" / "report.md").read_text()
    readme = (tmp_path / "calculator" / "README.md").read_text()
    assert ("## 尚未验证" in report) == (language == "zh")
    assert ("## 如何运行" in readme) == (language == "zh")

"""Every word in both languages, and nothing of the command line in what the page says."""

import re
from pathlib import Path

import pytest

from softfactory.config import Budget, Settings
from softfactory.demos import demos
from softfactory.errors import ModelUnavailable, SoftfactoryError
from softfactory.models.choice import chat_model
from softfactory.models.recorded import RecordedModel, read_recording
from softfactory.models.scripted import ScriptedModel
from softfactory.models.traffic import PassingTrouble, Traffic
from softfactory.persistence.events import LoggedEvent
from softfactory.service import Service, open_service
from softfactory.state.gates import Decision
from softfactory.web.telling import told
from softfactory.web.wording import LANGUAGES, Wording, translations
from softfactory.workplace import Outside
from tests import calculator
from tests.conftest import Opened

CHINESE = re.compile(r"[一-鿿]")
OF_A_TERMINAL = re.compile(r"--[a-z]|softfactory [a-z]+\b|RUN\b")
EN, ZH = Wording("en"), Wording("zh")


def test_every_word_is_there_in_both_languages() -> None:
    known = translations()
    assert known["en"].keys() == known["zh-CN"].keys()
    for key, word in known["zh-CN"].items():
        assert word.strip()
        assert known["en"][key].strip()
        assert known["en"][key].count("{") == word.count("{"), key


def test_every_recorded_example_is_named_and_described_in_both_languages() -> None:
    for demo in demos():
        assert CHINESE.search(ZH[f"demo_{demo.name}"])
        assert CHINESE.search(ZH.said(demo.about))
        assert not CHINESE.search(EN[f"demo_{demo.name}"] + EN.said(demo.about))


async def happened(service: Service, settings: Settings, *decisions: Decision) -> list[LoggedEvent]:
    """The events of a run that is answered like this."""
    run = await service.start(calculator.IDEA, settings)
    run = await service.work(run.id)
    for decision in decisions:
        run = await service.work(run.id, decision)
    return await service.events.after(run.id, 0)


async def test_all_that_a_run_tells_is_told_in_chinese(opened: Opened, settings: Settings) -> None:
    gated = settings.model_copy(update={"gates": ("prd", "delivery")})
    approve = Decision(action="approve")
    async with opened(ScriptedModel(calculator.eventful())) as service:
        events = await happened(service, gated, approve, approve)
    kinds = {logged.event.kind for logged in events}
    assert {"run", "work", "call", "answer", "finding", "test", "gate", "commit"} <= kinds
    for logged in events:
        if logged.event.kind != "named":
            assert CHINESE.search(told(logged.event, ZH)), logged.event
        assert not CHINESE.search(told(logged.event, EN))


async def test_a_question_about_money_is_asked_in_chinese(
    opened: Opened, settings: Settings
) -> None:
    little = settings.model_copy(update={"budget": Budget(amount=2000, unit="tokens")})
    async with opened(ScriptedModel(calculator.straight())) as service:
        events = await happened(service, little.model_copy(update={"gates": ()}))
        run = (await service.runs.all())[0]
        question = await service.question(run.id)
    assert question is not None
    assert "2,000 token 不够下一次调用" in ZH.said(question.document)
    assert CHINESE.search(ZH.said(question.title))
    assert events[-1].event.data["status"] == "limit"


async def complaint_of(settings: Settings, home: Path) -> str:
    """Why a run can't begin with these settings."""
    outside = Outside(chat_model, search=lambda: None, speech=lambda: None)
    async with open_service(home, outside) as service:
        with pytest.raises(SoftfactoryError) as refused:
            await service.start("an idea", settings)
    return str(refused.value)


@pytest.mark.parametrize(
    ("chosen", "part"),
    [
        ({"model": ""}, "No model is named"),
        ({"model": "qianfan:x"}, "asked at qianfan, for which the server has no key"),
        ({"model": "banana"}, "'banana' would be asked at openai"),
        ({"model": "nobody:x"}, "Unknown provider"),
        ({"model": "openai:"}, "No model is named in"),
        ({"model": "x", "base_url": "nowhere"}, "is no address"),
    ],
)
async def test_what_is_wrong_with_a_model_is_said_in_the_words_of_the_page(
    chosen: dict[str, str], part: str, home: Path, settings: Settings
) -> None:
    complaint = await complaint_of(settings.model_copy(update=chosen), home)
    assert part in EN.said(complaint)
    assert CHINESE.search(ZH.said(complaint))
    assert not OF_A_TERMINAL.search(EN.said(complaint) + ZH.said(complaint))


async def test_a_recording_that_is_asked_for_more_says_what_to_do(
    opened: Opened, home: Path, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "calculator.jsonl"
    async with opened(ScriptedModel(calculator.straight())) as service:
        await happened(service, settings)
        await service.export((await service.runs.all())[0].id, file, "a calculator")
    recorded = RecordedModel(read_recording(file))
    outside = Outside(lambda *_: recorded, search=lambda: None, speech=lambda: None)
    gated = settings.model_copy(update={"gates": ("prd",)})
    wish = Decision(action="revise", feedback="with colours")
    async with open_service(home, outside) as service:
        events = await happened(service, gated, wish)
    reason = str(events[-1].event.data["reason"])
    assert "Go back to the question" in EN.said(reason)
    assert "回到提问处" in ZH.said(reason)


async def test_a_model_that_can_not_be_reached_is_told_without_the_command_line() -> None:
    async def never() -> None:
        raise PassingTrouble("model 'x' at example.org is in trouble: 503 busy; later")

    with pytest.raises(ModelUnavailable) as unavailable:
        await Traffic(attempts=1).send(never)
    said = [Wording(language).said(str(unavailable.value)) for language in LANGUAGES]
    assert "Resume" in said[0]
    assert "example.org 的模型 'x' 出了问题" in said[1]
    assert not OF_A_TERMINAL.search("".join(said))


def test_what_the_program_never_said_stays_as_it_is() -> None:
    for text in ("The snake moves; it grows", "for (;;) { a; b }", "{n} {id}", "x" * 9000):
        assert ZH.said(text) == text

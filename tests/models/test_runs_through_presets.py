"""A whole scripted run through every preset, with the quirks its provider is known for."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from softfactory.config import Settings
from softfactory.models.openai_compatible import OpenAICompatible
from softfactory.models.port import ChatModel
from softfactory.models.presets import PRESETS, Chosen
from softfactory.models.scripted import written
from softfactory.models.traffic import Traffic
from softfactory.persistence.endpoints import Endpoints
from softfactory.service import open_service
from softfactory.workplace import Outside
from tests import calculator
from tests.models.quirky_server import QUIRKS, Quirks, QuirkyServer

CUT = "Your answer was cut off"


class Company:
    """Answers the requests of a run from a script, and goes on where an answer was cut."""

    def __init__(self, script: calculator.Script) -> None:
        self._script = {skill: list(answers) for skill, answers in script.items()}
        self._whole = ""

    def __call__(self, body: dict[str, Any]) -> str:
        said = [m["content"] for m in body["messages"]]
        if said[-1].startswith(CUT):
            return self._whole[len(said[-2]) :]
        skill = re.findall(r"^# Task: (\w+)", "\n".join(said), re.MULTILINE)[-1]
        answers = self._script[skill]
        self._whole = written(answers.pop(0) if len(answers) > 1 else answers[0])
        return self._whole


class PatientClock:
    """Time that passes only by sleeping, and then at once."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def outside(name: str, server: QuirkyServer) -> Outside:
    chosen = Chosen(PRESETS[name], "scripted", server.url, "a-key")

    def models(_: Settings, memory: Endpoints) -> ChatModel:
        return OpenAICompatible(chosen, memory, Traffic(clock=PatientClock()))

    return Outside(models, search=lambda: None, speech=lambda: None)


async def delivered(home: Path, settings: Settings, name: str, server: QuirkyServer) -> None:
    async with open_service(home, outside(name, server)) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        assert (run.status, run.reason) == ("delivered", "")
        calls = await service.paid(run.id)
    assert all(call.reply["input_tokens"] > 0 for call in calls)


@pytest.mark.parametrize("name", sorted(PRESETS))
async def test_a_run_through_the_preset_is_delivered(
    name: str, home: Path, settings: Settings
) -> None:
    with QuirkyServer(Company(calculator.eventful()), QUIRKS[name]) as server:
        await delivered(home, settings, name, server)


@pytest.mark.parametrize("name", ["dashscope", "spark", "relay"])
async def test_what_was_learned_of_the_endpoint_is_remembered_by_the_next_run(
    name: str, home: Path, settings: Settings
) -> None:
    quirks = replace(QUIRKS[name], first=())
    with QuirkyServer(Company(calculator.straight()), quirks) as server:
        await delivered(home, settings, name, server)
        first = len(server.asked)
        await delivered(home, settings, name, server)
        assert len(server.asked) - first == 6
    assert first >= 6


async def test_answers_cut_at_the_output_limit_are_continued(
    home: Path, settings: Settings
) -> None:
    with QuirkyServer(Company(calculator.straight()), Quirks(output_limit=700)) as server:
        await delivered(home, settings, "relay", server)
    continued = [b for b in server.asked if b["messages"][-1]["content"].startswith(CUT)]
    assert continued
    assert not any("response_format" in body for body in continued)


async def test_a_question_that_outgrows_a_models_context_is_asked_afresh_when_resumed(
    home: Path, settings: Settings
) -> None:
    company = Company(calculator.straight())

    def answer(body: dict[str, Any]) -> str:
        if len(server.asked) == 1:
            server.refuse_first("This model's maximum context length is 1024 tokens")
        return company(body)

    with QuirkyServer(answer, Quirks(output_limit=700)) as server:
        async with open_service(home, outside("relay", server)) as service:
            run = await service.start(calculator.IDEA, settings)
            run = await service.work(run.id)
            assert run.status == "failed"
            assert "the question is longer than model 'scripted' at" in run.reason
            outcomes = await service.calls.outcomes(run.id)
            assert set(map(tuple, outcomes.values())) == {("discarded",)}
            run = await service.work(run.id)
            assert (run.status, run.reason) == ("delivered", "")
    assert server.asked[1]["messages"][-1]["content"].startswith(CUT)
    assert server.asked[2]["messages"] == server.asked[0]["messages"]


async def test_a_rate_limit_on_every_third_call_costs_no_run(
    home: Path, settings: Settings
) -> None:
    company, asked = Company(calculator.eventful()), []

    def answer(body: dict[str, Any]) -> str:
        asked.append(body)
        if len(asked) % 3 == 0:
            server.refuse_first("slow down", 429)
        return company(body)

    with QuirkyServer(answer, Quirks()) as server:
        await delivered(home, settings, "relay", server)
        assert len(server.asked) > len(asked)
        async with open_service(home) as service:
            [run] = await service.runs.all()
            log = [logged.event for logged in await service.events.after(run.id, 0)]
    waits = [event.data for event in log if event.kind == "wait"]
    assert len(waits) == len(server.asked) - len(asked)
    assert all(str(data["reason"]).endswith("429 slow down") for data in waits)

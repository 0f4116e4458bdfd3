"""Asking through the ledger: repairs, and nothing asked twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from softfactory.config import Price, Settings
from softfactory.errors import AnswerUnusable, RecordingMismatch, UsageError
from softfactory.models.costs import total
from softfactory.models.ledger import Ledger, fit, key
from softfactory.models.model import CONTINUATIONS, REPAIRS, Model
from softfactory.models.port import Reply, Request, estimated_tokens
from softfactory.models.recorded import (
    RecordedModel,
    Recording,
    read_recording,
    recorded_calls,
    write_recording,
)
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.calls import Calls
from softfactory.persistence.database import open_database
from softfactory.prompts import Prompt
from softfactory.state.documents import Review
from softfactory.state.events import Event
from tests import calculator

PROMPT = Prompt("write_code_review", "Code Reviewer", "Look at this.")


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with open_database(None) as database:
        yield Calls(database)


async def ignore(_: Event) -> None:
    return None


def model(script: calculator.Script, calls: Calls, price: Price | None = None) -> Model:
    return Model(ScriptedModel(script), Ledger(calls, "run", price), ignore)


async def test_an_unusable_answer_is_sent_back_with_the_reason(calls: Calls) -> None:
    asked = model({"write_code_review": ["no idea", calculator.APPROVED]}, calls)
    assert await asked.ask(PROMPT, Review) == calculator.APPROVED
    [first, second] = await calls.of_run("run")
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.messages[2] == {"role": "assistant", "content": "no idea"}
    assert "there is no JSON object in it" in second.messages[3]["content"]


async def test_repairs_end_and_the_error_says_what_to_try(calls: Calls) -> None:
    asked = model({"write_code_review": ["no", "still no", "never"]}, calls)
    with pytest.raises(AnswerUnusable, match="resume with --model NAME"):
        await asked.ask(PROMPT, Review)
    assert len(await calls.of_run("run")) == REPAIRS + 1


class Saying:
    """Says one thing after another, each cut by the output limit or not; the last again."""

    def __init__(self, *replies: tuple[str, str]) -> None:
        self._replies = list(replies)

    def ready(self, idea: str) -> None:
        return None

    def model_for(self, role: str) -> str:
        return "saying"

    async def reply(self, request: Request) -> Reply:
        text, finish = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        return Reply(text, "saying", 1, 1, finish=finish)


async def test_a_cut_answer_is_continued_and_only_repairs_count_as_tries(calls: Calls) -> None:
    text, told = calculator.REJECTED.model_dump_json(), list[Event]()

    async def tell(event: Event) -> None:
        told.append(event)

    chat = Saying(("no", "length"), (" idea", "stop"), (text[:50], "length"), (text[50:], "stop"))
    assert await Model(chat, Ledger(calls, "run"), tell).ask(PROMPT, Review) == calculator.REJECTED
    tries = [(1, False), (1, True), (2, False), (2, True)]
    kept = await calls.of_run("run")
    assert [(call.attempt, call.continues) for call in kept] == tries
    for kind in ("call", "answer"):
        data = [event.data for event in told if event.kind == kind]
        assert [(d["attempt"], d["continued"]) for d in data] == tries
    assert total(kept).repairs == 1


async def test_answers_that_have_no_end_are_given_up_within_bounds(calls: Calls) -> None:
    chat = Saying(*((f"chapter {number}", "length") for number in range(100)))
    with pytest.raises(AnswerUnusable, match="it is too long"):
        await Model(chat, Ledger(calls, "run"), ignore).ask(PROMPT, Review)
    assert len(await calls.of_run("run")) == REPAIRS + 1 + CONTINUATIONS


@pytest.mark.parametrize(
    ("beginning", "part", "continuations"),
    [
        ("", "", 0),
        ("  \n", "never asked for", 0),
        ("It is", "", 1),
        ("It is what it is", " what it is", 1),
        (f"It is {'so ' * 40}", f"It is {'so ' * 40}and thus", 1),
    ],
)
async def test_a_part_that_says_nothing_new_is_not_continued(
    beginning: str, part: str, continuations: int, calls: Calls
) -> None:
    replies = [(beginning, "length"), *[(part, "length")] * continuations]
    chat = Saying(*replies * (REPAIRS + 1))
    with pytest.raises(AnswerUnusable):
        await Model(chat, Ledger(calls, "run"), ignore).ask(PROMPT, Review)
    assert len(await calls.of_run("run")) == (REPAIRS + 1) * (1 + continuations)


async def test_an_answered_question_is_never_asked_again(calls: Calls) -> None:
    first = model({"write_code_review": [calculator.REJECTED]}, calls)
    again = model({"write_code_review": [calculator.APPROVED]}, calls)
    assert await first.ask(PROMPT, Review) == await again.ask(PROMPT, Review)
    assert isinstance(again.chat, ScriptedModel)
    assert again.chat.asked == []


async def test_another_run_asks_for_itself(calls: Calls) -> None:
    await model({"write_code_review": [calculator.REJECTED]}, calls).ask(PROMPT, Review)
    other = model({"write_code_review": [calculator.APPROVED]}, calls)
    other = replace(other, ledger=Ledger(calls, "other"))
    assert await other.ask(PROMPT, Review) == calculator.APPROVED


async def test_a_price_is_computed_and_an_unknown_one_stays_unknown(calls: Calls) -> None:
    reply = Reply("", "m", input_tokens=1_000_000, output_tokens=500_000)
    assert Ledger(calls, "run", Price(input=2, output=8)).cost(reply) == 6.0
    assert Ledger(calls, "run").cost(reply) is None


async def test_a_recording_replays_without_a_model(calls: Calls, tmp_path: Path) -> None:
    await model({"write_code_review": [calculator.REJECTED]}, calls).ask(PROMPT, Review)
    recording = Recording("idea", "about", Settings(), recorded_calls(await calls.of_run("run")))
    write_recording(tmp_path / "r.jsonl", recording)
    assert read_recording(tmp_path / "r.jsonl") == recording
    replayed = Model(RecordedModel(recording), Ledger(calls, "replay"), ignore)
    assert await replayed.ask(PROMPT, Review) == calculator.REJECTED


async def test_a_recording_that_does_not_fit_names_the_call_and_the_line(calls: Calls) -> None:
    await model({"write_code_review": [calculator.REJECTED]}, calls).ask(PROMPT, Review)
    recording = Recording("", "", Settings(), recorded_calls(await calls.of_run("run")))
    changed = replace(PROMPT, text="Look at that.")
    replayed = Model(RecordedModel(recording), Ledger(calls, "replay"), ignore)
    with pytest.raises(RecordingMismatch, match=r"write_code_review.*'Look at this.'.*that"):
        await replayed.ask(changed, Review)


def test_what_a_program_printed_does_not_keep_a_recording_from_fitting() -> None:
    here = _request("It printed: 3.11", "3.11")
    there = _request("It printed: 3.13", "3.13")
    assert key(here) != key(there)
    assert fit(here) == fit(there)


@pytest.mark.parametrize("text", ["", "{}", '{"idea": 1}\nnonsense'])
def test_a_damaged_recording_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"broken\.jsonl"):
        read_recording(path)


def test_chinese_characters_count_as_tokens_of_their_own() -> None:
    assert estimated_tokens("记忆翻牌") == 5
    assert estimated_tokens("four" * 3) == 4


def _request(text: str, printed: str) -> Request:
    return Request("debug_error", "", [{"role": "user", "content": text}], printed=(printed,))

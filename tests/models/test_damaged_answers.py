"""Damaged answers: what can be read is read, what can't is refused, nothing is read as else."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from softfactory.errors import AnswerUnusable
from softfactory.models.answers import DocumentReader, FilesReader
from softfactory.models.code_edits import AnswerProblem
from softfactory.models.ledger import Ledger
from softfactory.models.model import Model
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.calls import Calls
from softfactory.persistence.database import open_database
from softfactory.prompts import Prompt
from softfactory.state.documents import Document
from softfactory.state.events import Event
from tests.models.damaged import DamagedAnswer, answers

ANSWERS = answers()
LEAST = 300
SHARE = 0.99


@pytest.fixture
async def calls() -> AsyncIterator[Calls]:
    async with open_database(None) as database:
        yield Calls(database)


def read(answer: DamagedAnswer) -> Any:
    """What is read at once; None if it is refused. Nothing but an AnswerProblem may come."""
    try:
        return answer.reader().read(answer.text)
    except AnswerProblem:
        return None


async def recovered(answer: DamagedAnswer, calls: Calls) -> Any:
    """What is read from a model that answers correctly at its second call; None if nothing."""
    correct = answer.meant if isinstance(answer.meant, Document) else dict(answer.meant)
    chat = ScriptedModel({"write_code": [answer.text, correct]})
    model = Model(chat, Ledger(calls, answer.name, None), _ignore)
    prompt, reader = Prompt("write_code", "Engineer", answer.name), answer.reader()
    try:
        if isinstance(reader, FilesReader):
            return await model.write(prompt, reader)
        return await model.ask(prompt, type(answer.meant))
    except AnswerUnusable:
        return None
    finally:
        assert len(chat.asked) <= 2


def figures(which: Iterable[DamagedAnswer]) -> str:
    counts = Counter((answer.outcome, answer.damage) for answer in which)
    lines = [f"{count:4} {outcome:8} {name}" for (outcome, name), count in sorted(counts.items())]
    return "\n".join([f"{sum(counts.values())} of {len(ANSWERS)} answers:", *lines])


def texts(content: Document | Mapping[str, str] | None) -> Any:
    """Contents that can be compared: files as they are saved, with one newline at their end."""
    if content is None or isinstance(content, Document):
        return content
    return {path: f"{text.rstrip()}\n" for path, text in content.items()}


def test_there_are_answers_of_every_kind_and_each_has_its_name() -> None:
    kinds = Counter(answer.outcome for answer in ANSWERS)
    assert len(ANSWERS) >= LEAST
    assert set(kinds) == {"READABLE", "ONE_MORE", "HOPELESS"}
    names = Counter((answer.name, answer.outcome) for answer in ANSWERS)
    assert not [name for name, count in names.items() if count > 1]


def test_readable_answers_are_read_at_once() -> None:
    readable = [answer for answer in ANSWERS if answer.outcome == "READABLE"]
    refused = [answer for answer in readable if read(answer) is None]
    assert len(refused) <= len(readable) * (1 - SHARE), figures(refused)


def test_nothing_is_read_as_another_content() -> None:
    wrong = [a for a in ANSWERS if (got := texts(read(a))) is not None and got != texts(a.meant)]
    assert not wrong, figures(wrong)


def test_hopeless_answers_are_refused_with_words() -> None:
    hopeless = [answer for answer in ANSWERS if answer.outcome == "HOPELESS"]
    for answer in hopeless:
        with pytest.raises(AnswerProblem, match=r"\w+ \w+"):
            answer.reader().read(answer.text)


def test_an_answer_that_breaks_off_anywhere_is_never_read_as_another() -> None:
    alone = [a for a in ANSWERS if a.outcome == "READABLE" and not a.has_draft]
    parts = [replace(a, text=a.text[:i]) for a in alone for i in range(7, len(a.text), 97)]
    wrong = [a for a in parts if (got := texts(read(a))) is not None and got != texts(a.meant)]
    assert not wrong, figures(wrong)


async def test_nearly_all_answers_are_recovered_with_at_most_one_more_call(calls: Calls) -> None:
    wanted = [answer for answer in ANSWERS if answer.outcome != "HOPELESS"]
    lost = [a for a in wanted if texts(await recovered(a, calls)) != texts(a.meant)]
    assert len(lost) <= len(wanted) * (1 - SHARE), figures(lost)


async def test_even_hopeless_answers_cost_only_one_more_call(calls: Calls) -> None:
    hopeless = [answer for answer in ANSWERS if answer.outcome == "HOPELESS"]
    lost = [a for a in hopeless if texts(await recovered(a, calls)) != texts(a.meant)]
    assert not lost, figures(lost)


def test_a_document_read_from_damage_is_the_very_document() -> None:
    for answer in ANSWERS:
        if isinstance(answer.meant, Document):
            clean = DocumentReader(type(answer.meant)).read(answer.meant.model_dump_json())
            assert clean == answer.meant


async def _ignore(_: Event) -> None:
    return None

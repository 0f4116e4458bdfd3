"""A budget is checked before each call; at the limit a human is asked, and nothing is lost."""

from pathlib import Path

import pytest

from softfactory.config import Budget, Price, Settings
from softfactory.errors import UsageError
from softfactory.models.scripted import ScriptedModel
from softfactory.state.gates import Decision
from tests import calculator
from tests.conftest import Opened

WHOLE_RUN = 16_000
"""Tokens that the eventful run takes, and a little more."""


def limited(settings: Settings, tokens: float) -> Settings:
    return settings.model_copy(update={"budget": Budget(amount=tokens, unit="tokens")})


@pytest.mark.parametrize("tokens", [1_000, 4_000, 8_000, 12_000])
async def test_a_run_never_spends_more_than_its_budget_and_one_call(
    opened: Opened, settings: Settings, tokens: int
) -> None:
    async with opened(ScriptedModel(calculator.eventful())) as service:
        run = await service.start(calculator.IDEA, limited(settings, tokens))
        run = await service.work(run.id)
        assert run.status == "limit"
        assert f"budget of {tokens:,} tokens" in run.reason
        used = [
            c.reply["input_tokens"] + c.reply["output_tokens"] for c in await service.paid(run.id)
        ]
    assert sum(used) <= tokens + max(used, default=0)


async def test_with_a_raised_budget_the_run_goes_on_and_asks_nothing_twice(
    opened: Opened, settings: Settings
) -> None:
    model = ScriptedModel(calculator.eventful())
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, limited(settings, 9_500))
        run = await service.work(run.id)
        question = await service.question(run.id)
        assert question is not None
        assert question.gate == "budget"
        with pytest.raises(UsageError, match="is no budget"):
            await service.work(run.id, Decision(action="retry", feedback="plenty"))
        assert (await service.runs.get(run.id)).status == "limit"
        run = await service.work(run.id, Decision(action="retry", feedback="40k"))
        notes = [e.event.text for e in await service.events.after(run.id, 0)]
    assert run.status == "delivered"
    assert len(model.asked) == 13
    assert any("of the budget of 9,500 tokens is used up" in note for note in notes)


async def test_a_human_can_have_what_there_is(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    async with opened(ScriptedModel(calculator.eventful())) as service:
        run = await service.start(calculator.IDEA, limited(settings, 8_000))
        await service.work(run.id)
        run = await service.work(run.id, Decision(action="approve"))
        state = await service.documents(run.id)
    assert run.status == "delivered"
    assert state["delivery"].not_shown == ["R1", "R2"]
    report = (tmp_path / "calculator" / "docs" / "report.md").read_text()
    assert "the budget was used up before the tests" in report
    assert (tmp_path / "calculator" / "calc.py").exists()


async def test_before_there_is_a_plan_there_is_nothing_to_deliver(
    opened: Opened, settings: Settings
) -> None:
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.start(calculator.IDEA, limited(settings, 3_200))
        await service.work(run.id)
        with pytest.raises(UsageError, match="nothing to deliver yet"):
            await service.work(run.id, Decision(action="approve"))
        run = await service.work(run.id, Decision(action="stop"))
        assert run.status == "stopped"
        run = await service.work(run.id)
    assert run.status == "limit"


async def test_dollars_are_counted_by_the_price_and_refused_without_one(
    opened: Opened, settings: Settings
) -> None:
    dollars = settings.model_copy(update={"budget": Budget(amount=0.01, unit="dollars")})
    async with opened(ScriptedModel(calculator.straight())) as service:
        with pytest.raises(UsageError, match="price of 'scripted' is unknown"):
            await service.start(calculator.IDEA, dollars)
        priced = dollars.model_copy(update={"price": Price(input=1, output=4)})
        run = await service.start(calculator.IDEA, priced)
        run = await service.work(run.id)
        paid = await service.paid(run.id)
    assert run.status == "limit"
    assert "$0.01" in run.reason
    assert 0 < sum(call.price or 0 for call in paid) <= 0.01


async def test_a_budget_that_is_enough_changes_nothing(opened: Opened, settings: Settings) -> None:
    async with opened(ScriptedModel(calculator.eventful())) as service:
        run = await service.start(calculator.IDEA, limited(settings, 2 * WHOLE_RUN))
        run = await service.work(run.id)
    assert run.status == "delivered"

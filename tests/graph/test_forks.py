"""A fork stands where its parent came to a gate, and pays only what differs."""

import pytest

from softfactory.config import Settings
from softfactory.errors import UsageError
from softfactory.models.scripted import ScriptedModel
from softfactory.state.gates import Decision
from tests import calculator
from tests.conftest import Opened
from tests.graph.conftest import Delivered


async def test_a_fork_with_other_requirements_asks_only_what_comes_after_them(
    delivered: Delivered,
) -> None:
    edited = calculator.prd(summary="Evaluates an expression, politely.")
    async with delivered() as (service, model, parent):
        before = len(model.asked)
        fork = await service.fork(parent.id, "prd")
        fork = await service.work(fork.id)
        assert fork.status == "waiting"
        answer = Decision(action="edit", document=edited.model_dump(mode="json"))
        fork = await service.work(fork.id, answer)
    assert fork.status == "delivered"
    assert fork.out.endswith("calculator-2")
    asked = [request.skill for request in model.asked[before:]]
    assert "write_prd" not in asked
    assert asked[0] == "design_api"
    assert "politely" in model.questions("design_api")[1]


async def test_a_fork_that_changes_nothing_pays_nothing(delivered: Delivered) -> None:
    async with delivered(calculator.eventful()) as (service, model, parent):
        before = len(model.asked)
        for gate in ("prd", "plan", "delivery"):
            fork = await service.fork(parent.id, gate)
            await service.work(fork.id)
            fork = await service.work(fork.id, Decision(action="approve"))
            assert fork.status == "delivered"
    assert len(model.asked) == before


async def test_a_run_that_never_came_to_a_gate_can_not_be_forked_there(
    opened: Opened, settings: Settings
) -> None:
    gated = settings.model_copy(update={"gates": ("prd",)})
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.start(calculator.IDEA, gated)
        await service.work(run.id)
        with pytest.raises(UsageError, match="not come to the delivery gate"):
            await service.fork(run.id, "delivery")

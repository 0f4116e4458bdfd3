"""Steps are numbered; one can go back, look at what changed, and begin other runs from there."""

from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.errors import UsageError
from softfactory.history import ForkChange
from softfactory.models.scripted import ScriptedModel
from softfactory.product.repository import Repository
from softfactory.state.gates import Decision
from tests import calculator
from tests.conftest import Opened
from tests.graph.conftest import Delivered
from tests.test_hand_edits import clean, commits, log

REQUIREMENTS = "Product Manager: Write the requirements"
APPROVED = "Human: Approve the requirements"
DESIGNED = "Architect: Design the product"
PLANNED = "Project Manager: Plan the work"
WRITTEN = "Engineer: Write Calculator (W1, round 1)"
TESTED = "QA Engineer: Write the tests"
DELIVERED = "QA Engineer: Deliver the product"
WHOLE = [REQUIREMENTS, DESIGNED, PLANNED, WRITTEN, TESTED, DELIVERED]


async def test_every_turn_of_somebody_is_a_numbered_step(
    opened: Opened, settings: Settings
) -> None:
    gated = settings.model_copy(update={"gates": ("prd",)})
    async with opened(ScriptedModel(calculator.eventful())) as service:
        run = await service.start(calculator.IDEA, gated)
        assert await service.steps(run.id) == []
        await service.work(run.id)
        await service.work(run.id, Decision(action="approve"))
        steps = await service.steps(run.id)
    assert [step.number for step in steps] == list(range(len(steps)))
    assert [step.by for step in steps] == [
        (),
        ("product_manager",),
        ("approve_prd",),
        ("architect",),
        ("project_manager",),
        ("engineering",),
        ("qa_engineer",),
        ("engineering",),
        ("qa_engineer",),
        ("qa_engineer",),
        ("delivery",),
    ]
    assert steps[-1].next == ()


async def test_a_fork_has_the_history_of_its_parent_up_to_there_and_pays_only_what_differs(
    delivered: Delivered, home: Path
) -> None:
    async with delivered() as (service, model, parent):
        asked = len(model.asked)
        fork = await service.fork(parent.id, "4")
        kept = home / "products" / f"{fork.id}.git"
        assert log(kept) == WHOLE[:4]
        assert commits(kept) == commits(home / "products" / f"{parent.id}.git")[:4]
        fork = await service.work(fork.id)
    assert fork.status == "delivered"
    assert log(Path(fork.out)) == WHOLE
    assert len(model.asked) == asked
    assert fork.out != parent.out


async def test_a_fork_before_qa_with_a_hint_asks_qa_anew_and_nobody_else(
    delivered: Delivered,
) -> None:
    async with delivered() as (service, model, parent):
        before = len(model.asked)
        fork = await service.fork(parent.id, "4", ForkChange(hint="test the exit codes"))
        fork = await service.work(fork.id)
        assert fork.status == "delivered"
    assert sorted(request.skill for request in model.asked[before:]) == ["run_code", "write_test"]
    assert "test the exit codes" in model.questions("write_test")[-1]


async def test_a_fork_at_the_prd_with_an_edited_one_goes_on_without_asking(
    delivered: Delivered,
) -> None:
    edited = calculator.prd(summary="Evaluates an expression, politely.")
    async with delivered() as (service, model, parent):
        change = ForkChange(edit={"prd": edited.model_dump(mode="json")})
        fork = await service.work((await service.fork(parent.id, "prd", change)).id)
        assert fork.status == "delivered"
        with pytest.raises(UsageError, match="--at prd"):
            await service.fork(parent.id, "4", change)
        with pytest.raises(UsageError, match="no prd"):
            await service.fork(parent.id, "prd", ForkChange(edit={"prd": {"title": "x"}}))
    assert log(Path(fork.out)) == [REQUIREMENTS, APPROVED, *WHOLE[1:]]
    assert "politely" in model.questions("design_api")[-1]


async def test_a_fork_at_the_beginning_or_with_another_model_starts_there(
    delivered: Delivered,
) -> None:
    async with delivered() as (service, model, parent):
        before = len(model.asked)
        fork = await service.fork(parent.id, "0", ForkChange(settings={"model": "other"}))
        fork = await service.work(fork.id)
        for nowhere in ("99", "lunch", "6"):
            with pytest.raises(UsageError, match=nowhere):
                await service.fork(parent.id, nowhere)
    assert fork.settings.model == "other"
    assert fork.status == "delivered"
    assert len(model.asked) == before
    assert log(Path(fork.out)) == WHOLE


async def test_undo_goes_a_step_back_and_twice_two_and_stays_in_the_history(
    delivered: Delivered,
) -> None:
    async with delivered() as (service, model, run):
        out, asked = Path(run.out), len(model.asked)
        step = await service.undo(run.id)
        assert step.by == ("qa_engineer",)
        assert log(out) == [*WHOLE, "Human: Undo step 6 (delivery)"]
        assert not (out / "README.md").exists()
        step = await service.undo(run.id)
        assert step.by == ("engineering",)
        undone = [*WHOLE, "Human: Undo step 6 (delivery)", "Human: Undo step 5 (qa_engineer)"]
        assert log(out) == undone
        assert not (out / "tests").exists()
        assert clean(out)
        assert (await service.work(run.id)).status == "delivered"
        assert len(model.asked) == asked
    assert log(out) == [*undone, TESTED, DELIVERED]
    assert clean(out)


async def test_undoing_an_approval_asks_again_and_the_beginning_is_the_end_of_it(
    opened: Opened, settings: Settings
) -> None:
    gated = settings.model_copy(update={"gates": ("prd", "plan")})
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.start(calculator.IDEA, gated)
        await service.work(run.id)
        await service.work(run.id, Decision(action="approve"))
        for _ in range(3):
            await service.undo(run.id)
        question = await service.question(run.id)
        assert question is not None
        assert question.gate == "prd"
        assert (await service.runs.get(run.id)).status == "waiting"
        await service.undo(run.id)
        with pytest.raises(UsageError, match="beginning"):
            await service.undo(run.id)
        run = await service.work(run.id)
    assert run.status == "waiting", run.reason


async def test_diff_shows_what_a_step_changed_and_what_lies_between_two(
    delivered: Delivered,
) -> None:
    async with delivered() as (service, _, run):
        last, step = await service.diff(run.id), await service.diff(run.id, 4)
        between = await service.diff(run.id, 3, 5)
        with pytest.raises(UsageError, match="no step 7"):
            await service.diff(run.id, 7)
    assert "+++ b/README.md" in last
    assert "calc.py" not in step.replace("+++ b/calc.py", "").split("+++")[0]
    assert step.startswith("--- /dev/null\n+++ b/calc.py\n@@ -0,0")
    assert '+"""A calculator for the command line."""' in step
    assert "b/calc.py" in between
    assert "b/tests/test_calc.py" in between


async def test_a_word_is_heard_at_the_next_step_by_whom_it_concerns_and_stands_in_the_record(
    opened: Opened, settings: Settings
) -> None:
    model = ScriptedModel(calculator.straight())
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        said: list[str] = []

        async def speak() -> None:
            await service.say(run.id, "use SQLite, not JSON")
            await service.say(run.id, "name a test after every exit code", "qa_engineer")

        model.while_asked["write_code"] = speak
        run = await service.work(run.id)
        said = [e.event.text for e in await service.events.of_kind(run.id, "said")]
        with pytest.raises(UsageError, match="nobody would hear"):
            await service.say(run.id, "too late")
    assert run.status == "delivered"
    assert said == ["use SQLite, not JSON", "name a test after every exit code"]
    heard = {r.skill: r.messages[-1]["content"].count("use SQLite") for r in model.asked}
    assert heard == {
        "write_prd": 0,
        "design_api": 0,
        "write_code": 0,
        "write_code_review": 1,
        "write_test": 1,
        "run_code": 1,
    }
    assert "every exit code" not in model.questions("write_code_review")[0]
    assert "every exit code" in model.questions("write_test")[0]


async def test_a_step_that_is_repeated_hears_what_it_heard_before_and_pays_nothing_twice(
    opened: Opened, settings: Settings
) -> None:
    model = ScriptedModel(calculator.straight() | {"write_prd": [calculator.prd(size="medium")]})
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)

        async def fail() -> None:
            model.while_asked.clear()
            raise KeyError("the power fails")

        model.while_asked["design_filenames"] = fail
        assert (await service.work(run.id)).status == "failed"
        await service.say(run.id, "keep it short")
        assert (await service.work(run.id)).status == "delivered"
    assert [r.skill for r in model.asked].count("design_api") == 1
    assert "keep it short" not in model.questions("design_filenames")[-1]
    assert "keep it short" in model.questions("write_code")[0]


async def test_the_ids_of_trees_are_those_of_git(tmp_path: Path) -> None:
    from softfactory.product.repository import Change, tree_id

    product = Repository(tmp_path / "product.git", "run")
    files = {"a.py": "1\n", "a/b.txt": "2\n", "a-b/c/d": "3\n", "设计.md": "4\n", "ab": "5\n"}
    await product.save(Change("Engineer", "Write", files))
    assert [tree for _, tree in await product.history()] == [tree_id(await product.tree())]

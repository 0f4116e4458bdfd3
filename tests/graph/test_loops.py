"""The loops of the company, driven by a scripted model through the real sandbox."""

from itertools import pairwise
from pathlib import Path

import pytest

from softfactory.config import QA_ROUNDS, REVIEW_ROUNDS, Settings
from softfactory.errors import GateGone, UsageError
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.events import LoggedEvent
from softfactory.service import Service
from softfactory.state.documents import Plan, PlannedFile, Review, WorkPackage
from softfactory.state.gates import Decision
from tests import calculator
from tests.conftest import Opened


async def log_of(service: Service, run: str) -> list[LoggedEvent]:
    return await service.events.after(run, 0)


def told(log: list[LoggedEvent], kind: str) -> list[str]:
    return [logged.event.text for logged in log if logged.event.kind == kind]


def useless_edit(number: int) -> str:
    """An edit that mends nothing, after others like it."""
    before = f"import sys  # {number - 1}" if number else "import sys"
    return calculator.edit("calc.py", before, f"import sys  # {number}")


async def test_every_loop_runs_once_and_the_product_is_delivered(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    model = ScriptedModel(calculator.eventful())
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        findings = told(await log_of(service, run.id), "finding")
        tests = told(await log_of(service, run.id), "test")
    assert (run.status, run.reason) == ("delivered", "")
    assert findings == [
        "static check of W1: 1 problem",
        "static check of W1: no problems",
        f"review of W1, round 2 of {REVIEW_ROUNDS}: 1 blocking, 0 minor",
        "static check of W1: no problems",
        f"review of W1, round 3 of {REVIEW_ROUNDS}: 0 blocking, 0 minor",
        "the code is at fault: Mult is mapped to operator.add",
        "static check of W1: no problems",
        "the test is at fault: (1 + 2) * 3 is 9, the test expects 10",
    ]
    assert [line.split(", 1 trial")[0] for line in tests] == [
        "2 passed, 2 failed",
        "3 passed, 1 failed",
        "4 passed, 0 failed",
    ]
    code = (tmp_path / "calculator" / "calc.py").read_text()
    assert code == calculator.CODE


async def test_the_engineer_is_shown_what_the_failing_test_printed(
    opened: Opened, settings: Settings
) -> None:
    model = ScriptedModel(calculator.eventful())
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        await service.work(run.id)
    after_qa = model.questions("write_code")[3]
    assert "test_r2_refuses_division_by_zero" in after_qa
    assert "assert 0 == 1" in after_qa
    assert "Mult is mapped to operator.add" in after_qa


async def test_passing_tests_stay_as_they_are_when_a_wrong_one_is_mended(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    model = ScriptedModel(calculator.eventful())
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        await service.work(run.id)
    mended = (tmp_path / "calculator" / "tests" / "test_calc.py").read_text()
    assert mended == calculator.TESTS


async def test_an_answer_that_alters_a_passing_test_is_sent_back(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    script = calculator.straight() | {
        "write_test": [
            {"tests/test_calc.py": calculator.WRONG_TESTS},
            {"tests/test_calc.py": calculator.TESTS.replace('== "7"', '!= "8"')},
            calculator.FIX_TEST,
        ],
        "debug_error": [calculator.TEST_AT_FAULT],
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
    assert run.status == "delivered"
    assert "test_r1_multiplies_before_it_adds" in model.questions("write_test")[2]
    assert "must stay exactly as they are" in model.questions("write_test")[2]
    mended = (tmp_path / "calculator" / "tests" / "test_calc.py").read_text()
    assert mended == calculator.TESTS


async def test_reviews_that_never_end_lead_to_a_human_whose_hint_goes_to_the_engineer(
    opened: Opened, settings: Settings
) -> None:
    versions = [{"calc.py": calculator.WRONG_CODE + f"# {n}\n"} for n in range(REVIEW_ROUNDS)]
    script = calculator.straight() | {
        "write_code": [*versions, calculator.FIX_OPERATOR],
        "write_code_review": [calculator.REJECTED] * REVIEW_ROUNDS + [calculator.APPROVED],
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        assert run.status == "limit"
        assert len(model.questions("write_code")) == REVIEW_ROUNDS
        question = await service.question(run.id)
        assert question is not None
        assert "2 * 3 gives 5" in question.document
        hint = Decision(action="revise", feedback="look at the operator table")
        run = await service.work(run.id, hint)
    assert run.status == "delivered"
    assert "look at the operator table" in model.questions("write_code")[-1]


async def test_tests_that_never_pass_lead_to_a_human_within_the_bound(
    opened: Opened, settings: Settings
) -> None:
    names = ["add", "sub", "floordiv", "mod", "truediv"][: QA_ROUNDS + 1]
    wrong = [f"    ast.Mult: operator.{name}," for name in names]
    edits = [calculator.edit("calc.py", was, now) for was, now in pairwise(wrong)]
    script = calculator.straight() | {"write_code": [{"calc.py": calculator.WRONG_CODE}, *edits]}
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        assert run.status == "limit"
        assert len(told(await log_of(service, run.id), "test")) == QA_ROUNDS
        right = "    ast.Mult: operator.mul,"
        model.script("write_code", [calculator.edit("calc.py", wrong[QA_ROUNDS - 1], right)])
        run = await service.work(run.id, Decision(action="retry"))
        assert run.status == "delivered"


async def test_a_human_can_accept_what_the_tests_refuse_and_the_report_says_so(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    useless = [useless_edit(n) for n in range(9)]
    script = calculator.straight() | {"write_code": [{"calc.py": calculator.WRONG_CODE}, *useless]}
    async with opened(ScriptedModel(script)) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        assert run.status == "limit"
        run = await service.work(run.id, Decision(action="approve"))
        state = await service.documents(run.id)
    assert run.status == "delivered"
    assert state["delivery"].not_shown == ["R1"]
    report = (tmp_path / "calculator" / "docs" / "report.md").read_text()
    assert "**R1** Prints the value" in report.split("## Not verified")[1]


async def test_independent_packages_are_written_at_the_same_time_and_needs_are_waited_for(
    opened: Opened, settings: Settings
) -> None:
    files = {f"part_{n}.py": f"def part() -> int:\n    return {n}\n" for n in "123"}
    planned = [*calculator.LAYOUT.files] + [
        PlannedFile(path=path, purpose="a part", requirements=[]) for path in files
    ]
    plan = Plan(
        packages=[
            WorkPackage(id="W1", title="one", files=["part_1.py"], needs=[]),
            WorkPackage(id="W2", title="two", files=["part_2.py"], needs=[]),
            WorkPackage(id="W3", title="main", files=["calc.py", "part_3.py"], needs=["W1", "W2"]),
        ]
    )
    script = calculator.straight() | {
        "write_prd": [calculator.prd(size="medium")],
        "design_filenames": [calculator.LAYOUT.model_copy(update={"files": planned})],
        "project_management": [plan],
        "write_code W1 round 1": [{"part_1.py": files["part_1.py"]}],
        "write_code W2 round 1": [{"part_2.py": files["part_2.py"]}],
        "write_code": [{"calc.py": calculator.CODE, "part_3.py": files["part_3.py"]}],
    }
    model = ScriptedModel(script, seconds=0.4)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        log = await log_of(service, run.id)
    assert run.status == "delivered"
    order = [
        (logged.event.kind, logged.event.text[:13])
        for logged in log
        if logged.event.text.startswith("write_code W")
    ]
    assert sorted(order[:2]) == [("call", "write_code W1"), ("call", "write_code W2")]
    assert order[-2:] == [("call", "write_code W3"), ("answer", "write_code W3")]
    assert "def part() -> int:\n    return 2" in model.questions("write_code")[2]
    waves = [text for text in told(log, "work") if "work packages" in text]
    assert waves == ["2 of 3 work packages finished", "3 of 3 work packages finished"]


async def test_from_medium_on_requirements_and_design_are_read_a_second_time(
    opened: Opened, settings: Settings
) -> None:
    blocker = Review(findings=calculator.REJECTED.findings)
    script = calculator.straight() | {
        "write_prd": [calculator.prd(size="medium"), calculator.prd(size="medium")],
        "write_prd_review": [blocker],
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
    assert run.status == "delivered"
    asked = [request.skill for request in model.asked]
    assert asked[:3] == ["write_prd", "write_prd_review", "write_prd"]
    assert "2 * 3 gives 5" in model.questions("write_prd")[1]
    assert asked.count("design_api_review") == 1


async def test_a_human_changes_the_requirements_in_words_then_approves(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    better = calculator.prd(summary="Evaluates an expression, with percentages.")
    script = calculator.straight() | {"write_prd": [calculator.prd(), better]}
    model = ScriptedModel(script)
    gated = settings.model_copy(update={"gates": ("prd",)})
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, gated)
        run = await service.work(run.id)
        assert run.status == "waiting"
        run = await service.work(run.id, Decision(action="revise", feedback="add percentages"))
        assert run.status == "waiting"
        assert "add percentages" in model.questions("write_prd")[1]
        run = await service.work(run.id, Decision(action="approve", answers={"Why?": "Because"}))
    assert run.status == "delivered"
    written = (tmp_path / "calculator" / "docs" / "prd.md").read_text()
    assert "with percentages" in written
    assert "Why? → **Because**" in written
    assert "Why? → Because" in model.questions("write_code")[0]


async def test_an_edited_document_replaces_the_written_one_and_a_misfit_changes_nothing(
    opened: Opened, settings: Settings
) -> None:
    model = ScriptedModel(calculator.straight())
    gated = settings.model_copy(update={"gates": ("prd", "design", "plan", "delivery")})
    edited = calculator.prd(summary="My own words.").model_dump(mode="json")
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, gated)
        await service.work(run.id)
        with pytest.raises(UsageError, match="does not fit the prd gate"):
            await service.work(run.id, Decision(action="edit", document={"name": "x"}))
        assert (await service.runs.get(run.id)).status == "waiting"
        await service.work(run.id, Decision(action="edit", document=edited))
        for gate in ("design", "plan", "delivery"):
            question = await service.question(run.id)
            assert question is not None
            assert question.gate == gate
            run = await service.work(run.id, Decision(action="approve"))
        assert run.status == "delivered"
        with pytest.raises(GateGone, match="waits for no answer"):
            await service.work(run.id, Decision(action="approve"))
    assert "My own words." in model.questions("design_api")[0]


async def test_a_run_stopped_at_a_gate_can_be_resumed_at_it(
    opened: Opened, settings: Settings
) -> None:
    model = ScriptedModel(calculator.straight())
    gated = settings.model_copy(update={"gates": ("prd",)})
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, gated)
        await service.work(run.id)
        run = await service.work(run.id, Decision(action="stop"))
        assert run.status == "stopped"
        run = await service.work(run.id)
        assert run.status == "waiting"
        run = await service.work(run.id, Decision(action="approve"))
    assert run.status == "delivered"
    assert len(model.questions("write_prd")) == 1


async def test_a_change_asked_for_at_delivery_goes_to_the_engineers(
    opened: Opened, settings: Settings
) -> None:
    greeting = calculator.edit("calc.py", "import sys", "import sys  # friendlier")
    script = calculator.straight() | {"write_code": [{"calc.py": calculator.CODE}, greeting]}
    model = ScriptedModel(script)
    gated = settings.model_copy(update={"gates": ("delivery",)})
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, gated)
        await service.work(run.id)
        run = await service.work(run.id, Decision(action="revise", feedback="be friendlier"))
        assert run.status == "waiting"
        run = await service.work(run.id, Decision(action="approve"))
    assert run.status == "delivered"
    assert "be friendlier" in model.questions("write_code")[1]

"""Work that does not get on goes to a human early; tests that notice nothing go back to QA."""

from pathlib import Path

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.state.gates import Decision
from softfactory.state.testing import RunRecipe
from tests import calculator
from tests.conftest import Opened
from tests.graph.test_loops import log_of, told, useless_edit

HOLLOW = "def test_r1_is_there():\n    pass\n\n\ndef test_r2_is_there():\n    pass\n"


def quiet() -> calculator.Script:
    """Nothing goes wrong, and the trial shows nothing of the product."""
    trial = calculator.RECIPE.trials[0]
    trial = trial.model_copy(update={"command": ["python", "-c", "print(42)"]})
    return calculator.straight() | {"run_code": [RunRecipe(trials=[trial])]}


async def test_the_same_failure_twice_in_a_row_leads_to_a_human_early(
    opened: Opened, settings: Settings
) -> None:
    script = calculator.straight() | {
        "write_code": [{"calc.py": calculator.WRONG_CODE}, useless_edit(0)]
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        assert run.status == "limit"
        assert len(told(await log_of(service, run.id), "test")) == 2
        question = await service.question(run.id)
        assert question is not None
        assert "the same failure twice" in question.title
        model.script("write_code", [calculator.FIX_OPERATOR])
        run = await service.work(run.id, Decision(action="retry"))
        assert run.status == "delivered"


async def test_a_fix_that_changes_nothing_leads_to_a_human_at_once(
    opened: Opened, settings: Settings
) -> None:
    same = {"calc.py": calculator.WRONG_CODE}
    script = calculator.straight() | {
        "write_code": [same, same],
        "write_code_review": [calculator.REJECTED, calculator.APPROVED],
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        assert run.status == "limit"
        assert len(model.questions("write_code")) == 2
        question = await service.question(run.id)
        assert question is not None
        assert "2 * 3 gives 5" in question.document


async def test_tests_that_notice_no_defect_are_sent_back_once(
    opened: Opened, settings: Settings
) -> None:
    more = {"tests/test_more.py": calculator.TESTS}
    script = quiet() | {"write_test": [{"tests/test_it.py": HOLLOW}, more]}
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        report = (await service.documents(run.id))["report"]
    assert run.status == "delivered"
    assert "put into the working product on purpose" in model.questions("write_test")[1]
    assert report.probe.noticed.startswith("calc.py:")


async def test_tests_that_stay_hollow_are_delivered_as_such(
    opened: Opened, settings: Settings, tmp_path: Path
) -> None:
    script = quiet() | {
        "write_test": [{"tests/test_it.py": HOLLOW}, {"tests/test_more.py": HOLLOW}]
    }
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
    assert run.status == "delivered"
    assert len(model.questions("write_test")) == 2
    report = (tmp_path / "calculator" / "docs" / "report.md").read_text()
    assert "no test noticed any defect" in report.split("## Not verified")[1]

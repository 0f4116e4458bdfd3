"""What a human changes by hand in the product's folder is committed as theirs and respected."""

import shutil
import subprocess
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.runs import Run
from softfactory.product.repository import blob_id
from softfactory.service import Service
from softfactory.state.gates import Decision
from tests import calculator
from tests.conftest import Opened, appears

APPROVE = Decision(action="approve")
KEEP, TAKE = Decision(action="keep"), Decision(action="take")


def log(folder: Path) -> list[str]:
    """Author and summary of every commit, the oldest first."""
    return commits(folder, "%an: %s")


def commits(folder: Path, form: str = "%H") -> list[str]:
    """Every commit, the oldest first."""
    command = ["git", "-C", str(folder), "log", "--reverse", f"--format={form}", "main"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def commit(folder: Path, summary: str) -> None:
    """Commit everything as Ada."""
    git = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", summary], check=True)


def clean(folder: Path) -> bool:
    command = ["git", "-C", str(folder), "status", "--porcelain"]
    return not subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def waiting_at_the_plan(service: Service, settings: Settings) -> tuple[Run, Path]:
    gated = settings.model_copy(update={"gates": ("plan",)})
    run = await service.start(calculator.IDEA, gated)
    run = await service.work(run.id)
    assert run.status == "waiting"
    return run, Path(run.out)


STORY = [
    "Product Manager: Write the requirements",
    "Architect: Design the product",
    "Project Manager: Plan the work",
]
AFTER = [
    "Engineer: Write Calculator (W1, round 1)",
    "QA Engineer: Write the tests",
    "QA Engineer: Deliver the product",
]


async def test_a_file_added_while_the_run_waits_is_committed_as_the_humans_and_delivered(
    opened: Opened, settings: Settings
) -> None:
    async with opened(ScriptedModel(calculator.straight())) as service:
        run, out = await waiting_at_the_plan(service, settings)
        (out / "notes.md").write_text("mine\n")
        (out / "__pycache__").mkdir()
        (out / "__pycache__" / "x.pyc").write_bytes(b"no")
        run = await service.work(run.id, APPROVE)
        state = await service.documents(run.id)
    assert run.status == "delivered"
    assert log(out) == [*STORY, "Human: Edit by hand: notes.md", *AFTER]
    assert "notes.md" in state["tree"]
    assert (out / "notes.md").read_text() == "mine\n"
    assert clean(out)


async def test_a_removed_file_stays_removed(opened: Opened, settings: Settings) -> None:
    async with opened(ScriptedModel(calculator.straight())) as service:
        run, out = await waiting_at_the_plan(service, settings)
        (out / "docs" / "design.md").unlink()
        gone = await service.work(run.id)
        assert gone.status == "waiting"
        assert "docs/design.md" not in (await service.documents(run.id))["tree"]
    assert log(out) == [*STORY, "Human: Edit by hand: docs/design.md"]
    assert not (out / "docs" / "design.md").exists()


async def test_own_commits_of_the_human_stay_theirs(opened: Opened, settings: Settings) -> None:
    async with opened(ScriptedModel(calculator.straight())) as service:
        run, out = await waiting_at_the_plan(service, settings)
        (out / "notes.md").write_text("mine\n")
        commit(out, "Notes")
        run = await service.work(run.id, APPROVE)
    assert run.status == "delivered"
    assert "Ada: Notes" in log(out)
    assert [line for line in log(out) if line != "Ada: Notes"] == [
        *STORY,
        "Human: Edit by hand: notes.md",
        *AFTER,
    ]
    assert clean(out)


async def test_an_engineer_who_would_replace_the_humans_file_unseen_has_the_human_asked(
    opened: Opened, settings: Settings
) -> None:
    for decision, kept in ((KEEP, True), (TAKE, False)):
        async with opened(ScriptedModel(calculator.straight())) as service:
            run, out = await waiting_at_the_plan(service, settings)
            mine = calculator.CODE.replace("A calculator", "My calculator")
            (out / "calc.py").write_text(mine)
            run = await service.work(run.id, APPROVE)
            assert run.status == "waiting"
            question = await service.question(run.id)
            assert question is not None
            assert question.gate == "conflict"
            assert '-"""My calculator' in question.document
            assert (out / "calc.py").read_text() == mine
            run = await service.work(run.id, decision)
            assert run.status == "delivered", run.reason
        theirs = [] if kept else ["Human: Take the company's calc.py"]
        after = AFTER[1:]  # the engineer's own commit would change nothing
        assert log(out) == [*STORY, "Human: Edit by hand: calc.py", *theirs, *after]
        assert (out / "calc.py").read_text() == (mine if kept else calculator.CODE)
        assert clean(out)


async def test_a_document_edited_by_hand_is_not_written_anew_without_asking(
    opened: Opened, settings: Settings
) -> None:
    gated = settings.model_copy(update={"gates": ("prd",)})
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.work((await service.start(calculator.IDEA, gated)).id)
        prd = Path(run.out) / "docs" / "prd.md"
        prd.write_text("# Mine\n")
        run = await service.work(run.id, APPROVE)
        question = await service.question(run.id)
        assert question is not None
        assert question.title == "Your changes and the company's meet in docs/prd.md"
        run = await service.work(run.id, KEEP)
        assert run.status == "delivered", run.reason
    assert prd.read_text() == "# Mine\n"
    assert log(prd.parent)[1] == "Human: Edit by hand: docs/prd.md"


@pytest.mark.parametrize("decision", [KEEP, TAKE], ids=lambda d: str(d.action))
async def test_changes_that_meet_while_the_company_works_are_asked_about_at_its_next_rest(
    opened: Opened, settings: Settings, home: Path, decision: Decision
) -> None:
    model = ScriptedModel(calculator.eventful())
    gated = settings.model_copy(update={"gates": ("delivery",)})
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, gated)
        out = Path(settings.folder) / "calculator"
        mine = "# mine\n"

        async def edit_by_hand() -> None:
            if model.asked[-1].subject == "W1 round 2":
                await appears(out / "calc.py")  # it is brought there soon, not at once
                (out / "calc.py").write_text(mine)

        model.while_asked["write_code"] = edit_by_hand
        run = await service.work(run.id)
        assert run.status == "waiting"
        question = await service.question(run.id)
        assert question is not None
        assert question.gate == "conflict"
        assert (out / "calc.py").read_text() == mine
        again = await service.work(run.id)
        assert again.status == "waiting"
        before = log(home / "products" / f"{run.id}.git")
        run = await service.work(run.id, decision)
        question = await service.question(run.id)
        assert question is not None
        assert question.gate == "delivery"
        state = await service.documents(run.id)
    taken = ["Human: Take the company's calc.py"] if decision is TAKE else []
    assert log(out) == [*before, "Human: Edit by hand: calc.py", *taken]
    assert ((out / "calc.py").read_text() == mine) == (decision is KEEP)
    assert clean(out)
    assert state["tree"]["calc.py"] == blob_id((out / "calc.py").read_bytes())


async def test_an_edit_after_a_stop_in_the_middle_of_a_step_is_taken_in_behind_that_step(
    opened: Opened, settings: Settings
) -> None:
    script = calculator.straight()
    model = ScriptedModel(script)
    async with opened(model) as service:
        run = await service.start(calculator.IDEA, settings)

        async def fail() -> None:
            model.while_asked.clear()
            raise KeyError("the power fails")

        model.while_asked["write_code_review"] = fail
        run = await service.work(run.id)
        assert run.status == "failed"
        out = Path(run.out)
        assert log(out)[-1] == AFTER[0]
        (out / "notes.md").write_text("mine\n")
        run = await service.work(run.id)
        assert run.status == "delivered", run.reason
    assert [r.skill for r in model.asked].count("write_code") == 1
    assert log(out) == [*STORY, AFTER[0], "Human: Edit by hand: notes.md", *AFTER[1:]]


async def test_a_folder_that_was_deleted_is_made_anew(opened: Opened, settings: Settings) -> None:
    async with opened(ScriptedModel(calculator.straight())) as service:
        run, out = await waiting_at_the_plan(service, settings)
        shutil.rmtree(out)
        run = await service.work(run.id, APPROVE)
    assert run.status == "delivered"
    assert log(out) == [*STORY, *AFTER]
    assert clean(out)


@pytest.mark.parametrize("name", ["test_mine.py", "test_calc.py"])
async def test_tests_written_by_hand_stay_and_qa_writes_its_own_beside_them(
    opened: Opened, settings: Settings, name: str
) -> None:
    mine = "def test_mine():\n    assert True\n"
    beside = {"tests/test_beside.py": calculator.TESTS}
    script = calculator.straight() | {"write_test": [{"tests/test_calc.py": calculator.TESTS}]}
    if name == "test_calc.py":
        script |= {"write_test": [{"tests/test_calc.py": calculator.TESTS}, beside]}
    async with opened(ScriptedModel(script)) as service:
        run, out = await waiting_at_the_plan(service, settings)
        (out / "tests").mkdir()
        (out / "tests" / name).write_text(mine)
        run = await service.work(run.id, APPROVE)
        assert run.status == "delivered", run.reason
        report = (await service.documents(run.id))["report"]
    assert (out / "tests" / name).read_text() == mine
    assert len(list((out / "tests").iterdir())) == 2
    assert {"test_mine", "test_r1_heeds_parentheses"} <= {case.name for case in report.cases}
    assert log(out) == [*STORY, f"Human: Edit by hand: tests/{name}", *AFTER]

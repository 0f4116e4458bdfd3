"""What counts as a pass, tried on real products in the real sandbox."""

import shutil
from pathlib import Path

import pytest

from softfactory.nodes.laboratory import Laboratory
from softfactory.nodes.suites import Subject
from softfactory.product.repository import Change, Repository
from softfactory.sandbox import Environments, choose_sandbox
from softfactory.state.documents import ProgrammingLanguage
from softfactory.state.testing import RunRecipe, TestReport, Trial
from tests import calculator

PASSING = {"calc.py": calculator.CODE, "tests/test_calc.py": calculator.TESTS}


async def examined(
    folder: Path,
    files: dict[str, str],
    recipe: RunRecipe | None = None,
    language: ProgrammingLanguage = "python",
) -> TestReport:
    product = Repository(folder / "product.git", "run")
    tree = await product.save(Change("Engineer", "Write", files))
    laboratory = Laboratory(product, choose_sandbox, Environments(folder / "home"))
    subject = Subject(tree, "command_line", language, recipe=recipe)
    return (await laboratory.examine(subject)).report


async def test_a_working_product_passes_and_its_start_is_shown(tmp_path: Path) -> None:
    report = await examined(tmp_path, PASSING, calculator.RECIPE)
    assert report.status == "passed"
    assert report.isolation in ("bubblewrap", "landlock")
    assert [case.name for case in report.cases if not case.file] == ["$ python calc.py 2 * 21"]
    assert report.outcomes("R2") == ["passed"]


@pytest.mark.parametrize(
    ("tests", "reason"),
    [
        ({}, "no report of any test"),
        ({"tests/test_none.py": "x = 1\n"}, "no report of any test"),
        ({"tests/test_exit.py": "import os\nos._exit(0)\n"}, "no report of any test"),
        (
            {"tests/test_skip.py": "import pytest\n@pytest.mark.skip\ndef test_r1(): ...\n"},
            "every test was skipped",
        ),
        (
            {
                "tests/test_late.py": "import atexit, os\natexit.register(os._exit, 3)\n"
                "def test_r1():\n    pass\n"
            },
            "ended with exit code 3",
        ),
    ],
)
async def test_silence_is_no_pass(tmp_path: Path, tests: dict[str, str], reason: str) -> None:
    report = await examined(tmp_path, {"calc.py": calculator.CODE, **tests})
    assert report.status == "failed"
    assert reason in report.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exit_code": 1}, "exit code 0 instead of 1"),
        ({"shows": ["43"]}, "its output lacks '43'"),
        ({"command": ["python", "missing.py"]}, "exit code 2 instead of 0"),
    ],
)
async def test_a_start_that_comes_out_wrong_fails(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    trial = calculator.RECIPE.trials[0].model_copy(update=changes)
    report = await examined(tmp_path, PASSING, RunRecipe(trials=[trial]))
    assert report.status == "failed"
    assert words in report.output


async def test_trials_get_their_variables_and_run_one_after_another_in_the_same_folder(
    tmp_path: Path,
) -> None:
    write = "import os; open(os.environ['KEPT'], 'a').write(input()); print(open('kept').read())"
    trial = Trial(
        command=["python", "-c", write],
        variables=["KEPT=kept"],
        stdin="x\n",
        exit_code=0,
        shows=["x"],
        requirements=[],
    )
    second = trial.model_copy(update={"shows": ["xx"]})
    report = await examined(tmp_path, PASSING, RunRecipe(trials=[trial, second]))
    assert report.status == "passed"


async def test_tests_see_neither_our_packages_nor_the_documents(tmp_path: Path) -> None:
    tests = (
        "import importlib.util\n"
        "def test_r1_is_alone():\n"
        "    for name in ('softfactory', 'langgraph', 'pydantic', 'openai'):\n"
        "        assert importlib.util.find_spec(name) is None\n"
    )
    report = await examined(tmp_path, {"tests/test_alone.py": tests})
    assert report.status == "passed", report.output


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
async def test_javascript_is_tested_with_nodes_own_runner(tmp_path: Path) -> None:
    rules = "module.exports = { twice: (n) => 2 * n };\n"
    tests = (
        'const test = require("node:test"); const assert = require("node:assert");\n'
        'const { twice } = require("../rules.js");\n'
        'test("R1: doubles", () => assert.equal(twice(2), 4));\n'
        'test("R2: doubles none", () => assert.equal(twice(0), 1));\n'
    )
    files = {"rules.js": rules, "tests/rules.test.js": tests}
    report = await examined(tmp_path, files, language="javascript")
    assert report.status == "failed"
    assert report.outcomes("R1") == ["passed"]
    assert report.outcomes("R2") == ["failed"]
    assert "doubles none" in report.output

"""Products that are not quite ordinary: each run ends in the right state with the right words."""

import zipfile
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.nodes.laboratory import Laboratory
from softfactory.nodes.suites import Subject
from softfactory.product.repository import Change, Repository
from softfactory.sandbox import Environments, Limits, choose_sandbox
from softfactory.state.documents import Dependencies, Dependency, Plan, PlannedFile, WorkPackage
from softfactory.state.testing import TestReport
from tests import calculator
from tests.conftest import Opened


def wheel(folder: Path) -> None:
    """A package of one module, as an index would offer it."""
    with zipfile.ZipFile(folder / "tinyops-1.0-py3-none-any.whl", "w") as file:
        file.writestr("tinyops.py", "def times(a, b):\n    return a * b\n")
        about = "tinyops-1.0.dist-info"
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tinyops\nVersion: 1.0\n")
        file.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{about}/RECORD", "tinyops.py,,\n")


async def test_a_product_stands_on_a_third_party_package(
    opened: Opened, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    design = calculator.DESIGN.model_copy(update={"third_party": ["tinyops"]})
    package = Dependency(name="tinyops", module="tinyops", reason="it multiplies")
    code = calculator.CODE.replace("import sys\n", "import sys\n\nimport tinyops\n")
    script = calculator.straight() | {
        "design_api": [calculator.small(design)],
        "analyze_dep_libs": [Dependencies(packages=[package])],
        "write_code": [{"calc.py": code.replace("operator.mul", "tinyops.times")}],
    }
    async with opened(ScriptedModel(script)) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
    assert (run.status, run.reason) == ("delivered", "")
    assert (tmp_path / "calculator" / "requirements.txt").read_text() == "tinyops\n"
    assert "pip install tinyops" in (tmp_path / "calculator" / "README.md").read_text()


async def test_two_packages_that_rely_on_each_others_interface_are_written_at_the_same_time(
    opened: Opened, settings: Settings
) -> None:
    head, tail = calculator.CODE.split("def main(")
    values = head.replace("import sys\n", "import sys\n\nimport calc\n").replace(
        'raise SyntaxError("not an expression")', "raise calc.NotAnExpression"
    )
    main = (
        '"""The command line."""\n\nimport sys\n\nimport values\n\n\n'
        "class NotAnExpression(SyntaxError):\n    pass\n\n\ndef main("
        + tail.replace("evaluate(", "values.evaluate(")
    )
    main = main.replace("sys.exit(main())", 'sys.exit(sys.modules["values"].calc.main())')
    files = ["calc.py", "values.py"]
    planned = [PlannedFile(path=path, purpose="a part", requirements=["R1"]) for path in files]
    packages = [
        WorkPackage(id=f"W{n}", title=path, files=[path], needs=[])
        for n, path in enumerate(files, 1)
    ]
    script = calculator.straight() | {
        "write_prd": [calculator.prd(size="medium")],
        "design_filenames": [calculator.LAYOUT.model_copy(update={"files": planned})],
        "project_management": [Plan(packages=packages)],
        "write_code W1 round 1": [{"calc.py": main}],
        "write_code W2 round 1": [{"values.py": values}],
    }
    async with opened(ScriptedModel(script)) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        report = (await service.documents(run.id))["report"]
    assert (run.status, run.reason) == ("delivered", ""), report.output


async def examined(folder: Path, tests: str, limits: Limits) -> TestReport:
    product = Repository(folder / "product.git", "run")
    tree = await product.save(Change("Engineer", "Write", {"tests/test_it.py": tests}))
    environments = Environments(folder / "home")
    laboratory = Laboratory(product, choose_sandbox, environments, limits)
    return (await laboratory.examine(Subject(tree, "library", "python"))).report


async def test_tests_that_hang_are_ended_and_blamed(tmp_path: Path) -> None:
    tests = "import time\n\n\ndef test_r1_waits():\n    time.sleep(3600)\n"
    report = await examined(tmp_path, tests, Limits(wall_s=4))
    assert (report.status, report.reason) == (
        "failed",
        "the tests were ended by the sandbox: timeout",
    )


async def test_a_hundred_megabytes_of_output_are_ended_and_cut(tmp_path: Path) -> None:
    tests = (
        "import os\n\n\ndef test_r1_shouts(capfd):\n    with capfd.disabled():\n"
        "        for _ in range(100):\n            os.write(1, b'x' * 1_000_000)\n"
        "    assert 1 + 1 == 2\n"
    )
    report = await examined(tmp_path, tests, Limits())
    assert report.reason == "the tests were ended by the sandbox: output"
    assert len(report.output) <= 6000


async def test_a_product_that_forks_without_end_is_ended(tmp_path: Path) -> None:
    tests = (
        "import os, time\n\n\ndef test_r1_forks():\n    while True:\n"
        "        try:\n            os.fork()\n        except OSError:\n"
        "            time.sleep(0.01)\n"
    )
    report = await examined(tmp_path, tests, Limits(wall_s=6, processes=40))
    assert report.status == "failed"
    assert report.reason.startswith("the tests were ended by the sandbox: ")

"""Products that want to be taken for working: what pytest says of one whose only test fails.

A test program and its report come from a process the product reaches, so none of this is a wall.
What is contained here is what costs a product nothing; see ``HOPELESS`` for what isn't.
"""

import asyncio
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from softfactory.nodes.junit import cases_of
from softfactory.sandbox import (
    Command,
    Environments,
    Limits,
    ProductEnvironment,
    RunResult,
    Sandbox,
    choose_sandbox,
    discard,
    read_collected,
)

PRODUCT = "def double(number):\n    return number\n"
TEST = "from product import double\n\ndef test_r1_doubles():\n    assert double(2) == 4\n"
REPORT = '<testsuite><testcase name="test_r1_doubles" classname="tests.test_product"/></testsuite>'
REWRITE = """
import pytest
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""
FORGE = "import sys\nwords = [w for w in sys.argv if '--junit' in w] or ['=report.xml']\n" + (
    f"open(words[0].partition('=')[2], 'w').write({REPORT!r})\n"
)
LEAVE = FORGE + "import os\nos._exit(0)\n"
FORGERIES = {
    "ends with 0 before anything was tested": {"product.py": "import os\nos._exit(0)\n"},
    "leaves with 0 at the end": {
        "product.py": "import atexit, os\natexit.register(os._exit, 0)\n" + PRODUCT
    },
    "ships a report": {
        "product.py": "import os\nos._exit(0)\n",
        "report.xml": REPORT,
        ".softfactory-report.xml": REPORT,
    },
    "stands in for pytest": {"pytest.py": FORGE},
    "stands in for pytest with a folder": {"pytest/__init__.py": "", "pytest/__main__.py": FORGE},
    "stands in for what pytest needs": dict.fromkeys(
        ("pluggy.py", "iniconfig.py", "_pytest/__init__.py", "argparse.py"), LEAVE
    ),
    "starts with the interpreter": dict.fromkeys(("sitecustomize.py", "usercustomize.py"), LEAVE),
    "rewrites outcomes in its conftest": {"conftest.py": REWRITE},
    "brings a plugin through its ini-file": {
        "pytest.ini": "[pytest]\naddopts = -p rewrite\n",
        "rewrite.py": REWRITE,
    },
    "brings a plugin through its pyproject": {
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p rewrite'\n",
        "rewrite.py": REWRITE,
    },
    "chooses what is collected": {
        "pytest.ini": "[pytest]\npython_files = other_*.py\ntestpaths = other\n",
        "tests/other_test.py": "def test_r1_doubles():\n    pass\n",
    },
}
HOPELESS = {
    "forges the report at import, by the name in the arguments, and leaves": {"product.py": LEAVE},
    "changes pytest itself at import": {
        "product.py": PRODUCT + "from _pytest.reports import TestReport as report\n"
        "report.failed = property(lambda self: False)\n"
        "made = report.from_item_and_call.__func__\n"
        "def forged(cls, item, call):\n"
        "    call.excinfo = None\n"
        "    return made(cls, item, call)\n"
        "report.from_item_and_call = classmethod(forged)\n"
    },
}


@pytest.fixture(scope="module")
def environment() -> Iterator[ProductEnvironment]:
    with tempfile.TemporaryDirectory(prefix="home-") as name:
        Path(name).chmod(0o755)
        yield asyncio.run(Environments(Path(name)).prepare([]))


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return asyncio.run(choose_sandbox())


async def passes(
    sandbox: Sandbox, environment: ProductEnvironment, forgery: dict[str, str]
) -> tuple[bool, RunResult]:
    """Tell whether a broken product is taken for a working one, as the laboratory would."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="softfactory-"))
    report = f"report-{secrets.token_hex(8)}.xml"
    try:
        await asyncio.to_thread(_write, folder, forgery)
        argv = environment.pytest(folder, report)
        command = Command(argv, folder, Limits(wall_s=60), readable=environment.readable)
        result = await sandbox.run(command)
        try:
            cases = cases_of(await asyncio.to_thread(read_collected, folder, report, 1 << 20))
        except OSError:
            cases = []
    finally:
        await asyncio.to_thread(discard, folder)
    good = bool(cases) and all(case.outcome == "passed" for case in cases)
    return result.exit_code == 0 and result.reason == "exit" and good, result


def _write(folder: Path, forgery: dict[str, str]) -> None:
    files = {"product.py": PRODUCT, "tests/test_product.py": TEST, **forgery}
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


async def test_an_honest_product_passes(sandbox: Sandbox, environment: ProductEnvironment) -> None:
    honest = {"product.py": PRODUCT.replace("number\n", "2 * number\n")}
    passed, result = await passes(sandbox, environment, honest)
    assert passed, result


@pytest.mark.parametrize("name", FORGERIES)
async def test_a_cheap_forgery_is_no_pass(
    name: str, sandbox: Sandbox, environment: ProductEnvironment
) -> None:
    passed, result = await passes(sandbox, environment, FORGERIES[name])
    assert not passed, result


@pytest.mark.parametrize("name", HOPELESS)
async def test_a_product_that_knows_pytest_can_still_deceive_it(
    name: str, sandbox: Sandbox, environment: ProductEnvironment
) -> None:
    passed, result = await passes(sandbox, environment, HOPELESS[name])
    assert passed, f"contained now: move it to FORGERIES. {result}"

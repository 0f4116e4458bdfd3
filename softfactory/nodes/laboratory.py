"""Where a product is tried: its tests and its start, in a throw-away checkout in the sandbox."""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from softfactory.nodes.junit import cases_of, steadied
from softfactory.product.repository import Repository
from softfactory.sandbox import (
    Command,
    Environments,
    ProductEnvironment,
    RunResult,
    Sandbox,
    discard,
    read_collected,
)
from softfactory.state.company import Tree
from softfactory.state.testing import Case, RunRecipe, TestReport, Trial

REPORT = ".softfactory-report.xml"
OUTPUT_KEPT = 6000
PYTEST = ("-m", "pytest", "-q", "--tb=short", "--no-header", "-p", "no:cacheprovider")
JAVASCRIPT_TESTS = re.compile(r"tests/.*\.test\.[cm]?js$")
NODE_MISSING = "Node.js is not installed: `apt-get install nodejs`, then `softfactory resume`"


@dataclass(frozen=True)
class Subject:
    """What is to be tried."""

    tree: Tree
    language: str
    packages: tuple[str, ...]
    recipe: RunRecipe | None


@dataclass(frozen=True)
class Laboratory:
    """Runs products, and only in the sandbox."""

    product: Repository
    sandbox: Callable[[], Awaitable[Sandbox]]
    environments: Environments

    async def examine(self, subject: Subject) -> TestReport:
        """Run the tests, then start the product as its user would.

        A pass needs all of: the test program ended by itself with 0, it left a fresh report, there
        was more than one test in it, none failed, and every trial came out as expected.
        """
        sandbox = await self.sandbox()
        environment = await self.environments.prepare(subject.packages)
        command = await _test_command(subject, environment)
        if not command:
            return _report("not_run", NODE_MISSING, sandbox.isolation)
        async with self._checkout(subject.tree) as folder:
            argv = tuple(command)
            result = await sandbox.run(Command(argv, folder, readable=environment.readable))
            junit = await asyncio.to_thread(_collected, folder)
        cases = cases_of(junit)
        reason = _trouble(result, cases)
        trials = await self._try(subject, sandbox, environment)
        failed = reason or any(case.outcome == "failed" for case in [*cases, *trials])
        shown = [_printed(result)] + [c.message for c in trials if c.outcome == "failed"]
        return TestReport(
            status="failed" if failed else "passed",
            reason=reason,
            command=" ".join(["python" if subject.language == "python" else "node", *argv[1:]]),
            isolation=sandbox.isolation,
            cases=[*cases, *trials],
            output=_nameless("\n".join(shown), environment)[-OUTPUT_KEPT:],
        )

    async def _try(
        self, subject: Subject, sandbox: Sandbox, environment: ProductEnvironment
    ) -> list[Case]:
        if subject.recipe is None:
            return []
        cases = []
        async with self._checkout(subject.tree) as folder:
            for trial in subject.recipe.trials:
                programs = {"python": str(environment.python), "python3": str(environment.python)}
                argv = (programs.get(trial.command[0], trial.command[0]), *trial.command[1:])
                path = f"{environment.python.parent}:/usr/local/bin:/usr/bin:/bin"
                given = dict(line.split("=", 1) for line in trial.variables if "=" in line)
                command = Command(
                    argv,
                    folder,
                    env={"PATH": path, **given},
                    readable=environment.readable,
                    stdin=trial.stdin,
                )
                cases.append(_judged(trial, await sandbox.run(command)))
        return cases

    @asynccontextmanager
    async def _checkout(self, tree: Tree) -> AsyncIterator[Path]:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="softfactory-"))
        try:
            await self.product.checkout(tree, folder)
            yield folder
        finally:
            await asyncio.to_thread(discard, folder)


async def _test_command(subject: Subject, environment: ProductEnvironment) -> list[str]:
    if subject.language == "python":
        options = ["-o", "junit_family=xunit1", f"--junitxml={REPORT}", "tests"]
        return [str(environment.python), *PYTEST, *options]
    node = await asyncio.to_thread(shutil.which, "node")
    reporter = ["--test-reporter=junit", f"--test-reporter-destination={REPORT}"]
    spoken = ["--test-reporter=spec", "--test-reporter-destination=stdout"]
    files = sorted(path for path in subject.tree if JAVASCRIPT_TESTS.match(path))
    return [node, "--test", *reporter, *spoken, *files] if node else []


def _collected(folder: Path) -> bytes:
    try:
        return read_collected(folder, REPORT, 4 << 20)
    except OSError:
        return b""


def _trouble(result: RunResult, cases: list[Case]) -> str:
    """Why the run of the tests can't count, whatever the single tests say."""
    if result.reason != "exit":
        return f"the tests were ended by the sandbox: {result.reason}"
    if not cases:
        return f"the test program left no report of any test (exit code {result.exit_code})"
    if all(case.outcome == "skipped" for case in cases):
        return "every test was skipped"
    failed = any(case.outcome == "failed" for case in cases)
    if result.exit_code != 0 and not failed:
        return f"the test program ended with exit code {result.exit_code}"
    return ""


def _judged(trial: Trial, result: RunResult) -> Case:
    printed = _printed(result)
    missing = [text for text in trial.shows if text not in printed]
    wrong = ""
    if result.reason != "exit":
        wrong = f"it did not end by itself ({result.reason})"
    elif result.exit_code != trial.exit_code:
        wrong = f"exit code {result.exit_code} instead of {trial.exit_code}"
    elif missing:
        wrong = f"its output lacks {', '.join(map(repr, missing))}"
    line = " ".join([*trial.variables, *trial.command])
    return Case(
        name=f"$ {line}",
        file="",
        outcome="failed" if wrong else "passed",
        message=steadied(f"$ {line}\n{printed}\n→ {wrong}") if wrong else "",
        requirements=list(trial.requirements),
    )


def _nameless(output: str, environment: ProductEnvironment) -> str:
    """What was printed, the same on every machine."""
    folder = environment.python.parent.parent
    return steadied(output.replace(str(environment.python), "python").replace(str(folder), "venv"))


def _printed(result: RunResult) -> str:
    return "\n".join(filter(None, [result.stdout.rstrip(), result.stderr.rstrip()]))


def _report(status: str, reason: str, isolation: str) -> TestReport:
    return TestReport.model_validate(
        {
            "status": status,
            "reason": reason,
            "command": "",
            "isolation": isolation,
            "cases": [],
            "output": "",
        }
    )

"""Where a product is tried: its tests and its start, in a throw-away checkout in the sandbox."""

import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from softfactory.nodes.defects import Defect, defects
from softfactory.nodes.junit import cases_of, steadied
from softfactory.nodes.suites import PICTURES, Facilities, Subject, Suite, suites_of
from softfactory.product.repository import Repository
from softfactory.sandbox import (
    Browser,
    Checkout,
    Command,
    Environments,
    Limits,
    ProductEnvironment,
    RunResult,
    Sandbox,
    checkout,
    find_browser,
)
from softfactory.state.company import Tree
from softfactory.state.testing import Case, Probe, TestReport, Trial

OUTPUT_KEPT = 6000
MOST_PICTURES = 12
LARGEST_PICTURE = 600_000


@dataclass(frozen=True)
class Examination:
    """What came out of trying a product."""

    report: TestReport
    pictures: Mapping[str, bytes]
    """Screenshots by name, one for each requirement that a browser has shown."""


@dataclass(frozen=True)
class SuiteRun:
    """How one test program ended."""

    suite: Suite
    cases: Sequence[Case] = ()
    reason: str = ""
    printed: str = ""
    pictures: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether anything went wrong in it."""
        return bool(self.reason) or any(case.outcome == "failed" for case in self.cases)


@dataclass(frozen=True)
class Laboratory:
    """Runs products, and only in the sandbox."""

    product: Repository
    sandbox: Callable[[], Awaitable[Sandbox]]
    environments: Environments
    limits: Limits = field(default_factory=Limits)
    """Of a test program; one with a browser has its own."""
    _browsers: dict[str, Browser | None] = field(default_factory=dict)

    async def examine(self, subject: Subject) -> Examination:
        """Run the tests, then start the product as its user would.

        A pass needs all of: each test program ended by itself with 0 and left a fresh report with
        tests in it, none failed, every required requirement was tested, and every trial came out
        as expected. What has passed is tried once more with small defects in it.
        """
        sandbox = await self.sandbox()
        suites, missing = await suites_of(subject, await self._facilities(subject, sandbox))
        runs = [await self._run(subject, suite, sandbox) for suite in suites]
        trials = await self._try(subject, suites, sandbox)
        cases = [case for run in runs for case in run.cases] + trials
        reason = next(filter(None, [run.reason for run in runs]), "")
        reason = reason or ("" if missing else _untested(subject, cases))
        failed = bool(reason) or any(case.outcome == "failed" for case in cases)
        probe = Probe()
        if runs and not failed:
            probe = await self._probe(subject, suites, sandbox)
        shown = [run.printed for run in runs if run.failed or not failed]
        shown += [case.message for case in trials if case.outcome == "failed"]
        report = TestReport(
            status="failed" if failed else "passed" if runs else "not_run",
            reason=reason,
            command=" && ".join(suite.command for suite in suites),
            isolation=sandbox.isolation,
            cases=cases,
            output="\n".join(shown)[-OUTPUT_KEPT:],
            missing=missing,
            probe=probe,
        )
        return Examination(report, {n: p for run in runs for n, p in run.pictures.items()})

    async def _facilities(self, subject: Subject, sandbox: Sandbox) -> Facilities:
        known = self._browsers
        if subject.kind == "web_page" and sandbox.isolation not in known:
            known[sandbox.isolation] = await find_browser(sandbox)
        browser = known.get(sandbox.isolation)
        return Facilities(self.environments, self.limits, browser, sandbox.offers_loopback)

    async def _run(
        self, subject: Subject, suite: Suite, sandbox: Sandbox, defect: Defect | None = None
    ) -> SuiteRun:
        report = f".report-{secrets.token_hex(8)}.xml"
        hurry = suite.in_a_hurry if defect else ()
        async with self._checkout(subject, defect) as made:
            result = await sandbox.run(
                Command(
                    (*suite.argv(made, report), *hurry),
                    made.folder,
                    limits=suite.limits,
                    env=suite.variables,
                    readable=suite.environment.readable,
                )
            )
            cases = cases_of(await made.collected(report, 4 << 20))
            pictures = _chosen(await made.pictures(PICTURES), cases)
        printed = _nameless(_printed(result), suite.environment)
        return SuiteRun(suite, cases, _trouble(result, cases), printed, pictures)

    async def _probe(self, subject: Subject, suites: Sequence[Suite], sandbox: Sandbox) -> Probe:
        """Put defects in, one at a time, until a test notices one."""
        files = {p: b for p, b in subject.tree.items() if not p.startswith("tests/")}
        texts, missed = await self.product.texts(files), list[str]()
        rules = [path for path, text in sorted(texts.items()) if "module.exports" in text]
        for defect in defects(texts, first=rules[0] if rules else subject.entry):
            for suite in suites:
                if (await self._run(subject, suite, sandbox, defect)).failed:
                    return Probe(noticed=str(defect), missed=missed)
            missed.append(str(defect))
        return Probe(missed=missed)

    async def _try(self, subject: Subject, suites: Sequence[Suite], sandbox: Sandbox) -> list[Case]:
        if subject.recipe is None or not suites:
            return []
        environment, cases = suites[0].environment, []
        programs = dict.fromkeys(("python", "python3"), str(environment.python))
        path = f"{environment.python.parent}:/usr/local/bin:/usr/bin:/bin"
        async with self._checkout(subject) as made:
            for trial in subject.recipe.trials:
                given = dict(line.split("=", 1) for line in trial.variables if "=" in line)
                command = Command(
                    (programs.get(trial.command[0], trial.command[0]), *trial.command[1:]),
                    made.folder,
                    env={"PATH": path, **given},
                    readable=environment.readable,
                    stdin=trial.stdin,
                )
                cases.append(_judged(trial, await sandbox.run(command)))
        return cases

    @asynccontextmanager
    async def _checkout(
        self, subject: Subject, defect: Defect | None = None
    ) -> AsyncIterator[Checkout]:
        """The product as it is tried: without leftovers, with our fixtures, perhaps a defect."""
        async with checkout() as made:
            await self.product.checkout(_tried(subject.tree), made.folder)
            changed = {defect.path: defect.text} if defect else {}
            await made.put({**subject.harness(), **changed})
            yield made


def _tried(tree: Tree) -> Tree:
    return {path: blob for path, blob in tree.items() if not path.startswith("docs/")}


def _chosen(found: Mapping[str, bytes], cases: Sequence[Case]) -> dict[str, bytes]:
    """One screenshot for each requirement, taken at the end of a test that shows it."""
    pictures: dict[str, bytes] = {}
    for case in cases:
        name = re.sub(r"\W+", "-", case.name).strip("-")[:80]
        data = found.get(f"{name}.png")
        if case.outcome != "passed" or data is None or len(data) > LARGEST_PICTURE:
            continue
        for requirement in case.requirements:
            if len(pictures) < MOST_PICTURES:
                pictures.setdefault(requirement, data)
    return pictures


def _trouble(result: RunResult, cases: Sequence[Case]) -> str:
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


def _untested(subject: Subject, cases: Sequence[Case]) -> str:
    """Requirements that had to be tested and were not, by no test or by skipped ones only."""
    tested = {r for case in cases if case.outcome != "skipped" for r in case.requirements}
    left = [requirement for requirement in subject.required if requirement not in tested]
    return f"no test of {', '.join(left)} was run" if left else ""


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
        message=steadied(f"$ {line}\n{printed}" + (f"\n→ {wrong}" if wrong else "")),
        requirements=list(trial.requirements),
    )


def _nameless(output: str, environment: ProductEnvironment) -> str:
    """What was printed, the same on every machine."""
    folder = environment.python.parent.parent
    return steadied(output.replace(str(environment.python), "python").replace(str(folder), "venv"))


def _printed(result: RunResult) -> str:
    return "\n".join(filter(None, [result.stdout.rstrip(), result.stderr.rstrip()]))

"""The QA engineer: tests from the requirements, a run in the sandbox, a verdict on failures."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from softfactory.config import QA_ROUNDS
from softfactory.models.answers import FilesReader
from softfactory.models.model import Model
from softfactory.nodes.engineer import listing
from softfactory.nodes.laboratory import Laboratory, Subject
from softfactory.nodes.written_tests import altered_passing_tests, uncovered
from softfactory.persistence.calls import Outcome
from softfactory.product.repository import Change, Repository
from softfactory.prompts import prompt, render
from softfactory.state.company import CompanyState, Tree, Update
from softfactory.state.events import Event, RoleName, Tell
from softfactory.state.markdown import counted
from softfactory.state.testing import RunRecipe, TestReport, Verdict

ROLE: RoleName = "QA Engineer"


@dataclass(frozen=True)
class QAEngineer:
    """Writes the tests once, mends only wrong ones, and runs them as often as it takes."""

    model: Model
    product: Repository
    laboratory: Laboratory
    tell: Tell

    async def __call__(self, state: CompanyState) -> Update:
        """Try the product; if it fails, judge who has to do something."""
        turn = state.get("qa_round", 0) + 1
        limit = QA_ROUNDS + state.get("allowance", 0)
        await self._tell("work", f"tests the product, round {turn} of {limit}", turn)
        dossier = await self.product.text(state["dossier"])
        tests, recipe = await self._tests_and_recipe(state, dossier)
        tree = {**state["tree"], **tests}
        report = await self.laboratory.examine(self._subject(state, tree, recipe))
        await self._tell("test", _summary(report), turn)
        if report.status != "not_run":
            await self._judge_code(state, "passed" if report.status == "passed" else "failed")
        verdict = None
        if report.status == "failed":
            verdict = await self._judge(state, dossier, tree, report)
            await self._tell("finding", f"the {verdict.fault} is at fault: {verdict.cause}", turn)
        return {
            "tree": tests,
            "recipe": recipe,
            "report": report,
            "verdict": verdict,
            "qa_round": turn,
        }

    async def _tests_and_recipe(
        self, state: CompanyState, dossier: str
    ) -> tuple[Tree, RunRecipe | None]:
        verdict, report, recipe = state.get("verdict"), state.get("report"), state.get("recipe")
        current = {p: b for p, b in state["tree"].items() if p.startswith("tests/")}
        if not current:
            return await asyncio.gather(
                self._write_tests(state, dossier, {}, ""), self._choose_trials(state, dossier, "")
            )
        if not verdict or not report or verdict.fault == "code":
            return {}, recipe
        failing = [case for case in report.cases if case.outcome == "failed"]
        cause = f"{verdict.cause}\n{verdict.evidence}\n{verdict.fix}"
        if failing and all(case.file == "" for case in failing):
            return {}, await self._choose_trials(state, dossier, cause)
        return await self._write_tests(state, dossier, current, cause), recipe

    async def _write_tests(
        self, state: CompanyState, dossier: str, current: Tree, cause: str
    ) -> Tree:
        texts = await self.product.texts(current)
        report, problems = state.get("report"), ""
        if current and report:
            failing = [case.name for case in report.cases if case.outcome == "failed" and case.file]
            problems = render(
                "parts/mend_tests",
                failing=", ".join(failing) or "all: they could not be run",
                cause=cause,
                code=listing(texts),
            )
        if state.get("hint"):
            problems += render("parts/hint", hint=state["hint"])
        asked = prompt("write_test", ROLE, dossier=dossier, how=_how(state), problems=problems)
        reader = FilesReader(
            texts,
            allowed=lambda path: path.startswith("tests/"),
            check=lambda files: _unfit(state, texts, files),
        )
        files = await self.model.write(asked, reader)
        summary = "Mend wrong tests" if current else "Write the tests"
        return await self.product.save(Change(ROLE, summary, files))

    async def _choose_trials(
        self, state: CompanyState, dossier: str, cause: str
    ) -> RunRecipe | None:
        if state["design"].kind != "command_line":
            return None
        problems = render("parts/mend_trials", cause=cause) if cause else ""
        asked = prompt("run_code", ROLE, dossier=dossier, problems=problems)
        return await self.model.ask(asked, RunRecipe)

    async def _judge(
        self, state: CompanyState, dossier: str, tree: Tree, report: TestReport
    ) -> Verdict:
        code = {path: tree[path] for path in _sources(state) if path in tree}
        failing = {case.file for case in report.cases if case.outcome == "failed"}
        tests = {path: blob for path, blob in tree.items() if path.startswith("tests/")}
        asked = prompt(
            "debug_error",
            ROLE,
            dossier=dossier,
            output=f"{report.reason}\n{report.output}".strip(),
            code=listing(await self.product.texts(code)),
            tests=listing(
                await self.product.texts({p: b for p, b in tests.items() if p in failing} or tests)
            ),
        )
        return await self.model.ask(asked, Verdict)

    async def _judge_code(self, state: CompanyState, how: Literal["passed", "failed"]) -> None:
        outcome: Outcome = "tests passed" if how == "passed" else "tests failed"
        for package in state["plan"].packages:
            await self.model.ledger.judge("write_code", f"{package.id} ", outcome)

    def _subject(self, state: CompanyState, tree: Tree, recipe: RunRecipe | None) -> Subject:
        runnable = {p: b for p, b in tree.items() if not p.startswith("docs/")}
        return Subject(
            tree=runnable,
            language=state["design"].programming_language,
            packages=tuple(package.name for package in state["dependencies"].packages),
            recipe=recipe,
        )

    async def _tell(self, kind: str, text: str, turn: int) -> None:
        data = {"kind": kind, "role": ROLE, "text": text, "data": {"round": turn}}
        await self.tell(Event.model_validate(data))


def _how(state: CompanyState) -> str:
    design = state["design"]
    if design.programming_language == "javascript":
        return render("parts/tests_javascript").strip()
    if design.kind == "command_line":
        text = render("parts/tests_python_command_line").strip()
        return text.replace("ENTRY", state["layout"].entry)
    return render("parts/tests_python").strip()


def _unfit(state: CompanyState, before: Mapping[str, str], files: Mapping[str, str]) -> str:
    now = {**before, **files}
    missing = uncovered(now, [r.id for r in state["prd"].requirements if r.priority == "P0"])
    if missing:
        return f"no test is named after {', '.join(missing)}, which is P0"
    report = state.get("report")
    passing = [case.name for case in report.cases if case.outcome == "passed"] if report else []
    altered = altered_passing_tests(before, now, passing)
    if altered:
        return f"these tests pass and must stay exactly as they are: {', '.join(altered)}"
    if before and all(before.get(path) == text for path, text in files.items()):
        return "it changes nothing: mend the failing tests"
    return ""


def _sources(state: CompanyState) -> list[str]:
    return [file.path for file in state["layout"].files]


def _summary(report: TestReport) -> str:
    passed = sum(case.outcome == "passed" for case in report.cases)
    failed = [case.name for case in report.cases if case.outcome == "failed"]
    trials = sum(not case.file for case in report.cases)
    text = f"{passed} passed, {len(failed)} failed"
    if trials:
        text += f", {counted(trials, 'trial')} among them"
    if failed:
        text += f" ({', '.join(failed[:3])}{', ...' if len(failed) > 3 else ''})"
    return f"{text}; {report.reason}" if report.reason else text

"""The QA engineer: tests from the requirements, a run in the sandbox, a verdict on failures."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from softfactory.config import QA_ROUNDS
from softfactory.errors import AnswerUnusable
from softfactory.models.answers import FilesReader
from softfactory.models.model import Model
from softfactory.nodes.engineer import listing
from softfactory.nodes.laboratory import Laboratory
from softfactory.nodes.suites import HARNESSES, subject_of
from softfactory.nodes.test_results import blunt_tests, repeats, summary, was_blunt
from softfactory.nodes.written_tests import altered_passing_tests, uncovered
from softfactory.persistence.calls import Outcome
from softfactory.product.repository import Change, Repository
from softfactory.prompts import prompt, render
from softfactory.state.company import CompanyState, Tree, Update
from softfactory.state.events import Event, RoleName, Tell
from softfactory.state.markdown import prd_brief
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
        examined = await self.laboratory.examine(subject_of(state, tree, recipe))
        report = examined.report
        await self._tell("test", summary(report), turn)
        await self._judge_code(state, report)
        verdict = None
        if report.status == "failed":
            verdict = await self._judge(state, dossier, tree, report)
            await self._tell("finding", f"the {verdict.fault} is at fault: {verdict.cause}", turn)
        elif report.probe.blunt and turn < limit and not was_blunt(state):
            verdict = blunt_tests(report, tree)
            await self._tell("finding", verdict.cause, turn)
        pictures = await self._keep(examined.pictures)
        report = report.model_copy(
            update={"pictures": sorted(pictures), "repeats": repeats(state, report, verdict)}
        )
        return {
            "tree": {**tests, **pictures},
            "recipe": recipe,
            "report": report,
            "verdict": verdict,
            "qa_round": turn,
        }

    async def _tests_and_recipe(
        self, state: CompanyState, dossier: str
    ) -> tuple[Tree, RunRecipe | None]:
        verdict, report, recipe = state.get("verdict"), state.get("report"), state.get("recipe")
        ours = subject_of(state, {}, None).harness()
        current = {
            path: blob
            for path, blob in state["tree"].items()
            if path.startswith("tests/") and path not in ours
        }
        if not current or "report" not in state:  # what is there was written by hand
            return await asyncio.gather(
                self._write_tests(state, dossier, {}, ""), self._choose_trials(state, "")
            )
        if not verdict or not report or verdict.fault == "code":
            return {}, recipe
        failing = [case for case in report.cases if case.outcome == "failed"]
        cause = f"{verdict.cause}\n{verdict.evidence}\n{verdict.fix}"
        if failing and all(case.file == "" for case in failing):
            return {}, await self._choose_trials(state, cause)
        try:
            return await self._write_tests(state, dossier, current, cause), recipe
        except AnswerUnusable as error:
            if report.status != "passed":
                raise
            await self._tell("note", f"the tests stay as they are: {error}", state["qa_round"])
            return {}, recipe

    async def _write_tests(
        self, state: CompanyState, dossier: str, current: Tree, cause: str
    ) -> Tree:
        texts = await self.product.texts(current)
        problems = _to_mend(state, texts, cause) if current else ""
        if state.get("hint"):
            problems += render("parts/hint", hint=state["hint"])
        ours = subject_of(state, {}, None).harness()
        by_hand = state["tree"].keys() - current.keys()
        asked = prompt("write_test", ROLE, dossier=dossier, how=_how(state), problems=problems)
        reader = FilesReader(
            texts,
            allowed=lambda path: path.startswith("tests/") and path not in {*ours, *by_hand},
            check=lambda files: _unfit(state, texts, files),
        )
        files = await self.model.write(asked, reader)
        what = "Mend wrong tests" if current else "Write the tests"
        fixtures = {path: text for path, text in ours.items() if path not in state["tree"]}
        return await self.product.save(Change(ROLE, what, {**files, **fixtures}, seen=current))

    async def _choose_trials(self, state: CompanyState, cause: str) -> RunRecipe | None:
        if state["design"].kind != "command_line":
            return None
        problems = render("parts/mend_trials", cause=cause) if cause else ""
        asked = prompt(
            "run_code",
            ROLE,
            requirements=prd_brief(state["prd"], state.get("answers", {})),
            data=state["design"].data,
            usage=state["layout"].usage,
            problems=problems,
        )
        return await self.model.ask(asked, RunRecipe)

    async def _keep(self, pictures: Mapping[str, bytes]) -> Tree:
        files = {f"docs/pictures/{name}.png": data for name, data in pictures.items()}
        return await self.product.save(Change(ROLE, "Picture the product", files)) if files else {}

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

    async def _judge_code(self, state: CompanyState, report: TestReport) -> None:
        if report.status == "not_run":
            return
        outcome: Outcome = "tests passed" if report.status == "passed" else "tests failed"
        for package in state["plan"].packages:
            await self.model.ledger.judge("write_code", f"{package.id} ", outcome)

    async def _tell(self, kind: str, text: str, turn: int) -> None:
        data = {"kind": kind, "role": ROLE, "text": text, "data": {"round": turn}}
        await self.tell(Event.model_validate(data))


def _how(state: CompanyState) -> str:
    """How tests of this kind of product are written."""
    design, entry = state["design"], state["layout"].entry
    named: str = HARNESSES.get(design.kind, design.programming_language)
    if design.kind == "command_line" and named == "python":
        named = "command_line"
    return render(f"parts/tests_{named}", entry=entry).strip()


def _to_mend(state: CompanyState, texts: Mapping[str, str], cause: str) -> str:
    report = state["report"]
    if report.probe.blunt:
        defects = "\n".join(f"- {defect}" for defect in report.probe.missed)
        return render("parts/sharpen_tests", defects=defects, code=listing(texts))
    failing = [case.name for case in report.cases if case.outcome == "failed" and case.file]
    return render(
        "parts/mend_tests",
        failing=", ".join(failing) or "all: they could not be run",
        cause=cause,
        code=listing(texts),
    )


def _unfit(state: CompanyState, before: Mapping[str, str], files: Mapping[str, str]) -> str:
    now = {**before, **files}
    is_page = state["design"].kind == "web_page"
    speaking = {path: text for path, text in now.items() if not is_page or path.endswith(".py")}
    required = [r.id for r in state["prd"].requirements if r.priority == "P0"]
    missing = uncovered(speaking, required)
    if missing:
        where = " that opens the page" if is_page else ""
        return f"no test{where} is named after {', '.join(missing)}, which is P0"
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

"""The engineer and the static check: code for one work package."""

from collections.abc import Mapping
from dataclasses import dataclass

from softfactory.models.answers import FilesReader
from softfactory.models.model import Model
from softfactory.nodes.checks import check_files
from softfactory.product.repository import Change, Repository
from softfactory.prompts import Prompt, prompt, render
from softfactory.state.company import PackageResult, PackageState, PackageUpdate
from softfactory.state.documents import Finding
from softfactory.state.events import Event, RoleName, Tell
from softfactory.state.markdown import counted, findings_markdown

ROLE: RoleName = "Engineer"


@dataclass(frozen=True)
class Engineer:
    """Writes the files of a package; asked again, mends them with edits."""

    model: Model
    product: Repository
    tell: Tell

    async def __call__(self, state: PackageState) -> PackageUpdate:
        """Write or mend the package."""
        package, turn = state["package"], state.get("round", 0) + 1
        await self.tell(_work(state, turn))
        now = {**state["before"], **state.get("tree", {})}
        current = await self.product.texts({p: now[p] for p in package.files if p in now})
        reader = FilesReader(
            current,
            allowed=lambda path: path in package.files,
            check=lambda files: _unchanged(current, files),
            expected=package.files,
        )
        files = await self.model.write(await self._prompt(state, current, turn), reader)
        what = "Write" if not current else "Mend"
        summary = f"{what} {package.title} ({package.id}, round {turn})"
        seen = now if current and state["problems"] else {}
        tree = await self.product.save(Change(ROLE, summary, files, seen))
        return {"round": turn, "tree": tree}

    async def _prompt(self, state: PackageState, current: Mapping[str, str], turn: int) -> Prompt:
        package, before = state["package"], state["before"]
        needed = await self.product.texts({p: before[p] for p in state["reads"] if p in before})
        problems = ""
        if current and state["problems"]:
            problems = render(
                "parts/mend",
                round=str(turn),
                limit=str(state["limit"]),
                code=listing(current),
                findings=findings_markdown(state["problems"]),
            )
        if state["failing"]:
            problems += render("parts/failing", output=state["failing"])
        if state["hint"]:
            problems += render("parts/hint", hint=state["hint"])
        asked = prompt(
            "write_code",
            ROLE,
            subject=f"{package.id} round {turn}",
            dossier=await self.product.text(state["dossier"]),
            package=f"{package.id} ({package.title})",
            files=", ".join(package.files),
            context=render("parts/needed", code=listing(needed)) if needed else "",
            problems=problems,
        )
        return Prompt(
            asked.skill,
            asked.role,
            asked.text,
            asked.subject,
            tuple(filter(None, [state["failing"]])),
        )


@dataclass(frozen=True)
class StaticCheck:
    """Looks for what no opinion is needed for, before a reviewer's time is spent."""

    product: Repository
    tell: Tell

    async def __call__(self, state: PackageState) -> PackageUpdate:
        """Check the package's files against the plan and against each other."""
        package = state["package"]
        now = {**state["before"], **state.get("tree", {})}
        files = await self.product.texts({p: now[p] for p in package.files if p in now})
        problems = check_files(files, package.files, state["modules"], state["planned"])[:12]
        await self.tell(
            Event(
                kind="finding",
                role="Company",
                text=f"static check of {package.id}: {counted(len(problems), 'problem')}",
                data={"check": "static", "problems": [f"{p.where}: {p.problem}" for p in problems]},
            )
        )
        result = PackageResult(
            package=package.id, rounds=state["round"], problems=problems, remarks=[]
        )
        return {"problems": problems, "done": {package.id: result}}


def listing(files: Mapping[str, str]) -> str:
    """Files as fenced blocks, in the form in which models hand them in."""
    return "\n\n".join(
        f"````text {path}\n{text.rstrip()}\n````" for path, text in sorted(files.items())
    )


def _unchanged(current: Mapping[str, str], files: Mapping[str, str]) -> str:
    if all(current.get(path) == text for path, text in files.items()):
        return "it changes nothing: mend what was found"
    return ""


def _work(state: PackageState, turn: int) -> Event:
    package, problems = state["package"], state["problems"]
    why = "writes" if not problems else f"mends {counted(len(problems), 'problem')} in"
    text = f"{why} {package.id} {package.title}, round {turn} of {state['limit']}"
    data = {"package": package.id, "round": turn, "limit": state["limit"]}
    return Event(kind="work", role=ROLE, text=text, data={**data, "findings": _lines(problems)})


def _lines(problems: list[Finding]) -> list[str]:
    return [f"{problem.where}: {problem.problem}"[:200] for problem in problems]

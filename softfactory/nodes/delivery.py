"""The delivery: README, report, tag, and a spoken summary if one is wanted."""

from dataclasses import dataclass
from typing import Literal

from softfactory.errors import ToolFailed
from softfactory.models.model import Model
from softfactory.nodes.report import readme, report_markdown, verdict_on
from softfactory.product.repository import Change, Repository
from softfactory.prompts import prompt
from softfactory.state.company import CompanyState, Update
from softfactory.state.documents import Spoken
from softfactory.state.events import Event, RoleName, Tell
from softfactory.state.headings import headings
from softfactory.state.markdown import design_markdown, plan_markdown, prd_markdown
from softfactory.state.testing import Delivery
from softfactory.tools.speech import Speech

ROLE: RoleName = "QA Engineer"
TAG = "delivered"


@dataclass(frozen=True)
class Deliver:
    """Hands the product over and says what has been shown and what has not."""

    model: Model
    product: Repository
    speech: Speech | None
    speak: bool
    has_search: bool
    tell: Tell

    async def __call__(self, state: CompanyState) -> Update:
        """Write what accompanies the product and tag it."""
        shown = {r.id: verdict_on(r, state["report"]) for r in state["prd"].requirements}
        verified = [name for name, result in shown.items() if result == "shown"]
        not_shown = [name for name, result in shown.items() if result != "shown"]
        spoken, sound = await self._speak(state, verified, not_shown)
        files = {**await self._documents(state, spoken), **sound}
        tree = await self.product.save(Change(ROLE, "Deliver the product", files, seen={}))
        await self.product.tag(TAG)
        delivery = Delivery(verified=verified, not_shown=not_shown, tag=TAG, spoken=spoken)
        return {"tree": tree, "delivery": delivery}

    async def _documents(
        self, state: CompanyState, spoken: Literal["no", "yes", "skipped"]
    ) -> dict[str, str | bytes]:
        prd, answers = state["prd"], state.get("answers", {})
        words = headings(prd.language)
        notes = [] if self.has_search else [words["no_search"]]
        if spoken == "skipped":
            notes.append(words["no_speech"])
        calls = await self.model.ledger.calls.of_run(self.model.ledger.run)
        documents: dict[str, str | bytes] = {
            "docs/prd.md": prd_markdown(prd, state.get("research"), answers),
            "docs/design.md": design_markdown(
                prd, state["design"], state["layout"], state["dependencies"]
            ),
            "docs/plan.md": plan_markdown(prd, state["plan"]),
            "docs/report.md": report_markdown(state, calls, notes),
        }
        if "README.md" not in [file.path for file in state["layout"].files]:
            documents["README.md"] = readme(state)
        return documents | _frame(state)

    async def _speak(
        self, state: CompanyState, verified: list[str], not_shown: list[str]
    ) -> tuple[Literal["no", "yes", "skipped"], dict[str, bytes]]:
        if not self.speak:
            return "no", {}
        if self.speech is None:
            text = "azure_tts skipped: no speech is configured (AZURE_SPEECH_KEY, espeak-ng)"
            await self.tell(Event(kind="note", role=ROLE, text=text))
            return "skipped", {}
        result = f"shown to work: {', '.join(verified)}; not shown: {', '.join(not_shown) or '-'}"
        dossier = await self.product.text(state["dossier"])
        asked = prompt("azure_tts", ROLE, dossier=dossier, result=result)
        spoken = await self.model.ask(asked, Spoken)
        try:
            sound = await self.speech.speak(spoken.text, state["prd"].language)
        except ToolFailed as error:
            await self.tell(Event(kind="note", role=ROLE, text=f"speech skipped: {error}"))
            return "skipped", {}
        return "yes", {f"docs/summary{sound.suffix}": sound.data}


def _frame(state: CompanyState) -> dict[str, str]:
    """Small files that make the folder a project of its own, where nobody has written them."""
    packages = state["dependencies"].packages
    frame = {"requirements.txt": "".join(f"{package.name}\n" for package in packages)}
    if state["design"].programming_language == "python":
        frame |= {"pytest.ini": "[pytest]\ntestpaths = tests\n", ".gitignore": "__pycache__/\n"}
    return {path: text for path, text in frame.items() if text and path not in state["tree"]}

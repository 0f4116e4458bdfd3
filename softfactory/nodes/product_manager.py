"""The product manager: from the idea to requirements."""

from collections.abc import Sequence
from dataclasses import dataclass

from softfactory.errors import ToolFailed
from softfactory.models.model import Model
from softfactory.product.repository import Change, Repository
from softfactory.prompts import prompt, render
from softfactory.state.company import CompanyState, Update
from softfactory.state.documents import PRD, Finding, Research, Review
from softfactory.state.events import Event, RoleName, Tell
from softfactory.state.markdown import bullets, findings_markdown, prd_brief, prd_markdown
from softfactory.tools.search import Hit, Search

ROLE: RoleName = "Product Manager"


@dataclass(frozen=True)
class ProductManager:
    """Turns the idea into requirements, and again when a human asks for changes."""

    model: Model
    product: Repository
    search: Search | None
    thorough: bool
    tell: Tell

    async def __call__(self, state: CompanyState) -> Update:
        """Write the PRD; from medium size on it is read a second time."""
        decision, previous = state.get("decision"), state.get("prd")
        research = state.get("research") or await self._research(state["idea"])
        if decision and previous:
            words = decision.feedback
            prd = await self._write(state["idea"], research, _feedback(words, previous))
        else:
            prd = await self._write(state["idea"], research, "")
        if self.thorough or prd.size != "small":
            prd = await self._read_again(state["idea"], research, prd)
        named = Event(kind="named", role=ROLE, text=prd.title, data={"name": prd.name})
        await self.tell(named)
        text = prd_markdown(prd, research, {})
        summary = "Change the requirements" if previous else "Write the requirements"
        tree = await self.product.save(Change(ROLE, summary, {"docs/prd.md": text}, seen={}))
        return {"research": research, "prd": prd, "tree": tree}

    async def _write(self, idea: str, research: Research | None, feedback: str) -> PRD:
        found = render("parts/research", research=research.summary) if research else ""
        asked = prompt("write_prd", ROLE, idea=idea, research=found, feedback=feedback)
        return await self.model.ask(asked, PRD)

    async def _read_again(self, idea: str, research: Research | None, prd: PRD) -> PRD:
        asked = prompt("write_prd_review", ROLE, idea=idea, prd=prd_brief(prd, {}))
        review = await self.model.ask(asked, Review)
        await self._tell_findings(review.blocking)
        if not review.blocking:
            return prd
        words = findings_markdown(review.findings)
        return await self._write(idea, research, _feedback(words, prd))

    async def _research(self, idea: str) -> Research | None:
        if self.search is None:
            return None
        try:
            hits = await self.search.search(f"{idea[:200]} app features review")
        except ToolFailed as error:
            await self.tell(Event(kind="note", role=ROLE, text=f"search skipped: {error}"))
            return None
        asked = prompt("search_and_summarize", ROLE, idea=idea, results=_listed(hits))
        return await self.model.ask(asked, Research) if hits else None

    async def _tell_findings(self, blocking: Sequence[Finding]) -> None:
        text = f"second reading of the requirements: {len(blocking)} blocking"
        await self.tell(Event(kind="finding", role=ROLE, text=text))


def _feedback(words: str, previous: PRD) -> str:
    return render("parts/feedback", feedback=words, previous=previous.model_dump_json())


def _listed(hits: list[Hit]) -> str:
    return bullets(f"{hit.title} ({hit.url}): {hit.text}" for hit in hits)

"""The architect: from requirements to interfaces, files and packages."""

import asyncio
from dataclasses import dataclass

from softfactory.models.model import Model
from softfactory.product.repository import Change, Repository
from softfactory.prompts import prompt, render
from softfactory.state.company import CompanyState, Update
from softfactory.state.documents import Dependencies, Design, Layout, Review
from softfactory.state.events import Event, RoleName, Tell
from softfactory.state.markdown import (
    design_brief,
    design_markdown,
    findings_markdown,
    prd_brief,
    prd_markdown,
)

ROLE: RoleName = "Architect"


@dataclass(frozen=True)
class Architect:
    """Designs the product, lays out its files and chooses its packages."""

    model: Model
    product: Repository
    thorough: bool
    tell: Tell

    async def __call__(self, state: CompanyState) -> Update:
        """Design; files and packages are asked for at the same time."""
        prd, answers = state["prd"], state.get("answers", {})
        approved = prd_markdown(prd, state.get("research"), answers)
        decided = await self.product.save(
            Change("Human", "Approve the requirements", {"docs/prd.md": approved}, seen={})
        )
        known = {"idea": state["idea"], "requirements": prd_brief(prd, answers)}
        design = await self._design(state, known)
        known["design"] = design_brief(design)
        layout, dependencies = await asyncio.gather(
            self.model.ask(prompt("design_filenames", ROLE, **known), Layout),
            self._dependencies(design, known),
        )
        text = design_markdown(prd, design, layout, dependencies)
        drawn = await self.product.save(
            Change(ROLE, "Design the product", {"docs/design.md": text}, seen={})
        )
        return {
            "design": design,
            "layout": layout,
            "dependencies": dependencies,
            "tree": {**decided, **drawn},
        }

    async def _design(self, state: CompanyState, known: dict[str, str]) -> Design:
        decision, previous = state["decision"], state.get("design")
        revised = previous is not None and decision.action == "revise"
        feedback = _feedback(decision.feedback, previous) if previous and revised else ""
        design = await self._write(known, feedback)
        if not self.thorough and state["prd"].size == "small":
            return design
        asked = prompt("design_api_review", ROLE, **known, design=design_brief(design))
        review = await self.model.ask(asked, Review)
        text = f"second reading of the design: {len(review.blocking)} blocking"
        await self.tell(Event(kind="finding", role=ROLE, text=text))
        if not review.blocking:
            return design
        return await self._write(known, _feedback(findings_markdown(review.findings), design))

    async def _write(self, known: dict[str, str], feedback: str) -> Design:
        return await self.model.ask(prompt("design_api", ROLE, **known, feedback=feedback), Design)

    async def _dependencies(self, design: Design, known: dict[str, str]) -> Dependencies:
        if not design.third_party:
            return Dependencies(packages=[])
        candidates = ", ".join(design.third_party)
        asked = prompt("analyze_dep_libs", ROLE, **known, candidates=candidates)
        return await self.model.ask(asked, Dependencies)


def _feedback(words: str, previous: Design) -> str:
    return render("parts/feedback", feedback=words, previous=previous.model_dump_json())

"""The architect: from requirements to interfaces, files and packages."""

import asyncio
from dataclasses import dataclass

from softfactory.errors import EnvironmentFailed
from softfactory.models.model import Model
from softfactory.product.repository import Change, Repository
from softfactory.prompts import Prompt, prompt, render
from softfactory.sandbox import Environments
from softfactory.state.company import CompanyState, Update
from softfactory.state.documents import Dependencies, Design, Layout, Review, SmallDesign
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
    environments: Environments
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
        design, drawn_up = await self._design(state, known)
        known["design"] = design_brief(design)
        layout, dependencies = await asyncio.gather(
            self._lay_out(drawn_up, known), self._dependencies(design, known)
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

    async def _design(
        self, state: CompanyState, known: dict[str, str]
    ) -> tuple[Design, Layout | None]:
        """The design; that of a small product comes with its files, in the same answer."""
        decision, previous = state["decision"], state.get("design")
        revised = previous is not None and decision.action == "revise"
        feedback = _feedback(decision.feedback, previous) if previous and revised else ""
        if not self.thorough and state["prd"].size == "small":
            return (await self.model.ask(_asked(known, feedback, small=True), SmallDesign)).parts()
        design = await self.model.ask(_asked(known, feedback), Design)
        asked = prompt("design_api_review", ROLE, **known, design=design_brief(design))
        review = await self.model.ask(asked, Review)
        text = f"second reading of the design: {len(review.blocking)} blocking"
        await self.tell(Event(kind="finding", role=ROLE, text=text))
        if review.blocking:
            feedback = _feedback(findings_markdown(review.findings), design)
            design = await self.model.ask(_asked(known, feedback), Design)
        return design, None

    async def _lay_out(self, drawn_up: Layout | None, known: dict[str, str]) -> Layout:
        return drawn_up or await self.model.ask(prompt("design_filenames", ROLE, **known), Layout)

    async def _dependencies(self, design: Design, known: dict[str, str]) -> Dependencies:
        if not design.third_party:
            return Dependencies(packages=[])
        candidates = ", ".join(design.third_party)
        asked = prompt("analyze_dep_libs", ROLE, **known, candidates=candidates, problems="")
        chosen = await self.model.ask(asked, Dependencies)
        try:
            await self.environments.prepare([package.name for package in chosen.packages])
        except EnvironmentFailed as error:
            await self.tell(Event(kind="finding", role=ROLE, text=str(error)))
            reason = render("parts/not_installable", reason=str(error))
            asked = prompt(
                "analyze_dep_libs", ROLE, **known, candidates=candidates, problems=reason
            )
            return await self.model.ask(asked, Dependencies)
        return chosen


def _asked(known: dict[str, str], feedback: str, *, small: bool = False) -> Prompt:
    files = render("parts/layout") if small else ""
    return prompt("design_api", ROLE, **known, files=files, feedback=feedback)


def _feedback(words: str, previous: Design) -> str:
    return render("parts/feedback", feedback=words, previous=previous.model_dump_json())

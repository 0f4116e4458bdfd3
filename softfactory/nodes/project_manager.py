"""The project manager: from the design to work packages."""

from dataclasses import dataclass

from softfactory.models.model import Model
from softfactory.product.repository import Change, Repository
from softfactory.prompts import prompt, render
from softfactory.state.company import CompanyState, Update
from softfactory.state.documents import Layout, Plan, WorkPackage
from softfactory.state.events import RoleName
from softfactory.state.markdown import design_brief, layout_brief, plan_markdown, prd_brief

ROLE: RoleName = "Project Manager"


@dataclass(frozen=True)
class ProjectManager:
    """Cuts the work into packages and puts the dossier together that everybody works from."""

    model: Model
    product: Repository

    async def __call__(self, state: CompanyState) -> Update:
        """Plan. A small product is one package, so nobody needs to be asked."""
        prd, layout = state["prd"], state["layout"]
        dossier = render(
            "parts/dossier",
            idea=state["idea"],
            requirements=prd_brief(prd, state.get("answers", {})),
            design=design_brief(state["design"]),
            layout=layout_brief(layout, state["dependencies"]),
        )
        if prd.size == "small" or len(layout.files) == 1:
            plan = whole(prd.title, layout)
        else:
            asked = prompt("project_management", ROLE, dossier=dossier, feedback=_feedback(state))
            plan = completed(await self.model.ask(asked, Plan), layout)
        tree = await self.product.save(
            Change(ROLE, "Plan the work", {"docs/plan.md": plan_markdown(prd, plan)}, seen={})
        )
        return {"plan": plan, "dossier": await self.product.put(dossier), "tree": tree}


def whole(title: str, layout: Layout) -> Plan:
    """The plan of a small product: everything at once."""
    files = [file.path for file in layout.files]
    return Plan(packages=[WorkPackage(id="W1", title=title, files=files, needs=[])])


def completed(plan: Plan, layout: Layout) -> Plan:
    """A plan made sound: every file in exactly one package, no unknown or circular needs."""
    left = [file.path for file in layout.files]
    packages: list[WorkPackage] = []
    for package in plan.packages:
        files = [path for path in package.files if path in left]
        left = [path for path in left if path not in files]
        known = {earlier.id for earlier in packages}
        needs = [need for need in package.needs if need in known]
        if files and package.id not in known:
            packages.append(package.model_copy(update={"files": files, "needs": needs}))
        else:
            left += files
    if left:
        rest = WorkPackage(id=f"W{90 + len(packages) % 10}", title="The rest", files=left, needs=[])
        packages.append(rest)
    return Plan(packages=packages)


def _feedback(state: CompanyState) -> str:
    decision, previous = state["decision"], state.get("plan")
    if previous is None or decision.action != "revise":
        return ""
    return render("parts/feedback", feedback=decision.feedback, previous=previous.model_dump_json())

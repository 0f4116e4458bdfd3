"""The code reviewer: a second pair of eyes before tests."""

from dataclasses import dataclass

from softfactory.models.model import Model
from softfactory.nodes.engineer import listing
from softfactory.product.repository import Repository
from softfactory.prompts import prompt
from softfactory.state.company import PackageResult, PackageState, PackageUpdate
from softfactory.state.documents import Review
from softfactory.state.events import Event, RoleName, Tell

ROLE: RoleName = "Code Reviewer"


@dataclass(frozen=True)
class CodeReviewer:
    """Reads a package against the requirements and the design."""

    model: Model
    product: Repository
    tell: Tell

    async def __call__(self, state: PackageState) -> PackageUpdate:
        """Review the package; what is blocking goes back to the engineer."""
        package, turn = state["package"], state["round"]
        now = {**state["before"], **state["tree"]}
        files = await self.product.texts({path: now[path] for path in package.files})
        asked = prompt(
            "write_code_review",
            ROLE,
            subject=f"{package.id} round {turn}",
            dossier=await self.product.text(state["dossier"]),
            package=f"{package.id} ({package.title})",
            code=listing(files),
        )
        review = await self.model.ask(asked, Review)
        blocking = list(review.blocking)
        await self.model.ledger.judge(
            "write_code", f"{package.id} ", "review failed" if blocking else "review passed"
        )
        remarks = [finding for finding in review.findings if finding not in blocking]
        await self.tell(
            Event(
                kind="finding",
                role=ROLE,
                text=(
                    f"review of {package.id}, round {turn} of {state['limit']}: "
                    f"{len(blocking)} blocking, {len(remarks)} minor"
                ),
                data={
                    "check": "review",
                    "round": turn,
                    "problems": [f"{f.where}: {f.problem}"[:200] for f in blocking],
                },
            )
        )
        result = PackageResult(package=package.id, rounds=turn, problems=blocking, remarks=remarks)
        return {
            "review": review,
            "problems": blocking and list(review.findings),
            "done": {package.id: result},
        }

"""The one state of a run. Its values are documents and references, never contents.

Beside each key stands who writes it. Only keys that parallel packages write have a reducer.
"""

from typing import Annotated, TypedDict

from pydantic import Field

from softfactory.state.documents import (
    PRD,
    Dependencies,
    Design,
    Document,
    Finding,
    Layout,
    Plan,
    Research,
    Review,
    WorkPackage,
)
from softfactory.state.gates import Decision
from softfactory.state.testing import Delivery, RunRecipe, TestReport, Verdict

Tree = dict[str, str]
"""Path in the product → id of the blob with its contents."""


class Idea(Document):
    """What a run starts from."""

    idea: str = Field(min_length=1, max_length=60_000, description="What shall be built?")


class PackageResult(Document):
    """How a work package came out of engineering."""

    package: str
    rounds: int
    problems: list[Finding]
    remarks: list[Finding]

    @property
    def stuck(self) -> bool:
        """The rounds were used up before everything blocking was mended."""
        return bool(self.problems)


def merge(left: dict[str, str], right: dict[str, str]) -> dict[str, str]:
    """Reducer: later entries replace earlier ones of the same key."""
    return {**left, **right}


def merge_results(
    left: dict[str, PackageResult], right: dict[str, PackageResult]
) -> dict[str, PackageResult]:
    """Reducer: the latest result of each package."""
    return {**left, **right}


class CompanyState(TypedDict):
    """Everything the company knows about a run."""

    idea: str  # the human
    research: Research | None  # product_manager
    prd: PRD  # product_manager, approve_prd
    design: Design  # architect, approve_design
    layout: Layout  # architect
    dependencies: Dependencies  # architect
    plan: Plan  # project_manager, approve_plan
    dossier: str  # project_manager: blob id of what every later prompt begins with
    decision: Decision  # the gate that was passed last
    answers: dict[str, str]  # approve_prd: open question → the human's answer
    tree: Annotated[Tree, merge]  # every role that writes files
    done: Annotated[dict[str, PackageResult], merge_results]  # engineering, integration
    recipe: RunRecipe | None  # qa_engineer
    report: TestReport  # qa_engineer
    verdict: Verdict | None  # qa_engineer, approve_delivery
    qa_round: int  # qa_engineer
    allowance: int  # ask_human: rounds granted beyond the usual
    hint: str  # ask_human: a word to engineer and QA
    accepted: bool  # ask_human: take it as it is
    delivery: Delivery  # delivery


class Update(TypedDict, total=False):
    """What a node returns: the keys it writes. A misspelt key is a type error."""

    research: Research | None
    prd: PRD
    design: Design
    layout: Layout
    dependencies: Dependencies
    plan: Plan
    dossier: str
    decision: Decision
    answers: dict[str, str]
    tree: Tree
    done: dict[str, PackageResult]
    recipe: RunRecipe | None
    report: TestReport
    verdict: Verdict | None
    qa_round: int
    allowance: int
    hint: str
    accepted: bool
    delivery: Delivery


class PackageOrder(TypedDict):
    """What engineering is handed: a package, and why it is (again) on the table."""

    package: WorkPackage
    dossier: str  # blob id
    planned: list[str]  # every path of the layout
    modules: list[str]  # what may be imported beside the standard library and the product
    reads: list[str]  # finished files of other packages that it may rely on
    before: Tree  # the product as it is
    problems: list[Finding]  # what is to be mended; empty the first time
    failing: str  # what the failing tests printed; empty unless QA sent it back
    hint: str  # a human's word
    limit: int  # rounds


class PackageState(PackageOrder):
    """A package on its way through engineering."""

    round: int  # engineer
    unchanged: bool  # engineer: there was something to mend and the answer changes nothing
    tree: Annotated[Tree, merge]  # engineer: its own files only
    review: Review  # code_reviewer
    done: dict[str, PackageResult]  # static_check, code_reviewer


class PackageUpdate(TypedDict, total=False):
    """What a node of engineering returns."""

    round: int
    unchanged: bool
    tree: Tree
    problems: list[Finding]
    review: Review
    done: dict[str, PackageResult]


class PackageOutput(TypedDict):
    """What engineering hands back to the company."""

    tree: Tree
    done: dict[str, PackageResult]

"""Who is hired for a run: every role with the tools it works with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from langgraph.runtime import get_runtime

from softfactory.config import Settings
from softfactory.models.model import Model
from softfactory.nodes.architect import Architect
from softfactory.nodes.code_reviewer import CodeReviewer
from softfactory.nodes.delivery import Deliver
from softfactory.nodes.engineer import Engineer, StaticCheck
from softfactory.nodes.gates import (
    Gate,
    delivery_question,
    design_question,
    help_question,
    plan_question,
    prd_question,
)
from softfactory.nodes.integration import Integration
from softfactory.nodes.laboratory import Laboratory
from softfactory.nodes.product_manager import ProductManager
from softfactory.nodes.project_manager import ProjectManager
from softfactory.nodes.qa_engineer import QAEngineer
from softfactory.product.repository import Repository
from softfactory.sandbox import Environments, Sandbox
from softfactory.state.events import Tell
from softfactory.tools.search import Search
from softfactory.tools.speech import Speech


class Node(Protocol):
    """Reads the state, works, and returns one update."""

    async def __call__(self, state: Any) -> Any:
        """Work."""
        ...


@dataclass(frozen=True)
class Staff:
    """Everybody who works in the company."""

    product_manager: ProductManager
    architect: Architect
    project_manager: ProjectManager
    engineer: Engineer
    static_check: StaticCheck
    code_reviewer: CodeReviewer
    integration: Integration
    qa_engineer: QAEngineer
    delivery: Deliver
    gates: dict[str, Gate]


@dataclass(frozen=True)
class Posts:
    """Gives the nodes of a graph to a staff, or to the one that comes with a run as its context."""

    staff: Staff | None = None

    def __call__(self, who: Callable[[Staff], Node]) -> Node:
        """A node at which this one of the staff works."""

        async def work(state: Any) -> Any:
            return await who(self.staff or get_runtime(Staff).context)(state)

        return work


@dataclass(frozen=True)
class Tools:
    """What the roles of one run work with."""

    model: Model
    product: Repository
    sandbox: Callable[[], Awaitable[Sandbox]]
    environments: Environments
    search: Search | None
    speech: Speech | None
    tell: Tell


def hire(tools: Tools, settings: Settings) -> Staff:
    """Hire everybody."""
    model, product, tell = tools.model, tools.product, tools.tell
    laboratory = Laboratory(product, tools.sandbox, tools.environments)
    return Staff(
        product_manager=ProductManager(model, product, tools.search, settings.thorough, tell),
        architect=Architect(model, product, tools.environments, settings.thorough, tell),
        project_manager=ProjectManager(model, product),
        engineer=Engineer(model, product, tell),
        static_check=StaticCheck(product, tell),
        code_reviewer=CodeReviewer(model, product, tell),
        integration=Integration(tell),
        qa_engineer=QAEngineer(model, product, laboratory, tell),
        delivery=Deliver(
            model, product, tools.speech, settings.speak, tools.search is not None, tell
        ),
        gates={
            "prd": Gate("prd", prd_question, is_open="prd" not in settings.gates),
            "design": Gate("design", design_question, is_open="design" not in settings.gates),
            "plan": Gate("plan", plan_question, is_open="plan" not in settings.gates),
            "delivery": Gate(
                "delivery", delivery_question, is_open="delivery" not in settings.gates
            ),
            "help": Gate("help", help_question),
        },
    )

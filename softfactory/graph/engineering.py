"""Engineering: one work package is written, checked, reviewed, and again until it is right."""

from dataclasses import dataclass
from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from softfactory.graph.edges import after_check, after_review
from softfactory.nodes.code_reviewer import CodeReviewer
from softfactory.nodes.engineer import Engineer, StaticCheck
from softfactory.state.company import PackageOrder, PackageOutput, PackageState


@dataclass(frozen=True)
class EngineeringRoles:
    """Who works on a package."""

    engineer: Engineer
    static_check: StaticCheck
    code_reviewer: CodeReviewer


def engineering(roles: EngineeringRoles) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The process of one work package."""
    graph = StateGraph(PackageState, input_schema=PackageOrder, output_schema=PackageOutput)
    graph.add_node("engineer", roles.engineer)
    graph.add_node("static_check", roles.static_check)
    graph.add_node("code_reviewer", roles.code_reviewer)

    graph.add_edge(START, "engineer")
    graph.add_edge("engineer", "static_check")
    graph.add_conditional_edges("static_check", after_check)
    graph.add_conditional_edges("code_reviewer", after_review)
    return graph.compile()

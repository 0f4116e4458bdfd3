"""Engineering: one work package is written, checked, reviewed, and again until it is right."""

from typing import Any

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from softfactory.graph.edges import after_check, after_review
from softfactory.graph.staff import Posts
from softfactory.state.company import PackageOrder, PackageOutput, PackageState


def engineering(post: Posts) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The process of one work package."""
    graph = StateGraph(PackageState, input_schema=PackageOrder, output_schema=PackageOutput)
    graph.add_node("engineer", post(lambda staff: staff.engineer))
    graph.add_node("static_check", post(lambda staff: staff.static_check))
    graph.add_node("code_reviewer", post(lambda staff: staff.code_reviewer))

    graph.add_edge(START, "engineer")
    graph.add_edge("engineer", "static_check")
    graph.add_conditional_edges("static_check", after_check)
    graph.add_conditional_edges("code_reviewer", after_review)
    return graph.compile()

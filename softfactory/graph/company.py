"""The company: roles as nodes, and every way from one to the next, on one screen."""

from langgraph.graph import END, START, StateGraph

from softfactory.graph.edges import (
    after_delivery_gate,
    after_design_gate,
    after_help,
    after_plan_gate,
    after_prd_gate,
    after_qa,
    next_packages,
)
from softfactory.graph.engineering import engineering
from softfactory.graph.staff import Posts, Staff
from softfactory.state.company import CompanyState, Idea

GRAPH_VERSION = "1"
"""Changes when a run that waits can't go on in the changed graph: a node renamed or removed."""
UNFINISHED = "unfinished fork"
"""Instead of a version, until everything of a fork is there."""


WORK = ["engineering", "qa_engineer", "ask_human"]
"""Where work leads: to more packages, to the tests, or to a human when rounds are used up."""

Company = StateGraph[CompanyState, None, Idea, CompanyState]


def company(staff: Staff | None = None) -> Company:
    """The process from an idea to a delivered product, not yet compiled.

    Args:
        staff: who works in it; None: whoever comes with a run, as LangGraph's context.
    """
    post = Posts(staff)
    graph = StateGraph(CompanyState, input_schema=Idea, output_schema=CompanyState)
    graph.add_node("product_manager", post(lambda staff: staff.product_manager))
    graph.add_node("approve_prd", post(lambda staff: staff.gates["prd"]))
    graph.add_node("architect", post(lambda staff: staff.architect))
    graph.add_node("approve_design", post(lambda staff: staff.gates["design"]))
    graph.add_node("project_manager", post(lambda staff: staff.project_manager))
    graph.add_node("approve_plan", post(lambda staff: staff.gates["plan"]))
    graph.add_node("engineering", engineering(post))
    graph.add_node("integration", post(lambda staff: staff.integration))
    graph.add_node("qa_engineer", post(lambda staff: staff.qa_engineer))
    graph.add_node("ask_human", post(lambda staff: staff.gates["help"]))
    graph.add_node("approve_delivery", post(lambda staff: staff.gates["delivery"]))
    graph.add_node("delivery", post(lambda staff: staff.delivery))

    decide = graph.add_conditional_edges
    graph.add_edge(START, "product_manager")
    graph.add_edge("product_manager", "approve_prd")
    decide("approve_prd", after_prd_gate, ["architect", "product_manager", END])
    graph.add_edge("architect", "approve_design")
    decide("approve_design", after_design_gate, ["project_manager", "architect", END])
    graph.add_edge("project_manager", "approve_plan")
    decide("approve_plan", after_plan_gate, [*WORK, "project_manager", END])
    graph.add_edge("engineering", "integration")
    decide("integration", next_packages, WORK)
    decide("qa_engineer", after_qa, [*WORK, "approve_delivery"])
    decide("ask_human", after_help, [*WORK, "approve_delivery", END])
    decide("approve_delivery", after_delivery_gate, ["delivery", "engineering", END])
    graph.add_edge("delivery", END)
    return graph

"""The company as a drawing in which one sees who is at work."""

from softfactory.web.markup import Markup, together
from softfactory.web.progress import rounds, stage
from softfactory.web.view import View
from softfactory.web.wording import Wording

PLACES: dict[str, tuple[int, int, str]] = {
    "product_manager": (90, 40, "Product Manager"),
    "approve_prd": (290, 40, "approve_prd"),
    "architect": (490, 40, "Architect"),
    "approve_design": (690, 40, "approve_design"),
    "project_manager": (690, 130, "Project Manager"),
    "approve_plan": (490, 130, "approve_plan"),
    "engineer": (290, 130, "Engineer"),
    "static_check": (90, 130, "static_check"),
    "code_reviewer": (90, 220, "Code Reviewer"),
    "integration": (290, 220, "integration"),
    "qa_engineer": (490, 220, "QA Engineer"),
    "ask_human": (690, 220, "ask_human"),
    "approve_delivery": (490, 310, "approve_delivery"),
    "delivery": (690, 310, "delivery"),
}
"""Node → middle of its box, and its word."""
WAYS = (
    ("product_manager", "approve_prd"),
    ("approve_prd", "architect"),
    ("architect", "approve_design"),
    ("approve_design", "project_manager"),
    ("project_manager", "approve_plan"),
    ("approve_plan", "engineer"),
    ("engineer", "static_check"),
    ("static_check", "code_reviewer"),
    ("code_reviewer", "integration"),
    ("integration", "qa_engineer"),
    ("qa_engineer", "ask_human"),
    ("qa_engineer", "approve_delivery"),
    ("approve_delivery", "delivery"),
    ("code_reviewer", "engineer"),
    ("qa_engineer", "engineer"),
)
NODES = tuple(PLACES)
NODE_OF_ROLE = {word: node for node, (_, _, word) in PLACES.items()}
NODE_OF_GATE = {
    "prd": "approve_prd",
    "design": "approve_design",
    "plan": "approve_plan",
    "delivery": "approve_delivery",
}
PASSED = {
    "requirements": "product_manager",
    "approval": "approve_prd",
    "design": "architect",
    "tasks": "project_manager",
    "code": "engineer",
    "test": "qa_engineer",
    "delivery": "delivery",
}
HALF_WIDTH, HALF_HEIGHT = 80, 24


def graph(view: View, words: Wording) -> str:
    """The graph, as SVG."""
    here = _here(view)
    reached = len(NODES) if view.standing == "delivered" else NODES.index(PASSED[stage(view)])
    unasked = _unasked(view)
    boxes = []
    for number, (node, (x, y, word)) in enumerate(PLACES.items()):
        is_done = number < reached and node not in unasked
        how = "now" if node in here else "done" if is_done else "todo"
        aside = words["not_asked"] if node in unasked and node != "ask_human" else ""
        boxes.append(
            Markup(
                '<g class="sf-node sf-{}"><rect x="{}" y="{}" width="{}" height="{}" rx="10"/>'
                '<text x="{}" y="{}">{}</text><text class="sf-small" x="{}" y="{}">{}</text></g>'
            ).format(
                how, x - HALF_WIDTH, y - HALF_HEIGHT, 2 * HALF_WIDTH, 2 * HALF_HEIGHT,
                x, y - 2 if aside else y + 5, words[word] + _count(view, node), x, y + 15, aside,
            )
        )  # fmt: skip
    ways = together(
        Markup('<path d="M{} {}L{} {}"/>').format(*_ends(start, end)) for start, end in WAYS
    )
    return str(
        Markup(
            '<svg class="sf-graph" viewBox="0 0 780 350" role="img">'
            '<defs><marker id="sf-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>{}{}</svg>'
        ).format(ways, together(boxes))
    )


def _unasked(view: View) -> set[str]:
    """The gates at which nobody is or was asked."""
    asked: set[str] = {*view.run.settings.gates}
    asked |= {str(e.event.data.get("gate")) for e in view.events if e.event.kind == "gate"}
    unasked = {node for gate, node in NODE_OF_GATE.items() if gate not in asked}
    return unasked if "help" in asked else {*unasked, "ask_human"}


def _here(view: View) -> set[str]:
    """The nodes whose turn it is."""
    if view.question:
        return {NODE_OF_GATE.get(view.question.gate, "ask_human")}
    if not view.at_work:
        return set()
    for logged in reversed(view.events):
        if logged.event.data.get("check") == "static":
            return {"static_check"}
        if logged.event.role in NODE_OF_ROLE:
            return {NODE_OF_ROLE[logged.event.role]}
    return {"product_manager"}


def _count(view: View, node: str) -> str:
    turn, limit = rounds(view.events).get({"engineer": "code", "qa_engineer": "test"}.get(node, ""),
                                          (0, 0))  # fmt: skip
    return f" {turn}/{limit}" if turn else ""


def _ends(start: str, end: str) -> tuple[int, int, int, int]:
    """Where a way leaves one box and meets the other."""
    (x, y, _), (to_x, to_y, _) = PLACES[start], PLACES[end]
    if y == to_y:
        side = HALF_WIDTH if to_x > x else -HALF_WIDTH
        return x + side, y, to_x - side, to_y
    side = HALF_HEIGHT if to_y > y else -HALF_HEIGHT
    return x, y + side, to_x, to_y - side

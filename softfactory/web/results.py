"""What came of it: documents, tests with screenshots, the product to be tried, the log."""

import time

from softfactory.graph.steps import Step
from softfactory.persistence.events import LoggedEvent
from softfactory.state.headings import headings
from softfactory.state.markdown import design_markdown, plan_markdown, prd_markdown
from softfactory.state.testing import Case, TestReport
from softfactory.web.files import nothing
from softfactory.web.markup import Markup, fenced, together
from softfactory.web.office import Office
from softfactory.web.telling import told
from softfactory.web.view import View
from softfactory.web.wording import Wording

PICTURES = "docs/pictures/"
PAGES = (".html", ".htm")
MOST_EVENTS = 400
MOST_OUTPUT = 20_000
NODE_ROLES = {
    "product_manager": "Product Manager",
    "architect": "Architect",
    "project_manager": "Project Manager",
    "engineering": "Engineer",
    "qa_engineer": "QA Engineer",
    "human": "Human",
}


def documents(view: View, words: Wording) -> str:
    """Requirements and design, as Markdown."""
    state = view.things.state
    if "prd" not in state:
        return f"*{words['nothing_yet']}*"
    text = prd_markdown(state["prd"], state.get("research"), state.get("answers", {}))
    if "design" in state:
        text += "\n\n---\n\n" + design_markdown(
            state["prd"], state["design"], state.get("layout"), state.get("dependencies")
        )
    return text


def plan(view: View, words: Wording) -> str:
    """Work packages, as Markdown, with a mark on those that are finished."""
    state = view.things.state
    if "plan" not in state:
        return f"*{words['nothing_yet']}*"
    done = state.get("done", {})
    marks = {name: "✗" if result.stuck else "✓" for name, result in done.items()}
    text = plan_markdown(state["prd"], state["plan"])
    for package in state["plan"].packages:
        head = f"## {package.id}: "
        text = text.replace(head, f"## {marks.get(package.id, '…')} {package.id}: ", 1)
    return text


def tests(view: View, office: Office, words: Wording) -> str:
    """Every test and trial, and the screenshots that the product came with."""
    state = view.things.state
    running = Markup('<p class="sf-nothing">{}</p>').format(words["tests_running"])
    if "report" not in state:
        return str(running) if view.testing else nothing(words)
    report: TestReport = state["report"]
    counts = {o: sum(c.outcome == o for c in report.cases) for o in ("passed", "failed", "skipped")}
    labels = {"passed": "passed", "failed": "failing", "skipped": "skipped"}
    chips = together(
        Markup('<span class="sf-chip sf-{}">{} {}</span>').format(kind, count, words[labels[kind]])
        for kind, count in counts.items()
        if count
    )
    rows = together(map(_case, sorted(report.cases, key=lambda c: c.outcome != "failed")))
    reason = Markup("<p>{}</p>").format(words.said(report.reason)) if report.reason else ""
    return str(
        Markup(
            '<div class="sf-tests">{}<p>{} <code>{}</code> {}</p>{}<table><thead><tr><th></th>'
            "<th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>{}</div>"
        ).format(
            running if view.testing else "", chips, report.command,
            words["run_in"].format(report.isolation), reason,
            words["test"], words["requirement"], rows, _pictures(view, office, words),
        )
    )  # fmt: skip


def report(view: View, office: Office, words: Wording) -> str:
    """The report of the delivery, as Markdown, with its pictures, and what its verdict means."""
    text = view.things.report
    if not text or "prd" not in view.things.state:
        return ""
    verdict = headings(view.things.state["prd"].language)["shown"]
    pictured = text.replace("](pictures/", f"]({office.address(view.run.id, PICTURES)}")
    return f"{words['shown'].format(verdict)}\n\n{pictured}"


def is_page(view: View) -> bool:
    """Whether the product can be opened in a browser and is there."""
    layout = view.things.state.get("layout")
    return bool(layout and layout.entry.endswith(PAGES) and layout.entry in view.things.tree)


def preview(view: View, office: Office, words: Wording) -> str:
    """A web product in a frame of its own, in which its scripts reach nothing of ours.

    It is loaded when it comes into sight: a game that measures its frame before finds no room.
    """
    if not is_page(view):
        return "" if "report" in view.things.state else nothing(words)
    entry = view.things.state["layout"].entry
    where = f"{office.address(view.run.id, entry)}?{view.newest[:12]}"
    return str(
        Markup(
            '<div class="sf-preview"><a href="{0}" target="_blank" rel="noopener">{1} ↗</a>'
            '<p>{3}</p><iframe sandbox="allow-scripts" loading="lazy" src="{0}" title="{2}">'
            "</iframe></div>"
        ).format(where, words["open_alone"], words["preview"], _storage(view, office, words))
    )


def _storage(view: View, office: Office, words: Wording) -> str:
    """Why the product forgets here, and where it does not."""
    entry = view.things.state["layout"].entry
    text = words["storage"].format(entry)
    if office.enter or not view.run.out:
        return text
    return text + words["storage_here"].format(f"{view.run.out}/{entry}")


def printed(view: View, words: Wording) -> str:
    """How a product that is no web page is run, and what its trials printed, as Markdown."""
    state = view.things.state
    if is_page(view) or "report" not in state:
        return ""
    usage = f"### {words['how_to_run']}\n\n{state['layout'].usage}\n\n" if "layout" in state else ""
    trials = [case.message for case in state["report"].cases if not case.file]
    if not trials:
        return f"{words['not_tried']}\n\n{usage}"
    output = fenced("\n\n".join(trials)[-MOST_OUTPUT:])
    return f"{usage}### {words['output']}\n\n{words['not_a_page']}\n\n{output}"


def log(view: View, words: Wording) -> str:
    """The steps at which a fork can begin, and everything that happened, the newest first."""
    rows = together(_row(logged, words) for logged in reversed(view.events[-MOST_EVENTS:]))
    return str(
        Markup('{}<div class="sf-log"><table>{}</table></div>').format(_steps(view, words), rows)
    )


def _steps(view: View, words: Wording) -> Markup:
    """What a run has gone through; each step is a place to fork at, which a recording can't."""
    steps = view.things.steps
    if not steps or (view.recorded and not view.off_the_record):
        return Markup("")
    button = Markup('<button type="button" data-value="{}">{}</button>')
    rows = together(
        Markup("<tr><td>{}</td><td>{}</td><td>{}</td></tr>").format(
            step.number,
            _workers(step, words),
            button.format(step.number, words["fork"]) if step.next else "",
        )
        for step in steps
    )
    undo = Markup("")
    if len(steps) > 1:
        undo = Markup(
            '<button type="button" data-value="undo" data-sure="{}">{}</button>'
        ).format(words["undo_sure"], words["undo"].format(steps[-1].number,
                                                          _workers(steps[-1], words)))  # fmt: skip
    return Markup(
        '<div class="sf-log sf-steps"><b>{}</b> {}<p class="sf-nothing">{}</p><table>{}</table>'
        "</div>"
    ).format(words["steps"], undo, words["fork_hint"], rows)


def _workers(step: Step, words: Wording) -> str:
    """Who made a step."""
    return words["comma"].join(_node(node, words) for node in step.by) or words["beginning_step"]


def _node(node: str, words: Wording) -> str:
    """A node of the graph in the words of the page."""
    known = words.get(node)
    return known if known != node else words.get(NODE_ROLES.get(node, node))


def _case(case: Case) -> Markup:
    mark = {"passed": "✓", "failed": "✗", "skipped": "–"}[case.outcome]
    message = Markup("<pre>{}</pre>").format(case.message[:1500]) if case.message else ""
    return Markup('<tr class="sf-{}"><td>{}</td><td>{}{}</td><td>{}</td></tr>').format(
        case.outcome, mark, case.name, message, ", ".join(case.requirements) or "–"
    )


def _pictures(view: View, office: Office, words: Wording) -> Markup:
    found = [p for p in view.things.tree if p.startswith(PICTURES) and p.endswith(".png")]
    if not found:
        return Markup("")
    shown = together(
        Markup(
            '<figure><a href="{0}" target="_blank" rel="noopener"><img src="{0}" alt="{1}" '
            'loading="lazy"></a><figcaption>{1}</figcaption></figure>'
        ).format(office.address(view.run.id, path), _caption(view, path, words))
        for path in found
    )  # fmt: skip
    return Markup('<h3>{}</h3><div class="sf-pictures">{}</div>').format(words["pictures"], shown)


def _caption(view: View, path: str, words: Wording) -> str:
    """The requirement that a picture is named after, as a sentence; else the picture's name."""
    name = path.removeprefix(PICTURES).removesuffix(".png")
    requirements = view.things.state["prd"].requirements
    text = next((r.text for r in requirements if r.id == name), "")
    return words["names"].format(name, text) if text else name


def _row(logged: LoggedEvent, words: Wording) -> Markup:
    event = logged.event
    at = time.strftime("%H:%M:%S", time.localtime(logged.time))
    return Markup("<tr><td>{}</td><td>{}</td><td>{}</td></tr>").format(
        at, words[event.role], told(event, words)
    )

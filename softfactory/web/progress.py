"""How far a run is and what it has cost: the head of the page, its stages, its loops."""

from collections.abc import Sequence
from dataclasses import dataclass

from softfactory.config import QA_ROUNDS, REVIEW_ROUNDS
from softfactory.persistence.events import LoggedEvent
from softfactory.persistence.runs import Run
from softfactory.web.markup import Markup, escape, together
from softfactory.web.view import View
from softfactory.web.wording import Wording

STAGES = ("requirements", "approval", "design", "tasks", "code", "test", "delivery")
STAGE_OF_ROLE = {
    "Product Manager": "requirements",
    "Architect": "design",
    "Project Manager": "tasks",
    "Engineer": "code",
    "Code Reviewer": "code",
    "QA Engineer": "test",
}
STAGE_OF_GATE = {"prd": "approval", "design": "design", "plan": "tasks", "delivery": "delivery"}


@dataclass(frozen=True)
class Bill:
    """What was used up. `price` is in dollars, None where it is unknown."""

    tokens: int = 0
    price: float | None = 0.0


def spent(events: Sequence[LoggedEvent]) -> Bill:
    """What the answers have cost that were not known before."""
    told = [logged.event.data for logged in events if logged.event.kind == "answer"]
    paid = [data for data in told if not data["known"]]
    tokens = sum(int(str(data["input_tokens"])) + int(str(data["output_tokens"])) for data in paid)
    prices = [data["price"] for data in paid]
    known = [price for price in prices if isinstance(price, int | float)]
    return Bill(tokens, sum(known) if len(known) == len(prices) else None)


def head(view: View, words: Wording) -> str:
    """Name, standing, cost."""
    run = view.run
    title = run.title or run.idea.splitlines()[0]
    model = run.settings.model
    shown = f"▶ {words['recording']}" if view.recorded else model
    return str(
        Markup(
            '<div class="sf-head"><h1>{}</h1><span class="sf-chip sf-{}">{}</span>'
            '<span class="sf-meta">{} · {}{}</span>{}</div>'
        ).format(
            title,
            view.standing,
            words[view.standing],
            shown,
            run.id,
            _parent(run, words),
            _meter(view, words),
        )
    )


def _parent(run: Run, words: Wording) -> Markup:
    """The run that this one is a fork of."""
    if not run.parent:
        return Markup("")
    link = Markup('<a href="?run={0}">{0}</a>').format(run.parent)
    return Markup(" · {}").format(escape(words["fork_of"]).format(link))


def stages(view: View, words: Wording) -> str:
    """The way from the idea to the delivery, and where on it the run is."""
    here = STAGES.index(stage(view))
    is_over = view.standing == "delivered"
    items = []
    for number, name in enumerate(STAGES):
        how = "done" if is_over or number < here else "now" if number == here else "todo"
        if how == "now" and view.standing != "working":
            how = "rest"
        items.append(
            Markup('<li class="sf-{}">{}<small>{}&nbsp;</small></li>').format(
                how, words[f"stage_{name}"], _progress(view, words, name, how)
            )
        )
    return str(Markup('<ol class="sf-stages">{}</ol>').format(together(items)))


def stage(view: View) -> str:
    """Where on the way a run is."""
    if view.run.status == "delivered":
        return "delivery"
    gate = view.question.gate if view.question else view.asked
    return STAGE_OF_GATE.get(gate) or _worked_at(view)


def rounds(events: Sequence[LoggedEvent]) -> dict[str, tuple[int, int]]:
    """How often reviews and tests have been gone through, and how often they may be."""
    found: dict[str, tuple[int, int]] = {}
    for logged in events:
        event = logged.event
        turn = event.data.get("round")
        if not isinstance(turn, int):
            continue
        if event.role == "QA Engineer":
            found["test"] = (turn, max(turn, QA_ROUNDS))
        elif event.role == "Engineer":
            limit = event.data.get("limit")
            found["code"] = (turn, limit if isinstance(limit, int) else REVIEW_ROUNDS)
    return found


def _worked_at(view: View) -> str:
    for logged in reversed(view.events):
        if logged.event.role in STAGE_OF_ROLE:
            return STAGE_OF_ROLE[logged.event.role]
    return "requirements"


def _clock(view: View) -> Markup:
    """Since when the stage has been worked at, for the browser to count."""
    since, here = 0.0, _worked_at(view)
    for logged in reversed(view.events):
        if logged.event.kind == "run" or STAGE_OF_ROLE.get(logged.event.role) not in (None, here):
            break
        since = logged.time
    return Markup('<i data-since="{:.0f}"></i>').format(since) if since else Markup("")


def _progress(view: View, words: Wording, name: str, how: str) -> Markup:
    """The rounds of a stage, and how long it has taken so far."""
    parts = []
    turn, limit = rounds(view.events).get(name, (0, 0))
    if turn > 1 or (turn and how != "done"):
        parts.append(words["rounds_done" if how == "done" else "round_now"].format(turn, limit))
    if how == "now":
        parts.append(_clock(view))
    return Markup(" · ").join(filter(None, parts))


def _meter(view: View, words: Wording) -> Markup:
    """What was used up, against what may be."""
    used, budget = spent(view.events), view.run.settings.budget
    price = words["price_unknown"] if used.price is None else f"${used.price:.2f}"
    if view.recorded:
        return Markup('<span class="sf-meta">{}</span>').format(
            words["free"].format(f"{used.tokens:,}")
        )
    if budget is None:
        text = f"{price} · {used.tokens:,} {words['tokens']}"
        return Markup('<span class="sf-meter"><b>{}</b></span>').format(text)
    amount = used.tokens if budget.unit == "tokens" else used.price or 0.0
    share = min(100, round(100 * amount / budget.amount))
    text = f"{price} · {used.tokens:,} {words['tokens']} {words['of']} {budget}"
    return Markup('<span class="sf-meter"><b>{}</b><i><u style="width:{}%"></u></i></span>').format(
        text, share
    )

"""What a page makes of events: bubbles, stages, the graph."""

from dataclasses import replace
from typing import Any

from softfactory.config import Settings
from softfactory.graph.company import GRAPH_VERSION
from softfactory.persistence.events import LoggedEvent
from softfactory.persistence.runs import Run, Status
from softfactory.state.events import Event
from softfactory.web.conversation import conversation
from softfactory.web.drawing import graph
from softfactory.web.progress import stage, stages
from softfactory.web.results import tests as shown_tests
from softfactory.web.view import View
from softfactory.web.wording import Wording

EN = Wording("en")
RUN = Run(
    id="abc234", parent=None, idea="a game", settings=Settings(model="x"), graph=GRAPH_VERSION,
    status="waiting", reason="", title="Game", out="", created=0.0, worked_s=0.0, owner=None,
    lease_until=None,
)  # fmt: skip


def seen(*told: dict[str, Any], status: Status = "waiting", at_work: bool = False) -> View:
    """A run of which this was told."""
    events = [
        LoggedEvent(number, 1000.0 + number, Event.model_validate(event))
        for number, event in enumerate(told, 1)
    ]
    return View(replace(RUN, status=status), at_work, events)


WROTE = {"kind": "commit", "role": "Product Manager", "text": "Write the requirements", "data": {}}
ASKS = {"kind": "gate", "role": "Company", "text": "Requirements", "data": {"gate": "prd"}}
SAID = {"kind": "said", "role": "Human", "text": "in blue", "data": {}}
CALL = {"kind": "call", "role": "Architect", "text": "design_api", "data": {"skill": "design_api"}}
STOPPED = {"kind": "run", "role": "Company", "text": "stopped", "data": {"status": "stopped"}}
TESTS = {"kind": "work", "role": "QA Engineer", "text": "tests the product, round 1 of 3",
         "data": {"round": 1}}  # fmt: skip
WRITTEN = {"kind": "commit", "role": "QA Engineer", "text": "Write the tests", "data": {}}
PASSED = {"kind": "test", "role": "QA Engineer", "text": "3 passed, 0 failed", "data": {}}


def bubbles(view: View) -> list[str]:
    """What a human says in the conversation, but for the idea."""
    return [m["content"] for m in conversation(view, EN)[1:] if m["role"] == "user"]


def test_a_word_at_a_waiting_gate_is_no_approval() -> None:
    assert bubbles(seen(WROTE, ASKS, SAID)) == ["in blue"]
    assert bubbles(seen(WROTE, ASKS, SAID, CALL, at_work=True)) == ["in blue", "Approved"]


def test_a_gate_that_asks_again_after_a_stop_was_not_approved() -> None:
    assert bubbles(seen(WROTE, ASKS, STOPPED, ASKS)) == []


def test_somebody_is_seen_at_work_while_the_tests_run() -> None:
    running = seen(TESTS, WRITTEN, at_work=True)
    newest = conversation(running, EN)[-1]
    assert newest["metadata"] == {"title": "QA Engineer: tests the product", "status": "pending"}
    office: Any = None
    assert "is being tested" in shown_tests(running, office, EN)
    assert 'round 1 of 3 · <i data-since="1001"></i>' in stages(running, EN)
    assert "data-since" not in stages(seen(TESTS, WRITTEN, status="stopped"), EN)
    assert not seen(TESTS, WRITTEN, PASSED, at_work=True).testing
    assert not seen(TESTS, WRITTEN, status="stopped").testing


def test_a_stop_at_a_gate_sets_nothing_back() -> None:
    assert stage(seen(WROTE, ASKS, STOPPED, status="stopped")) == "approval"
    assert stage(seen(WROTE, ASKS, CALL, at_work=True)) == "design"


def test_a_finished_stage_tells_its_rounds_only_if_there_were_several() -> None:
    def work(turn: int) -> dict[str, Any]:
        data = {"round": turn, "limit": 4}
        return {"kind": "work", "role": "Engineer", "text": "writes", "data": data}

    assert "round 1 of 4" in stages(seen(work(1), at_work=True), EN)
    assert "round" not in stages(seen(work(1), status="delivered"), EN)
    assert "took 2 rounds" in stages(seen(work(1), work(2), status="delivered"), EN)


def test_a_gate_that_never_asked_is_not_drawn_as_passed() -> None:
    drawn = graph(seen(WROTE, ASKS, CALL, status="delivered"), EN).split("<g ")[1:]
    how = {part.partition("</text>")[0].rpartition(">")[2]: part for part in drawn}
    assert "sf-done" in how["You: requirements"]
    for unasked in ("You: design", "You: plan", "You: delivery", "You: help"):
        assert "sf-todo" in how[unasked]
    assert "not asked" in how["You: design"]
    assert "sf-done" in how["Delivery"]

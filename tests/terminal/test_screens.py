"""What people see: one line for each event, and totals that add up."""

import pytest
from rich.console import Console

from softfactory.persistence.events import LoggedEvent
from softfactory.state.events import Event
from softfactory.terminal.meter import Meter, clock
from softfactory.terminal.screens import LiveScreen, line_of


def logged(**event: object) -> LoggedEvent:
    return LoggedEvent(1, 1000.0, Event.model_validate({"role": "Engineer", **event}))


def answer(price: float | None, *, known: bool = False) -> LoggedEvent:
    data = {
        "input_tokens": 1000,
        "output_tokens": 234,
        "seconds": 1.5,
        "price": price,
        "known": known,
    }
    return logged(kind="answer", text="write_code W1 round 1", data=data)


def test_an_answer_tells_its_tokens_and_time() -> None:
    assert line_of(answer(0.1)).strip() == (
        "Engineer  write_code W1 round 1: 1,000 tokens in, 234 out, 1.5 s"
    )


@pytest.mark.parametrize(
    ("kind", "which", "words"),
    [
        ("call", {"attempt": 1, "continued": False}, "asks write_prd"),
        ("call", {"attempt": 2, "continued": False}, "asks write_prd, attempt 2, with the reason"),
        ("call", {"attempt": 2, "continued": True}, "asks write_prd, continued"),
        (
            "wait",
            {"seconds": 19.2, "reason": "slow down"},
            "write_prd: retrying in 20 s: slow down",
        ),
    ],
)
def test_a_question_says_which_it_is(kind: str, which: dict[str, object], words: str) -> None:
    assert line_of(logged(kind=kind, text="write_prd", data=which)).split("  ")[-1] == words


def test_a_wait_stands_at_the_foot_of_the_screen_until_it_is_over() -> None:
    meter = Meter(started=1000.0)
    meter.count(logged(kind="call", text="write_prd", data={}))
    data = {"seconds": 20.0, "reason": "slow down"}
    meter.count(logged(kind="wait", text="write_prd", data=data))
    [asked] = meter.at_work.values()
    assert asked.standing(1005.0) == "0:05, retrying in 15 s: slow down"
    assert asked.standing(1020.0) == "0:20"


def test_findings_are_listed_under_their_check() -> None:
    data = {"problems": ["calc.py:3: no body"]}
    line = line_of(logged(kind="finding", text="static check of W1: 1 problem", data=data))
    assert line.endswith("1 problem\n                             - calc.py:3: no body")


def test_the_meter_adds_up_and_answers_from_the_ledger_cost_nothing() -> None:
    meter = Meter(started=1000.0)
    for event in (answer(0.25), answer(0.5), answer(9.0, known=True)):
        meter.count(event)
    assert meter.line(1061.0) == "2 calls · 2,468 tokens · $0.7500 · 1:01"
    assert meter.known == 1


def test_one_unknown_price_makes_the_sum_unknown() -> None:
    meter = Meter(started=1000.0)
    for event in (answer(0.25), answer(None), answer(0.25)):
        meter.count(event)
    assert "price unknown" in meter.line(1000.0)


def test_the_live_screen_keeps_who_is_at_work_below_what_happened() -> None:
    console = Console(force_terminal=True, width=80, record=True)
    with LiveScreen(console) as screen:
        screen.show(logged(kind="call", text="write_code W1 round 1", data={"skill": "write_code"}))
        assert list(screen.meter.at_work) == ["Engineer: write_code W1 round 1"]
        screen.show(answer(None))
        assert screen.meter.at_work == {}
        screen.show(logged(kind="work", text="writes W1 core, round 2 of 4"))
    shown = console.export_text()
    assert "writes W1 core, round 2 of 4" in shown
    assert "1 call · 1,234 tokens · price unknown" in shown


def test_durations_read_as_people_say_them() -> None:
    assert [clock(s) for s in (0, 59.9, 61, 3661)] == ["0:00", "0:59", "1:01", "1:01:01"]

"""A real model that can't write software: the run ends, says why, and loses nothing."""

import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from softfactory.models.model import CONTINUATIONS, REPAIRS
from tests import calculator
from tests.command import Done, Terminal
from tests.endpoint import Endpoint
from tests.weak_model import NAME, WeakModel, what_is_missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(what_is_missing()), reason=what_is_missing() or "nothing is missing"),
]
IDEA = "a snake game"
CUT_AT = 40
"""Tokens: a document never fits in, so every answer is cut off and continued."""
BUILD_SECONDS = 240


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def talkative() -> Iterator[WeakModel]:
    """Has room for all that is said, but not for a whole answer at once."""
    with WeakModel(context=4096, answer=CUT_AT) as model:
        yield model


@pytest.fixture
def forgetful() -> Iterator[WeakModel]:
    """Has room for the first question (922 tokens) and little more."""
    with WeakModel(context=1280, answer=160) as model:
        yield model


def test_a_model_that_cannot_write_software_fails_the_run_in_one_line_within_the_bounds(
    terminal: Terminal, talkative: WeakModel
) -> None:
    done = build(terminal, talkative)
    run = failed_run(terminal, done)
    assert f"write_prd got no usable answer in {REPAIRS + 1} tries" in why(done)
    kept = calls(terminal)
    assert len(kept) <= REPAIRS + 1 + CONTINUATIONS
    assert {call["reply"]["model"] for call in kept} == {NAME}
    assert max(call["reply"]["output_tokens"] for call in kept) == CUT_AT
    assert sum(call["reply"]["output_tokens"] for call in kept) == talkative.tokens_said()
    assert all(call["reply"]["text"].strip() for call in kept)
    assert {call["outcome"] for call in kept} == {"discarded"}
    better_model_delivers(terminal, run)
    assert calls(terminal)[: len(kept)] == kept


def test_a_context_that_overflows_fails_the_run_in_one_line_that_says_so(
    terminal: Terminal, forgetful: WeakModel
) -> None:
    done = build(terminal, forgetful)
    failed_run(terminal, done)
    assert "the question is longer than model 'smollm2' at" in why(done)
    assert "larger context" in why(done)
    kept = calls(terminal)
    assert sum(call["reply"]["output_tokens"] for call in kept) == forgetful.tokens_said() > 0
    assert {call["outcome"] for call in kept} == {"discarded"}


def test_the_weak_model_answers_only_those_who_have_its_key(talkative: WeakModel) -> None:
    foreign = {"Origin": "https://elsewhere.invalid", "Authorization": "Bearer guessed"}
    request = urllib.request.Request(f"{talkative.url}/models", headers=foreign)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=30)
    with refusal.value as answer:
        assert answer.code == 401
        assert not answer.headers["Access-Control-Allow-Origin"]


def build(terminal: Terminal, model: WeakModel) -> Done:
    options = ["--yes", "--model", NAME, "--base-url", model.url]
    process = terminal.start("build", IDEA, *options, SOFTFACTORY_API_KEY=model.key)
    try:
        out, err = process.communicate(timeout=BUILD_SECONDS)
    finally:
        terminal.kill(process)
    assert model.key not in out + err
    return Done(process.returncode, out, err)


def failed_run(terminal: Terminal, done: Done) -> str:
    """The run that failed: its name, after a look at everything that is said of it."""
    assert (done.code, done.err) == (1, "")
    run = terminal.run("runs").out.splitlines()[1].split()[0]
    shown, log = terminal.run("show", run), terminal.run("log", run, "--json")
    assert (shown.code, log.code) == (0, 0)
    assert why(done) in shown.out
    assert shown.out.endswith(f"softfactory resume {run}\n")
    for said in (done.out, shown.out, shown.err, log.out, log.err):
        assert "traceback" not in said.lower()
        assert "internal error" not in said
    answered = [line for line in log.out.splitlines() if json.loads(line)["kind"] == "answer"]
    assert len(answered) == len(calls(terminal))
    return run


def why(done: Done) -> str:
    """The line before the last one, which says what to type next."""
    return done.out.splitlines()[-2]


def better_model_delivers(terminal: Terminal, run: str) -> None:
    """Nothing that the weak model said stands in the way of a better one."""
    with Endpoint(calculator.straight()) as endpoint:
        done = terminal.run("resume", run, "--model", "scripted", "--base-url", endpoint.url)
        assert done.code == 0, done.out + done.err
    assert "with the reason" not in done.out


def calls(terminal: Terminal) -> list[dict[str, Any]]:
    """The ledger, as it stands in the file, in the order of the answers."""
    database = sqlite3.connect(terminal.folder / "home" / "softfactory.db")
    rows = database.execute(
        """SELECT messages, reply, outcome FROM calls LEFT JOIN outcomes ON call = calls.id
           ORDER BY calls.id"""
    ).fetchall()
    database.close()
    return [
        {"messages": json.loads(messages), "reply": json.loads(reply), "outcome": outcome}
        for messages, reply, outcome in rows
    ]

"""Commands that go on with a run: what exactly is to be done with it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from softfactory.errors import GateGone, UsageError
from softfactory.service import open_service
from softfactory.state.company import CompanyState
from softfactory.state.gates import Action, Decision, GateQuestion
from softfactory.terminal.gate import edited


@dataclass(frozen=True)
class Spoken:
    """An answer as it was typed."""

    action: str
    words: str
    replies: tuple[str, ...]


def decision_for(home: Path, name: str, spoken: Spoken) -> tuple[str, Decision]:
    """The run's whole name, and the answer that the command line gave.

    Raises:
        UsageError: the answer is none that the run waits for.
    """
    run, question, state = asyncio.run(_standing(home, name))
    if question is None:
        raise GateGone(f"run {run} waits for no answer (now); `softfactory show {run}` says more")
    if spoken.action not in get_args(Action) or spoken.action not in question.actions:
        raise UsageError(f"{spoken.action!r} is no answer here; {', '.join(question.actions)} are")
    if spoken.words and spoken.action not in ("revise", "retry"):
        raise UsageError(f"{spoken.action} takes no words; revise does")
    if spoken.action == "revise" and not spoken.words.strip():
        raise UsageError(f'say what to change: `softfactory answer {run} revise "shorter"`')
    if len(spoken.replies) > len(question.questions):
        raise UsageError(f"--reply: only {len(question.questions)} questions are open")
    answers = dict(zip(question.questions, spoken.replies, strict=False))
    document = edited(question, state) if spoken.action == "edit" else None
    return run, Decision.model_validate(
        {
            "action": spoken.action,
            "feedback": spoken.words,
            "answers": answers,
            "document": document,
        }
    )


def resumable(home: Path, name: str, changes: Mapping[str, Any]) -> str:
    """The whole name of a run that can go on, with other settings where some are given."""
    return asyncio.run(_prepared(home, name, changes))


async def _standing(home: Path, name: str) -> tuple[str, GateQuestion | None, CompanyState]:
    async with open_service(home) as service:
        run = await service.runs.get(name)
        return run.id, await service.question(run.id), await service.documents(run.id)


async def _prepared(home: Path, name: str, changes: Mapping[str, Any]) -> str:
    async with open_service(home) as service:
        return (await service.adjust(name, changes)).id

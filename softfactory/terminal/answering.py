"""Commands that go on with a run: what exactly is to be done with it."""

import asyncio
from pathlib import Path
from typing import get_args

from softfactory.errors import GateGone, UsageError
from softfactory.service import open_service
from softfactory.state.gates import Action, Decision
from softfactory.terminal.gate import edited


def decision_for(home: Path, name: str, action: str, words: str) -> tuple[str, Decision]:
    """The run's whole name, and the answer that the command line gave.

    Raises:
        UsageError: the answer is none that the run waits for.
    """
    run, question, state = asyncio.run(_standing(home, name))
    if question is None:
        raise GateGone(f"run {run} waits for no answer; `softfactory show {run}` says more")
    if action not in get_args(Action) or action not in question.actions:
        raise UsageError(f"{action!r} is no answer here; {', '.join(question.actions)} are")
    if action == "revise" and not words.strip():
        raise UsageError(f'say what to change: `softfactory answer {run} revise "shorter"`')
    document = edited(question, state) if action == "edit" else None
    return run, Decision.model_validate({"action": action, "feedback": words, "document": document})


def resumable(home: Path, name: str, model: str, base_url: str) -> str:
    """The whole name of a run that can go on, with another model where one is named."""
    return asyncio.run(_prepared(home, name, model, base_url))


async def _standing(home: Path, name: str):  # type: ignore[no-untyped-def]
    async with open_service(home) as service:
        run = await service.runs.get(name)
        return run.id, await service.question(run.id), await service.documents(run.id)


async def _prepared(home: Path, name: str, model: str, base_url: str) -> str:
    async with open_service(home) as service:
        run = await service.runs.get(name)
        if run.status == "delivered":
            raise UsageError(f"run {run.id} is delivered, to {run.out}")
        changes = {"model": model, "base_url": base_url}
        changes = {key: value for key, value in changes.items() if value}
        if changes:
            await service.runs.set_settings(run.id, run.settings.model_copy(update=changes))
        return run.id

"""Runs: make, list, show, go on, stop, fork."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Query

from softfactory.api.access import Holder, TheDesk, TheRun, TheService, TheSettings
from softfactory.api.problems import responses
from softfactory.api.schemas import (
    Change,
    ForkAt,
    NewRun,
    RunPage,
    RunView,
    Steps,
    StepView,
    Wanted,
    Words,
)
from softfactory.api.settings import ServerSettings
from softfactory.config import Settings
from softfactory.demos import recording_of
from softfactory.desk import Desk
from softfactory.errors import RequestRefused, UsageError
from softfactory.graph.steps import Step
from softfactory.history import ForkChange
from softfactory.persistence.runs import Choice, Run

router = APIRouter(prefix="/v1/runs", tags=["runs"])
AT_WORK = responses(404, 409, 422, 429)


def view(run: Run, desk: Desk) -> RunView:
    """A run as it stands."""
    return RunView.of(run, at_work=desk.at_work(run.id))


@router.post("", status_code=201, responses=responses(409, 422, 429, 503))
async def create_run(
    new: NewRun,
    desk: TheDesk,
    settings: TheSettings,
    whose: Holder,
    key: Annotated[
        str,
        Header(
            alias="Idempotency-Key",
            max_length=200,
            pattern=r"^[ -~]*$",
            description="sent again with the same request, it makes no second run",
        ),
    ] = "",
) -> RunView:
    """Make a run of an idea and begin to work on it."""
    _refuse_elsewhere(settings, new)
    folder = settings.defaults.folder or str(desk.service.home / "served")
    own = {"holder": whose or "", "folder": folder}
    chosen = new.settings(settings.defaults).model_copy(update=own)
    idea = new.idea.strip()
    if new.demo:
        idea, chosen = _demo(new.demo, idea, chosen)
    if not idea:
        raise UsageError("there is no idea: send `idea`, or `demo`")
    return view(await desk.create(idea, chosen, key), desk)


@router.get("", responses=responses(422))
async def list_runs(
    desk: TheDesk,
    service: TheService,
    whose: Holder,
    wanted: Annotated[Wanted, Query()],
) -> RunPage:
    """Runs, the newest first."""
    created, _, name = (wanted.after or "inf_").partition("_")
    choice = Choice(whose, wanted.status, wanted.q)
    found = await service.runs.page(choice, (float(created), name), wanted.limit + 1)
    shown = found[: wanted.limit]
    more = f"{shown[-1].created!r}_{shown[-1].id}" if len(found) > len(shown) else None
    return RunPage(runs=[view(run, desk) for run in shown], next=more)


@router.get("/{run}", responses=responses(404, 422))
async def show_run(run: TheRun, desk: TheDesk) -> RunView:
    """A run as it stands."""
    return view(run, desk)


@router.post("/{run}/resume", status_code=202, responses=responses(404, 409, 422, 429, 503))
async def resume_run(
    run: TheRun,
    desk: TheDesk,
    settings: TheSettings,
    change: Annotated[Change | None, Body()] = None,
) -> RunView:
    """Go on with a run that was stopped, paused, failed or interrupted."""
    _refuse_elsewhere(settings, change or Change())
    return view(await desk.resume(run.id, change.changes() if change else {}), desk)


@router.post("/{run}/stop", status_code=202, responses=responses(404, 422))
async def stop_run(run: TheRun, desk: TheDesk) -> RunView:
    """Stop a run, whoever works on it; it can be resumed."""
    return view(await desk.stop(run.id), desk)


@router.post("/{run}/fork", status_code=201, responses=AT_WORK)
async def fork_run(
    run: TheRun,
    desk: TheDesk,
    settings: TheSettings,
    at: Annotated[ForkAt | None, Body()] = None,
) -> RunView:
    """Begin a new run where this one stood, at a gate or a step; only what differs is paid."""
    at = at or ForkAt()
    _refuse_elsewhere(settings, at)
    change = ForkChange(at.edit, at.changes(), at.hint)
    return view(await desk.fork(run.id, at.at, change), desk)


@router.post("/{run}/words", status_code=204, responses=responses(404, 422))
async def say(run: TheRun, words: Words, service: TheService) -> None:
    """Say something to a role, or to all; heard from the next step on, also while they work."""
    await service.say(run.id, words.words, words.to)


@router.get("/{run}/steps", responses=responses(404, 422))
async def list_steps(run: TheRun, service: TheService) -> Steps:
    """The steps that led to where the run stands."""
    return Steps(steps=[_step(step) for step in await service.steps(run.id)])


@router.post("/{run}/undo", responses=responses(404, 409, 422, 429))
async def undo(run: TheRun, desk: TheDesk) -> StepView:
    """Go one step back; the step at which the run then stands."""
    return _step(await desk.undo(run.id))


@router.delete("/{run}", status_code=204, responses=responses(404, 409, 422, 429))
async def delete_run(run: TheRun, desk: TheDesk) -> None:
    """Forget a run and all that was kept of it, but for the folder it was delivered to."""
    await desk.delete(run.id)


def _step(step: Step) -> StepView:
    told = {name: getattr(step, name) for name in StepView.model_fields}
    return StepView.model_validate(told)


def _refuse_elsewhere(settings: ServerSettings, change: Change) -> None:
    """Refuse to read files of the server or, for strangers, to send its keys elsewhere."""
    named = [change.model or "", *(change.roles or {}).values()]
    if any(name.lower().startswith("recording:") for name in named):
        raise UsageError("a recording can't be named here; `demo` replays those that are shipped")
    if settings.tokens and change.base_url:
        raise RequestRefused(403, "foreign_endpoint", "`base_url` is the server's to choose")


def _demo(name: str, idea: str, chosen: Settings) -> tuple[str, Settings]:
    """The idea of a recorded run, and settings that replay it."""
    path, recording = recording_of(name)
    kept = {key: getattr(recording.settings, key) for key in ("thorough", "speak")}
    update = {**kept, "model": f"recording:{path}", "base_url": "", "roles": {}, "budget": None}
    return idea or recording.idea, chosen.model_copy(update=update)

"""Gates: what a run waits for, and a human's answer to it."""

from fastapi import APIRouter

from softfactory.api.access import TheDesk, TheRun, TheService
from softfactory.api.problems import responses
from softfactory.api.runs import AT_WORK, view
from softfactory.api.schemas import Answer, RunView
from softfactory.errors import NotThere
from softfactory.state.gates import Decision, GateQuestion

router = APIRouter(prefix="/v1/runs/{run}", tags=["gates"])


@router.get("/gate", responses=responses(404, 422))
async def show_gate(run: TheRun, service: TheService, desk: TheDesk) -> GateQuestion:
    """What the run waits for an answer to; 404 while it waits for nothing."""
    at_work = desk.at_work(run.id) or run.owned
    question = None if at_work else await service.question(run.id)
    if question is None:
        raise NotThere(f"run {run.id} waits for no answer")
    return question


@router.post("/gate", status_code=202, responses=AT_WORK)
async def answer_gate(run: TheRun, answer: Answer, desk: TheDesk) -> RunView:
    """Answer the question with this id, and go on; 409 if it is not what the run waits for."""
    decision = Decision.model_validate(answer.model_dump(exclude={"gate"}))
    return view(await desk.answer(run.id, answer.gate, decision), desk)

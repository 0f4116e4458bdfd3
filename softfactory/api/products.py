"""What a run has made: documents, files, changes, the whole of it, its report, its price.

Files are looked up by path in the product's newest commit, never on a disk: no path leads out.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from softfactory.api.access import TheRun, TheService
from softfactory.api.problems import responses
from softfactory.api.schemas import Bill, Commits, CommitView, Documents, FileEntry, Files, Sent
from softfactory.errors import NotThere
from softfactory.models.costs import bill, total
from softfactory.persistence.runs import Run
from softfactory.product.history import History
from softfactory.service import Service

router = APIRouter(prefix="/v1/runs/{run}", tags=["products"])
NOT_THERE = responses(404, 422)
CommitId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{40}$")]


class BetweenSteps(Sent):
    """Which steps are meant; none: the last one."""

    first: int | None = Field(default=None, ge=0, le=10**6)
    second: int | None = Field(default=None, ge=0, le=10**6)


class Between(Sent):
    """Which changes are meant."""

    commit: CommitId | None = Field(default=None, description="`id` of a commit; none: the newest")
    since: CommitId | None = Field(default=None, description="none: the commit before it")


def bytes_of(media_type: str) -> dict[int | str, dict[str, Any]]:
    """How an answer that is no JSON is documented."""
    schema = {"type": "string"} if media_type.startswith("text/") else {"format": "binary"}
    content = {media_type: {"schema": {"type": "string"} | schema}}
    return {200: {"description": "The contents", "content": content}}


class Text(Response):
    """Text of a model's: shown as it is, never as a page."""

    media_type = "text/plain"


class Markdown(Response):
    """Markdown."""

    media_type = "text/markdown"


class Zip(Response):
    """A zip file."""

    media_type = "application/zip"


class Raw(Response):
    """Any bytes."""

    media_type = "application/octet-stream"


@router.get("/documents", responses=NOT_THERE)
async def show_documents(run: TheRun, service: TheService) -> Documents:
    """What the roles have written so far."""
    state = await service.documents(run.id)
    return Documents.model_validate({k: v for k, v in state.items() if k in Documents.model_fields})


@router.get("/files", responses=NOT_THERE)
async def list_files(run: TheRun, service: TheService) -> Files:
    """The files of the product at its newest commit."""
    tree = await (await service.product(run.id)).tree()
    return Files(files=[FileEntry(path=path, blob=blob) for path, blob in tree.items()])


@router.get(
    "/files/{path:path}",
    response_class=Raw,
    responses=bytes_of("application/octet-stream") | NOT_THERE,
)
async def show_file(
    run: TheRun,
    service: TheService,
    path: Annotated[str, Path(description="as in the list of files", examples=["README.md"])],
) -> Raw:
    """The contents of a file."""
    return Raw(await file_of(service, run, path))


@router.get("/commits", responses=NOT_THERE)
async def list_commits(run: TheRun, service: TheService) -> Commits:
    """The product's history: one commit per step of a role, the newest first."""
    commits = await (await _history(service, run)).commits()
    return Commits(commits=[CommitView.model_validate(vars(commit)) for commit in commits])


@router.get("/diff", response_class=Text, responses=bytes_of("text/plain") | NOT_THERE)
async def show_diff(run: TheRun, service: TheService, between: Annotated[Between, Query()]) -> Text:
    """What a commit changed, or all that changed since another, as a unified diff."""
    return Text(await (await _history(service, run)).diff(between.commit, between.since))


@router.get("/steps/diff", response_class=Text, responses=bytes_of("text/plain") | NOT_THERE)
async def show_diff_of_steps(
    run: TheRun, service: TheService, between: Annotated[BetweenSteps, Query()]
) -> Text:
    """What a step of the run changed in the product, or what lies between two."""
    return Text(await service.diff(run.id, between.first, between.second))


@router.get("/archive", response_class=Zip, responses=bytes_of("application/zip") | NOT_THERE)
async def download(run: TheRun, service: TheService) -> Zip:
    """The product as a zip file."""
    state = await service.documents(run.id)
    name = state["prd"].name if "prd" in state else "product"
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
    return Zip(await (await _history(service, run)).zipped(name), headers=headers)


@router.get("/report", response_class=Markdown, responses=bytes_of("text/markdown") | NOT_THERE)
async def show_report(run: TheRun, service: TheService) -> Markdown:
    """What was shown by which test, and what was not; 404 until the product is delivered."""
    return Markdown(await file_of(service, run, "docs/report.md"))


@router.get("/cost", responses=NOT_THERE)
async def show_cost(run: TheRun, service: TheService) -> Bill:
    """What the run has cost, by role and skill."""
    calls = await service.paid(run.id)
    return Bill(lines=bill(calls), total=total(calls))


async def file_of(service: Service, run: Run, path: str) -> bytes:
    """The contents of a product's file.

    Raises:
        NotThere: the newest commit has no such file.
    """
    product = await service.product(run.id)
    blob = (await product.tree()).get(path)
    if blob is None:
        raise NotThere(f"the product of run {run.id} has no file {path[:200]!r} (yet)")
    return (await product.contents({path: blob}))[path]


async def _history(service: Service, run: Run) -> History:
    return History((await service.product(run.id)).folder)

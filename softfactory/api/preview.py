"""Products that are web pages, to be looked at, shut off from everything else on the server.

A page may load the files of its own product and nothing else, and its origin is nobody's: it
can't read answers of the API, and has no cookies and no storage of the server's.
"""

import hmac
import mimetypes
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from softfactory.api.access import TheRun, TheService
from softfactory.api.problems import responses
from softfactory.api.products import bytes_of, file_of
from softfactory.api.schemas import Preview, RunName
from softfactory.errors import NotThere, UnknownRun

router = APIRouter(tags=["preview"])
POLICY = (
    "default-src {files} data: blob: 'unsafe-inline' 'unsafe-eval'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)
Ticket = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="from the address that you got")]


def ticket_for(secret: bytes, run: str) -> str:
    """What opens the preview of a run to whoever has the address."""
    return hmac.digest(secret, run.encode(), "sha256").hex()[:32]


@router.get("/v1/runs/{run}/preview", responses=responses(404, 422))
async def show_preview(run: TheRun, service: TheService, request: Request) -> Preview:
    """Where the product can be looked at; 404 unless it is a web page."""
    state = await service.documents(run.id)
    if "layout" not in state or not state["layout"].entry.endswith((".html", ".htm")):
        raise NotThere(f"the product of run {run.id} is no web page (yet)")
    ticket = ticket_for(request.app.state.secret, run.id)
    return Preview(url=f"/preview/{run.id}/{ticket}/{state['layout'].entry}")


@router.get(
    "/preview/{run}/{ticket}/{path:path}",
    response_class=Response,
    responses=bytes_of("*/*") | responses(404, 422),
)
async def preview_file(
    run: RunName, ticket: Ticket, path: str, service: TheService, request: Request
) -> Response:
    """A file of the product, as its page asks for it."""
    if not hmac.compare_digest(ticket, ticket_for(request.app.state.secret, run)):
        raise UnknownRun("there is no such preview; ask for its address again")
    content = await file_of(service, await service.runs.get(run), path)
    kind, _ = mimetypes.guess_type(path)
    files = f"{request.url.scheme}://{request.url.netloc}/preview/{run}/{ticket}/"
    headers = {
        "Content-Security-Policy": POLICY.format(files=files),
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
    }
    return Response(content, media_type=kind or "application/octet-stream", headers=headers)

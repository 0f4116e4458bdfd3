"""Errors as problem details (RFC 9457): each with a stable code, all of them documented."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from softfactory.errors import (
    FolderTaken,
    GateGone,
    KeyReused,
    ModelRefused,
    NotThere,
    RequestRefused,
    RunBusy,
    SandboxUnavailable,
    ServerFull,
    SoftfactoryError,
    StorageTrouble,
    UnknownRun,
    UsageError,
)

MEDIA_TYPE = "application/problem+json"
STATUS: tuple[tuple[type[SoftfactoryError], int], ...] = (
    (UnknownRun, 404),
    (NotThere, 404),
    (GateGone, 409),
    (RunBusy, 409),
    (FolderTaken, 409),
    (KeyReused, 422),
    (ModelRefused, 422),
    (UsageError, 422),
    (ServerFull, 429),
    (SandboxUnavailable, 503),
    (StorageTrouble, 503),
)
"""The first line that fits an error counts; what fits none is a trouble of the server's."""
OF_THE_FRAMEWORK = {404: "no_such_path", 405: "no_such_method"}
"""Codes for what is refused before any operation is found."""
EXAMPLES = {
    400: "unreadable",
    401: "no_token",
    403: "foreign_origin",
    408: "slow_body",
    413: "large_body",
    421: "foreign_host",
    422: "invalid_request",
}
"""The code that is shown for a status, where it is not the first of the errors above."""
TITLES: Mapping[int, str] = {
    400: "The request can't be read",
    401: "A token is needed",
    403: "Not from there",
    404: "There is no such thing",
    405: "This can't be done with it",
    408: "The request took too long to arrive",
    409: "The run is elsewhere by now",
    413: "The request is too large",
    421: "This is not the server you mean",
    422: "The request does not fit",
    429: "Too much at once",
    500: "Trouble of the server's",
    503: "The server can't do it now",
}


class Flaw(BaseModel):
    """What is wrong with one field of a request."""

    field: str = Field(examples=["body.gates.0"])
    message: str = Field(examples=["Input should be 'prd', 'design', 'plan' or 'delivery'"])


class Problem(BaseModel):
    """Problem details (RFC 9457). Programs go by `code`, people read `detail`."""

    type: str = Field(default="about:blank", description="always about:blank: see `code`")
    title: str = Field(description="the kind of trouble; the same for the same status")
    status: int = Field(description="of the HTTP answer")
    code: str = Field(description="stable name of the reason, as gate_gone or run_busy")
    detail: str = Field(description="what is wrong here, and what to do about it")
    errors: list[Flaw] = Field(default_factory=list, description="by field, where that is known")


def problem(status: int, code: str, detail: str, errors: list[Flaw] | None = None) -> Response:
    """An answer with a problem in it."""
    told = Problem(
        title=TITLES.get(status, "Trouble"),
        status=status,
        code=code,
        detail=detail,
        errors=errors or [],
    )
    text = told.model_dump_json().encode(errors="replace")
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "5"}}.get(status, {})
    return Response(text, status, headers, MEDIA_TYPE)


def of_error(error: SoftfactoryError) -> Response:
    """The problem that an error of ours is."""
    if isinstance(error, RequestRefused):
        return problem(error.status, error.code, str(error))
    status = next((status for kind, status in STATUS if isinstance(error, kind)), 500)
    return problem(status, code_of(type(error)), str(error))


def code_of(kind: type[SoftfactoryError]) -> str:
    """The stable name of an error: that of its class, as gate_gone."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How the problems an operation may answer with are documented."""
    return {
        status: {
            "description": TITLES[status],
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "example": _example(status),
                }
            },
        }
        for status in sorted(statuses)
    }


def install(app: FastAPI) -> None:
    """Have everything that goes wrong answered with a problem."""

    @app.exception_handler(SoftfactoryError)
    async def _ours(_: Request, error: SoftfactoryError) -> Response:
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    async def _misfit(_: Request, error: RequestValidationError) -> Response:
        flaws = [
            Flaw(field=".".join(map(str, flaw["loc"])), message=flaw["msg"])
            for flaw in error.errors()
        ]
        told = "; ".join(f"{flaw.field}: {flaw.message}" for flaw in flaws[:3])
        return problem(422, "invalid_request", told, flaws)

    @app.exception_handler(HTTPException)
    async def _of_the_framework(_: Request, error: HTTPException) -> Response:
        code = OF_THE_FRAMEWORK.get(error.status_code, "http_error")
        answer = problem(error.status_code, code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def _defect(_: Request, error: Exception) -> Response:
        return problem(500, "internal_error", f"a defect of ours: {type(error).__name__}")


def _example(status: int) -> dict[str, Any]:
    code = EXAMPLES.get(status) or next(code_of(kind) for kind, of in STATUS if of == status)
    told = Problem(title=TITLES[status], status=status, code=code, detail="...")
    return told.model_dump()

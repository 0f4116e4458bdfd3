"""Who asks, and for which run: what the operations of the API are handed."""

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from softfactory.api.schemas import RunName
from softfactory.api.settings import ServerSettings, digest
from softfactory.desk import Desk
from softfactory.errors import RequestRefused, UnknownRun
from softfactory.persistence.runs import Run
from softfactory.service import Service

bearer = HTTPBearer(
    auto_error=False, description="one of SOFTFACTORY_TOKENS; none is needed where it is not set"
)


async def server_settings(request: Request) -> ServerSettings:
    """What the server was told."""
    settings: ServerSettings = request.app.state.settings
    return settings


async def desk_of(request: Request) -> Desk:
    """The desk of this server."""
    desk: Desk = request.app.state.desk
    return desk


async def service_of(request: Request) -> Service:
    """The service of this server."""
    return (await desk_of(request)).service


TheSettings = Annotated[ServerSettings, Depends(server_settings)]
TheDesk = Annotated[Desk, Depends(desk_of)]
TheService = Annotated[Service, Depends(service_of)]


async def holder(
    settings: TheSettings,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> str | None:
    """Whose runs may be seen; None: all of them, where no token is needed."""
    if not settings.tokens:
        return None
    found = settings.tokens.get(digest(given.credentials)) if given else None
    if found is None:
        raise RequestRefused(
            401, "no_token", "send one of the server's tokens: `Authorization: Bearer TOKEN`"
        )
    return found


Holder = Annotated[str | None, Depends(holder)]


async def the_run(
    service: TheService,
    whose: Holder,
    run: Annotated[RunName, Path(description="the whole name of a run", examples=["k7m2qd"])],
) -> Run:
    """The run that a path names; one of somebody else is no run."""
    try:
        found = await service.runs.get(run)
    except UnknownRun:
        found = None
    if found is None or found.id != run or whose not in (None, found.settings.holder):
        raise UnknownRun(f"{run!r} is no run")
    return found


TheRun = Annotated[Run, Depends(the_run)]

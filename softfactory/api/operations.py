"""For those who run the server: is it alive, can it work, what has it done."""

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from prometheus_client import generate_latest
from pydantic import BaseModel, Field

from softfactory import __version__
from softfactory.api.access import TheDesk, TheService, holder
from softfactory.api.problems import responses
from softfactory.api.products import bytes_of
from softfactory.errors import RequestRefused

router = APIRouter(tags=["operations"])


class Exposition(Response):
    """Metrics as Prometheus reads them."""

    media_type = "text/plain; version=0.0.4"


class Health(BaseModel):
    """The server answers."""

    version: str = Field(examples=["0.1.0"])


class Ready(BaseModel):
    """The server can work."""

    running: int = Field(description="runs that are worked on here now")


@router.get("/health")
async def health() -> Health:
    """Whether the server answers at all."""
    return Health(version=__version__)


@router.get("/ready", responses=responses(503))
async def ready(desk: TheDesk, service: TheService) -> Ready:
    """Whether its database answers, products can be run, and it takes up runs; 503 if not."""
    await service.events.newest([])
    await service.probe()
    if desk.bulletin.closed:
        raise RequestRefused(503, "shutting_down", "the server is being shut down")
    return Ready(running=desk.running)


@router.get(
    "/metrics",
    response_class=Exposition,
    responses=bytes_of("text/plain"),
    dependencies=[Depends(holder)],
)
async def metrics(desk: TheDesk) -> Exposition:
    """What this server has done since it started, for Prometheus."""
    return Exposition(generate_latest(desk.metrics))

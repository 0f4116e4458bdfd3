"""The application: a desk over the service, and every door of the API to it."""

import asyncio
import gc
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from softfactory import __version__
from softfactory.api import catalog, events, gates, operations, preview, problems, products, runs
from softfactory.api.guard import Guard
from softfactory.api.schemas import End, EventView
from softfactory.api.settings import ServerSettings
from softfactory.desk import Desk
from softfactory.desk.traces import provider_from
from softfactory.errors import SandboxUnavailable
from softfactory.service import Service, open_service

ROUTERS = (
    runs.router,
    gates.router,
    events.router,
    products.router,
    preview.router,
    catalog.router,
    operations.router,
)
SLOW = "softfactory.models.openai_compatible"
"""Takes a second to import, which the first who makes a run shall not wait for."""
ABOUT = """One idea in, a working, tested repository out.

Make a run (`POST /v1/runs`), follow its events, answer its gates, download its product.
"""


def create_app(source: Service | Path, settings: ServerSettings | None = None) -> FastAPI:
    """The HTTP API over a service, or over a data folder that is opened when the server starts.

    While it runs, `app.state.desk` is where runs are worked on; whoever mounts a page into the
    application works with that. What is called in `app.state.farewells` ends the streams that
    would keep a server from ending.

    Raises:
        UsageError: it could be reached from elsewhere without a token.
    """
    settings = settings or ServerSettings()
    settings.refuse_open()

    app = FastAPI(
        title="softfactory",
        version=__version__,
        description=ABOUT,
        lifespan=lambda app: _open(app, source, settings),
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    app.state.secret = secrets.token_bytes(32)
    app.state.farewells = []
    app.add_middleware(Guard, settings=settings)
    for router in ROUTERS:
        app.include_router(router)
    problems.install(app)
    app.openapi = lambda: description(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _open(
    app: FastAPI, source: Service | Path, settings: ServerSettings
) -> AsyncIterator[None]:
    """Hold the desk open while the server runs."""
    async with AsyncExitStack() as stack:
        if isinstance(source, Path):
            source = await stack.enter_async_context(open_service(source))
        await asyncio.to_thread(import_module, SLOW)
        gc.freeze()  # what was imported stays: nobody has to look through it for garbage
        with suppress(SandboxUnavailable):  # told by /ready, and to whoever makes a run
            await source.probe()
        provider = provider_from(os.environ)
        if provider:
            stack.push_async_callback(asyncio.to_thread, provider.shutdown)
        tracer = provider.get_tracer("softfactory") if provider else None
        desk = Desk(source, settings.limits, settings.still_seconds, tracer)
        stack.push_async_callback(desk.drain)
        app.state.desk = desk
        if settings.resume:
            await desk.resume_interrupted()
        yield


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description, with what every operation may answer."""
    if app.openapi_schema is None:
        told = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = told["components"]["schemas"]
        for kind in (problems.Problem, EventView, End):
            schemas |= _schema_of(kind)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path in told["paths"].values():
            for method, operation in path.items():
                if not app.state.settings.tokens:
                    operation.pop("security", None)
                _complete(method, operation)
        app.openapi_schema = told
    return app.openapi_schema


def _complete(method: str, operation: dict[str, Any]) -> None:
    """Add what the guard and the token check may answer."""
    also = [421]
    if operation.get("security"):
        also.append(401)
    if method != "get":
        also += [400, 403, 408, 413]
    for status, answer in problems.responses(*also).items():
        operation["responses"].setdefault(str(status), answer)


def _schema_of(kind: type[BaseModel]) -> dict[str, Any]:
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs", {})
    return {**parts, kind.__name__: schema}

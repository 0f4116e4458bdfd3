"""Where visitors wait until the page is there: Gradio takes seconds to import."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from softfactory.web.office import Office
from softfactory.web.walls import PATH, Walls


class Porch:
    """Puts the page together beside everything else that the server does."""

    _page: asyncio.Task[Any]

    def __init__(self, office: Office) -> None:
        self._office = office
        self._stack = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the page, as soon as there is one."""
        page = await asyncio.shield(self._page)
        await page(scope, receive, send)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Begin to put the page together; close it in the end."""
        self._page = asyncio.create_task(self._built())
        try:
            yield
        finally:
            await asyncio.wait([self._page])
            await self._stack.aclose()

    def farewell(self) -> None:
        """Let go of every browser that keeps a line open to say that it is still there."""
        if self._page.done() and not self._page.exception():
            self._page.result().stop_event.set()

    async def _built(self) -> Any:
        rooms = await asyncio.to_thread(importlib.import_module, "softfactory.web.page")
        house = FastAPI()
        page = rooms.mount(house, self._office)
        await self._stack.enter_async_context(house.router.lifespan_context(house))
        return page


def add_porch(app: FastAPI, office: Office) -> None:
    """Put the page beside the API; nothing of it is sent anywhere but to the browser."""
    porch = Porch(office)
    inner: Callable[[FastAPI], Any] = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with inner(app) as state, porch.open():
            yield state

    app.router.lifespan_context = lifespan
    app.state.farewells.append(porch.farewell)
    app.mount(PATH, porch)
    app.add_route("/", _to_the_page)
    app.add_middleware(Walls)


async def _to_the_page(_: Request) -> RedirectResponse:
    return RedirectResponse(f"{PATH}/")

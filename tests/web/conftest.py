"""A server with its page, and a browser that looks at it."""

import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, async_playwright

from softfactory.api import ServerSettings, create_app
from softfactory.models.port import ChatModel
from softfactory.service import open_service
from softfactory.serving import add_page
from softfactory.workplace import Outside
from tests.served import Served, listening, served_by_default

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
]
PATIENCE_MS = 150_000
"""For a machine that is busy with other things."""
Looking = Callable[..., AbstractAsyncContextManager[Page]]


@asynccontextmanager
async def with_page(
    home: Path,
    model: ChatModel,
    settings: ServerSettings | None = None,
    socket: socket.socket | None = None,
) -> AsyncIterator[Served]:
    """A server over a data folder, with this model for every run, and with its page."""
    outside = Outside(lambda *_: model, search=lambda: None, speech=lambda: None)
    async with open_service(home, outside) as service:
        app = create_app(service, settings or served_by_default(home))
        add_page(app)
        served = listening(app, at=socket)
        async with served as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
            yield Served(url, client, service, app)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser without a window."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: `apt-get install chromium`")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def looking(browser: Browser) -> Looking:
    """Opens windows of the browser, each with nothing remembered."""

    @asynccontextmanager
    async def opened(url: str, **looks: Any) -> AsyncIterator[Page]:
        context = await browser.new_context(**{"locale": "en-US", **looks})
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        await page.goto(url)
        try:
            yield page
        finally:
            await context.close()

    return opened

"""Fixtures of the tests: the page, opened in headless Chromium with its clock standing still.

To run the tests: `pip install pytest playwright`, and Chromium or Chrome must be installed.
"""

import os
import pathlib
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

ROOT = pathlib.Path(__file__).resolve().parents[1]
START = ROOT / "ENTRY"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"]
PICTURES = os.environ.get("PICTURES", "")
PATIENCE_MS = 10_000


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for all tests."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=SWITCHES)
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page, freshly opened; time passes only in `page.clock.run_for(milliseconds)`.

    A script error, an error on the console or a request to the network fails the test.
    """
    troubles: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            troubles.append(f"console: {message.text}")

    def asked(wanted: Request) -> None:
        if not wanted.url.startswith(("file:", "data:", "blob:")):
            troubles.append(f"asks the network for {wanted.url}")

    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    opened.on("pageerror", lambda error: troubles.append(f"script error: {error}"))
    opened.on("console", console)
    opened.on("request", asked)
    opened.clock.install(time=0)
    opened.clock.pause_at(1)
    opened.goto(START.as_uri())
    yield opened
    if PICTURES:
        name = re.sub(r"\W+", "-", request.node.name).strip("-")[:80]
        opened.screenshot(path=pathlib.Path(PICTURES) / f"{name}.png")
    context.close()
    assert not troubles, "; ".join(troubles)

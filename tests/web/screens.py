"""Makes the pictures of the page that its documentation shows.

uv run python -m tests.web.screens [beginning | working | delivered | trouble] ...
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from softfactory.api import ServerSettings
from softfactory.demos import recording_of
from softfactory.errors import ModelUnavailable
from softfactory.models.port import Reply, Request
from softfactory.models.recorded import RecordedModel
from softfactory.models.scripted import ScriptedModel
from tests import calculator
from tests.served import Served, defaults
from tests.web import game
from tests.web.conftest import CHROMIUM, FLAGS, PATIENCE_MS, with_page

HOME = Path("/tmp/softfactory")
PICTURES = Path(__file__).parents[2] / "docs" / "screens"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
}
SETTLE_MS = 1500
SHELVES = ("documents", "plan", "files", "changes", "tests", "preview", "graph", "log")
expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class Camera:
    """Opens windows, and takes pictures of them."""

    browser: Browser

    @asynccontextmanager
    async def window(self, url: str, **looks: Any) -> AsyncIterator[Page]:
        """A window of its own."""
        context = await self.browser.new_context(**{"locale": "en-US", **looks})
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        await page.goto(url)
        yield page
        await context.close()

    async def take(self, page: Page, name: str) -> None:
        """A picture of what is in sight, once it has settled."""
        await page.wait_for_timeout(SETTLE_MS)
        await page.screenshot(path=PICTURES / f"{name}.png")
        print(name, flush=True)

    async def run(self, served: Served, run: str, name: str, shelf: str = "", **looks: Any) -> None:
        """A picture of a run, with one of its shelves in front."""
        async with self.window(f"{served.url}/ui/?run={run}", **looks) as page:
            await expect(page.locator("#workshop .sf-head")).to_be_visible()
            if shelf:
                await bring(page, shelf)
            await self.take(page, name)


async def bring(page: Page, shelf: str) -> None:
    """Bring a shelf to the front, and on a phone into sight."""
    tab = page.locator("#shelves").get_by_role("tab").nth(SHELVES.index(shelf))
    await tab.click()
    if shelf == "files":
        await page.locator("#tree button", has_text="R3.png").click()


async def beginning(camera: Camera) -> None:
    """Before there is any run."""
    nobody = ServerSettings(defaults=defaults(HOME).model_copy(update={"model": ""}))
    async with with_page(HOME, ScriptedModel({}), nobody) as served:
        for name, looks in (("begin", DESK), ("phone-begin", PHONE)):
            async with camera.window(f"{served.url}/ui/", **looks) as page:
                await page.fill("#idea textarea", game.IDEA)
                await camera.take(page, name)


async def working(camera: Camera) -> None:
    """The gate, and the company at work."""
    async with with_page(HOME, ScriptedModel(game.unopened(), seconds=4)) as served:
        run = await served.create(idea=game.IDEA)
        await served.rest(run)
        chinese = PHONE | {"locale": "zh-CN"}
        for name, looks in (("gate", DESK), ("phone-gate", PHONE), ("phone-gate-zh", chinese)):
            await camera.run(served, run, name, **looks)
        for name, looks in (("edit", DESK), ("phone-edit", PHONE)):
            async with camera.window(f"{served.url}/ui/?run={run}", **looks) as page:
                await page.locator("#gate").get_by_role("tab").nth(1).click()
                await camera.take(page, name)
        async with AsyncExitStack() as windows:
            address = f"{served.url}/ui/?run={run}"
            desk = await windows.enter_async_context(camera.window(address, **DESK))
            phone = await windows.enter_async_context(camera.window(address, **PHONE))
            for page in (desk, phone):
                await expect(page.locator("#gate")).to_be_visible()
            await served.answer(run, "approve")
            now = desk.locator("ol.sf-stages li.sf-now")
            await expect(now).to_contain_text("Code")
            await camera.take(desk, "code")
            await camera.take(phone, "phone-code")
            await expect(now).to_contain_text("Test")
            await bring(desk, "tests")
            await camera.take(desk, "testing")
            await served.rest(run)
        for name, looks in (("log", DESK), ("phone-log", PHONE)):
            await camera.run(served, run, name, "log", **looks)


async def delivered(camera: Camera) -> None:
    """A recorded run, from its gate to what was made."""
    async with with_page(HOME, RecordedModel(recording_of("snake")[1])) as served:
        run = await served.create(demo="snake", idea="")
        await served.rest(run)
        await camera.run(served, run, "phone-recording", **PHONE)
        await served.answer(run, "approve")
        await served.rest(run)
        await camera.run(served, run, "delivered", **DESK)
        for shelf in ("tests", "changes", "files", "graph"):
            await camera.run(served, run, shelf, shelf, **DESK)
        await camera.run(served, run, "phone-delivered", **PHONE)
        await camera.run(served, run, "phone-tests", "tests", **PHONE)


async def trouble(camera: Camera) -> None:
    """A budget too small for the next call, and a model that can't be reached."""
    async with with_page(HOME, ScriptedModel(calculator.straight())) as served:
        budget = {"amount": 6000, "unit": "tokens"}
        run = await served.create(gates=[], budget=budget)
        await served.rest(run)
        await camera.run(served, run, "budget-dark", **DESK, color_scheme="dark")
    async with with_page(HOME, Unreachable(calculator.straight())) as served:
        run = await served.create(
            model="llama3", base_url="https://models.example.com/v1", gates=[]
        )
        await served.rest(run)
        await camera.run(served, run, "paused", **DESK)


class Unreachable(ScriptedModel):
    """Answers until the product is to be designed."""

    async def reply(self, request: Request) -> Reply:
        """Go away in the middle."""
        if request.skill == "design_api":
            raise ModelUnavailable(
                "model 'llama3' at models.example.com can't be reached: Connection error. (tried "
                "6 times); `softfactory resume RUN` goes on when it is better"
            )
        return await super().reply(request)


SCENES = {scene.__name__: scene for scene in (beginning, working, delivered, trouble)}


async def taken(scenes: Collection[str]) -> None:
    """Take the pictures of these, one scene after the other."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for scene in scenes:
            await SCENES[scene](Camera(browser))
        await browser.close()


def main(scenes: Collection[str]) -> None:
    """Take them over a data folder that nobody else has."""
    if unknown := [*set(scenes) - set(SCENES)]:
        sys.exit(f"{unknown[0]!r} is no scene; there are {', '.join(SCENES)}")
    HOME.mkdir()
    try:
        asyncio.run(taken(scenes))
    finally:
        shutil.rmtree(HOME)


if __name__ == "__main__":
    main(sys.argv[1:] or SCENES)

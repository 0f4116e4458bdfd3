"""What is in sight, at the widths of a desk, of half a desk, and of a phone."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from softfactory.models.scripted import ScriptedModel
from softfactory.web.welcome import RUNS_IN_SIGHT
from tests import calculator
from tests.web import game
from tests.web.conftest import PATIENCE_MS, Looking, with_page

expect.set_options(timeout=PATIENCE_MS)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (820, 800), (390, 844)])
async def test_all_tabs_and_the_whole_game_are_in_sight_at_every_width(
    home: Path, looking: Looking, width: int, height: int
) -> None:
    size = {"width": width, "height": height}
    async with with_page(home, ScriptedModel(game.unopened())) as served:
        run = await served.delivered(idea=game.IDEA)
        async with looking(f"{served.url}/ui/?run={run}", viewport=size) as page:
            tabs = page.locator("#shelves").get_by_role("tab")
            await expect(tabs).to_have_count(8)
            for tab in await tabs.all():
                await expect(tab).to_be_in_viewport()
            await expect(page.get_by_label("More tabs")).to_be_hidden()
            frame = await page.locator("#preview iframe").bounding_box()
            assert frame is not None
            assert frame["y"] < height / 3
            assert frame["height"] <= height
            assert frame["width"] >= min(width - 30, 400)
            if width > 1000:
                assert frame["y"] + frame["height"] <= height
            assert await page.evaluate("document.documentElement.scrollWidth") <= width

            await page.add_init_script("window.roomAtFirst = innerWidth")
            await page.reload()
            body = page.frame_locator("#preview iframe").locator("body")
            assert await body.evaluate("roomAtFirst") >= min(width - 32, 398)


async def test_few_runs_stand_above_the_examples_and_older_ones_are_folded_away(
    home: Path, looking: Looking
) -> None:
    async with with_page(home, ScriptedModel(calculator.straight())) as served:
        runs = [await served.create(idea="word " * 60) for _ in range(RUNS_IN_SIGHT + 2)]
        async with looking(f"{served.url}/ui/") as page:
            await expect(page.locator("#runs a").first).to_have_attribute(
                "href", f"?run={runs[-1]}"
            )
            await expect(page.locator("#runs a")).to_have_count(len(runs))
            await expect(page.locator("#runs a:visible")).to_have_count(RUNS_IN_SIGHT)
            await page.get_by_text("2 older ones").click()
            await expect(page.locator("#runs a:visible")).to_have_count(len(runs))
            above = await page.locator("#runs a").first.bounding_box()
            below = await page.locator("#examples .sf-card").first.bounding_box()
            assert above is not None
            assert below is not None
            assert above["y"] < below["y"]
            assert above["height"] < 60

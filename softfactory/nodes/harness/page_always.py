"""What must hold for every page."""

from playwright.sync_api import Page


def test_the_page_opens_and_shows_something(page: Page) -> None:
    box = page.locator("body").bounding_box()
    assert box is not None
    assert box["height"] > 0
    assert page.locator("body *:visible").count() > 0


def test_the_page_fits_the_width_of_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 391, f"the page is {width} pixels wide on a screen of 390"

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from softfactory.errors import EnvironmentFailed
from softfactory.sandbox import (
    BROWSER_LIMITS,
    Browser,
    Command,
    Environments,
    ProductEnvironment,
    Sandbox,
    find_browser,
    read_pictures,
)

PAGE = """<!doctype html><p id="score">score 0</p><script>
let keys = 0
addEventListener("keydown", () => { score.textContent = "score " + ++keys })
</script>"""
TEST = """
import os
from pathlib import Path
from playwright.sync_api import sync_playwright

def test_a_key_counts():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ["BROWSER"], args=os.environ["BROWSER_FLAGS"].split()
        )
        for _ in range(3):
            page = browser.new_context().new_page()
            page.goto(Path("index.html").resolve().as_uri())
            page.keyboard.press("ArrowLeft")
            assert page.text_content("#score") == "score 1"
            page.screenshot(path="shots/one.png")
            page.context.close()
        browser.close()
"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[ProductEnvironment]:
    """An environment with Playwright, where it has been downloaded before."""
    with tempfile.TemporaryDirectory(prefix="home-") as name, pytest.MonkeyPatch.context() as patch:
        Path(name).chmod(0o755)
        patch.setenv("UV_OFFLINE", "1")
        patch.setenv("PIP_NO_INDEX", "1")
        try:
            yield asyncio.run(Environments(Path(name)).prepare(["playwright"]))
        except EnvironmentFailed as error:
            pytest.skip(str(error))


async def found(sandbox: Sandbox) -> Browser:
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    browser = await find_browser(sandbox)
    assert browser, "chromium is installed, but doesn't run in the sandbox"
    return browser


async def test_chromium_shows_a_page_and_leaves_a_picture(sandbox: Sandbox, checkout: Path) -> None:
    browser = await found(sandbox)
    (checkout / "index.html").write_text(PAGE)
    (checkout / "shots").mkdir()
    words = ("--headless", *browser.flags, "--screenshot=shots/one.png", "index.html")
    command = Command((browser.executable, *words), checkout, BROWSER_LIMITS)
    result = await sandbox.run(command)
    assert (result.exit_code, result.reason) == (0, "exit"), result
    assert len(read_pictures(checkout, "shots")["one.png"]) > 1000


async def test_a_page_is_played_through_playwright(
    sandbox: Sandbox, checkout: Path, playwright: ProductEnvironment
) -> None:
    browser = await found(sandbox)
    (checkout / "index.html").write_text(PAGE)
    (checkout / "test_page.py").write_text(TEST)
    words = (str(playwright.python), "-m", "pytest", "-q", "-p", "no:cacheprovider")
    told = {"BROWSER": browser.executable, "BROWSER_FLAGS": " ".join(browser.flags)}
    readable = (*playwright.readable, *browser.readable)
    result = await sandbox.run(Command(words, checkout, BROWSER_LIMITS, told, readable))
    assert (result.exit_code, result.reason) == (0, "exit"), result.stdout[-3000:]
    assert list(read_pictures(checkout, "shots")) == ["one.png"]


@pytest.fixture
def broken() -> Iterator[Path]:
    """A folder of browsers that only say what to install."""
    with tempfile.TemporaryDirectory(prefix="broken-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "chromium").write_text("#!/bin/sh\necho use another package manager >&2\n")
        (folder / "chromium").chmod(0o755)
        for other in ("chromium-browser", "google-chrome", "google-chrome-stable"):
            (folder / other).symlink_to("chromium")
        yield folder


async def test_a_browser_that_does_not_run_in_the_sandbox_is_no_browser(
    broken: Path, monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")
    assert await find_browser(sandbox) is None

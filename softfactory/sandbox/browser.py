"""The browser for products that are web pages: the system's Chromium, if it runs in the sandbox."""

import asyncio
import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox.interface import MIB, Command, Limits, Sandbox
from softfactory.sandbox.scratch import discard

BROWSER_LIMITS = Limits(
    wall_s=120,
    cpu_s=120,
    memory_bytes=1536 * MIB,
    processes=512,  # of threads, a browser has a hundred
    open_files=4096,
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
_PAGE = "<!doctype html><p id=p></p><script>p.textContent = 6 * 7 + ' is shown'</script>"
_SHOWN = "42 is shown"


@dataclass(frozen=True)
class Browser:
    """A browser, what to start it with, and what a sandbox must show for it.

    The sandbox is the only wall around it: the browser's own needs namespaces.
    """

    executable: str
    flags: tuple[str, ...] = _FLAGS
    readable: tuple[Path, ...] = ()


async def find_browser(sandbox: Sandbox) -> Browser | None:
    """Return a browser that can be shown to run a page in this sandbox, or None."""
    for name in _NAMES:
        path = await asyncio.to_thread(shutil.which, name)
        if path is None:
            continue
        browser = Browser(path, readable=await asyncio.to_thread(_elsewhere, Path(path)))
        if await _shows_a_page(browser, sandbox):
            return browser
    return None


def _elsewhere(path: Path) -> tuple[Path, ...]:
    """The folder of a browser that isn't installed below /usr."""
    real = path.resolve()
    return () if real.is_relative_to("/usr") else (real.parent,)


async def _shows_a_page(browser: Browser, sandbox: Sandbox) -> bool:
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="softfactory-"))
    try:
        await asyncio.to_thread((folder / "index.html").write_text, _PAGE)
        await asyncio.to_thread(os.chmod, folder / "index.html", 0o644)
        words = ("--headless", *browser.flags, "--dump-dom", "index.html")
        command = Command(
            (browser.executable, *words),
            folder,
            replace(BROWSER_LIMITS, wall_s=30),
            readable=browser.readable,
        )
        return _SHOWN in (await sandbox.run(command)).stdout
    except SandboxUnavailable:  # its folder can't be shown
        return False
    finally:
        await asyncio.to_thread(discard, folder)

"""A product's page in a real browser, opened by its address: it reaches nothing of the server's."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import async_playwright

from softfactory.models.scripted import ScriptedModel
from softfactory.product.repository import Change
from tests import calculator
from tests.served import serving
from tests.web.conftest import CHROMIUM, FLAGS, PATIENCE_MS

HOSTILE = """<!doctype html><title>Evil</title><script type="module">
const tried = [];
async function attempt(name, what) { try { await what(); tried.push(name); } catch { } }
const post = { method: "POST", mode: "no-cors", body: '{"idea": "stolen"}' };
await attempt("get", () => fetch("/v1/runs"));
await attempt("post", () => fetch("/v1/runs", post));
await attempt("own", () => fetch("calc.py"));
await attempt("script", () => import("/v1/runs"));
await attempt("worker", () => new Worker("/v1/runs"));
await attempt("storage", () => localStorage.setItem("a", "b"));
await attempt("cookie", () => { document.cookie = "a=b"; });
await attempt("request", () => new Promise((done, failed) => {
  const request = new XMLHttpRequest();
  request.onload = done; request.onerror = failed;
  request.open("GET", "/v1/models"); request.send();
}));
await attempt("image", () => new Promise((done, failed) => {
  const image = new Image();
  image.onload = done; image.onerror = failed; image.src = "/v1/runs";
}));
await attempt("socket", () => new Promise((done, failed) => {
  const socket = new WebSocket(`ws://${location.host}/ui`);
  socket.onopen = done; socket.onerror = failed;
}));
navigator.sendBeacon("/v1/runs", '{"idea": "stolen"}');
const form = document.createElement("form");
Object.assign(form, { method: "post", action: "/v1/runs" });
document.body.append(form);
form.submit();
window.open("/v1/runs");
setTimeout(() => { document.title = "did: " + tried.join(", "); }, 500);
</script>"""


class Heard:
    """Notes what is asked of an application."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.paths: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.paths.append(scope.get("path", ""))
        await self._app(scope, receive, send)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium: `apt-get install chromium`")
async def test_a_page_of_a_product_reaches_its_own_files_and_nothing_else_in_a_browser(
    home: Path,
) -> None:
    design = calculator.small(layout=calculator.LAYOUT.model_copy(update={"entry": "calc.html"}))
    model = ScriptedModel(calculator.straight() | {"design_api": [design]})
    async with serving(home, model) as served, async_playwright() as playwright:
        run = await served.delivered()
        product = await served.service.product(run)
        page_of_it = Change("Human", "A page", {"calc.html": HOSTILE})
        await product.commit(page_of_it)
        url = (await served.client.get(f"/v1/runs/{run}/preview")).json()["url"]
        heard = served.app.middleware_stack = Heard(served.app.middleware_stack)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page()
        await page.goto(served.url + url)
        await page.wait_for_function("document.title.startsWith('did')", timeout=PATIENCE_MS)
        assert await page.title() == "did: own"
        await browser.close()
        assert [one["id"] for one in (await served.client.get("/v1/runs")).json()["runs"]] == [run]
        asked = heard.paths[: heard.paths.index("/v1/runs")]
        folder = url.rpartition("/")[0]
        assert {path for path in asked if not path.startswith(folder)} <= {"/favicon.ico"}

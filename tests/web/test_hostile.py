"""Text of a hostile model, and a hostile product, do nothing to the page."""

from pathlib import Path

from playwright.async_api import expect

from softfactory.models.scripted import ScriptedModel
from softfactory.state.documents import PRD, Document
from tests import calculator
from tests.web import game
from tests.web.conftest import Looking, with_page
from tests.web.test_page import GATE, HEAD, shelf

OUTSIDE = "http://evil.invalid/"
EVIL = (
    "<script>top.hacked=1</script><img src=x onerror=top.hacked=2>${Object.assign(top,{hacked:3})}"
    "`${globalThis.hacked=4}`</textarea>\"'><svg onload=top.hacked=5>{{value}}"
    f"![p]({OUTSIDE}p.png)[l](javascript:top.hacked=6)"
)
HOSTILE_PAGE = f"""<!doctype html><html><head><meta charset="utf-8"><title>Evil</title></head><body>
<div id="board"></div><p id="said">Put all lights out</p><p id="tried">nothing</p>
<script src="game.js"></script>
<script>
const tried = [];
function attempt(name, what) {{ try {{ what(); tried.push(name); }} catch (error) {{}} }}
attempt("top", () => {{ top.hacked = 7; }});
attempt("parent", () => parent.document.body.remove());
attempt("storage", () => localStorage.setItem("a", "b"));
attempt("cookie", () => {{ document.cookie = "a=b"; }});
attempt("away", () => {{ top.location = "{OUTSIDE}"; }});
fetch("/v1/runs").then(() => tried.push("api"), () => 0)
  .then(() => fetch("{OUTSIDE}")).then(() => tried.push("net"), () => 0)
  .then(() => {{ document.getElementById("tried").textContent = "did: " + tried.join(","); }});
</script></body></html>
"""


def poisoned(document: Document, known: tuple[str, ...]) -> PRD:
    """A PRD with a script in every free text."""

    def walk(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            return {name: walk(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [walk(item, key) for item in value]
        is_free = isinstance(value, str) and key not in known
        return f"{value} {EVIL}"[:600] if is_free else value

    return PRD.model_validate(walk(document.model_dump()))


HOSTILE_PRD = poisoned(
    game.PRD.model_copy(update={"open_questions": ["Sounds?"]}),
    ("name", "language", "size", "id", "priority", "low", "high"),
)


def hostile() -> calculator.Script:
    """A model that puts scripts wherever it may write."""
    evil_design = game.DESIGN.model_copy(
        update={
            "kind": "library",  # tests of a page would not let this one pass
            "approach": f"x {EVIL}",
            "data": f"y {EVIL}\n\n```mermaid\ngraph TD; a[{EVIL}]\n```",
        }
    )
    return game.straight() | {
        "write_prd": [HOSTILE_PRD],
        "design_api": [
            calculator.small(evil_design, game.LAYOUT.model_copy(update={"usage": EVIL}))
        ],
        "write_code": [{"index.html": HOSTILE_PAGE, "game.js": f"/* {EVIL} */\n{game.RULES}"}],
        "write_test": [{"tests/game.test.js": game.TESTS + f"\n// {EVIL}\n"}],
    }


async def test_scripts_in_every_text_of_a_model_and_in_the_product_do_nothing(
    home: Path, looking: Looking
) -> None:
    async with with_page(home, ScriptedModel(hostile())) as served:
        run = await served.create(idea=f"{game.IDEA} {EVIL}")
        async with looking(f"{served.url}/ui/?run={run}") as page:
            asked: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.on("requestfailed", lambda request: asked.remove(request.url))
            await page.locator("#gate").get_by_role("tab").nth(1).click()
            await page.click(GATE)
            await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
            tried = page.frame_locator("#preview iframe").locator("#tried")
            await expect(tried).to_have_text("did: ")
            for number in range(8):
                await shelf(page, number)
                await page.wait_for_timeout(300)
            await page.get_by_role("link", name="l", exact=True).count()
            assert await page.evaluate("window.hacked") is None
            assert (
                await page.locator("img[onerror], svg[onload], a[href^='javascript']").count() == 0
            )
            assert page.url.startswith(served.url)
            await page.goto(f"{served.url}/ui/")
            await expect(page.locator("#runs a")).to_be_visible()
            assert await page.evaluate("window.hacked") is None
        assert not [url for url in asked if "evil.invalid" in url]

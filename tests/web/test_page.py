"""The page in a browser: from the idea to the game, through the gate, in two languages."""

import asyncio
import re
from contextlib import AsyncExitStack
from itertools import chain
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from softfactory.api import ServerSettings, tokens_from
from softfactory.api.server import bound
from softfactory.config import Budget
from softfactory.demos import recording_of
from softfactory.models.presets import PRESETS, key_variables
from softfactory.models.recorded import RecordedModel, read_recording
from softfactory.models.scripted import ScriptedModel
from softfactory.state.gates import Decision
from tests import calculator
from tests.served import ALICE, TOKENS, Served, defaults
from tests.web import game
from tests.web.conftest import PATIENCE_MS, Looking, with_page

expect.set_options(timeout=PATIENCE_MS)
GATE = "#gate button.sf-approve"
HEAD = "#workshop .sf-head"


async def begin(page: Page, idea: str = game.IDEA) -> str:
    """Send an idea; the name of the run."""
    await page.fill("#idea textarea", idea)
    await page.click("#build")
    await page.wait_for_url(re.compile(r"\?run="))
    return page.url.partition("run=")[2]


async def shelf(page: Page, number: int) -> None:
    """Bring a shelf to the front."""
    await page.locator("#shelves").get_by_role("tab").nth(number).click()


async def built(page: Page, served: Served, button: str) -> str:
    """From the idea through the gate, where the title is edited, to the game; the run's name."""
    run = await begin(page)
    await expect(page.locator("#gate")).to_contain_text("A press flips a light")
    await page.locator("#gate").get_by_role("tab").nth(1).click()
    await page.locator("#gate-editor .cm-content").click()
    text = (await served.service.documents(run))["prd"].model_dump_json()
    await page.keyboard.press("Control+a")
    await page.keyboard.insert_text(text.replace("Lights Out", "Lumen"))
    await page.click(f"#gate button.sf-{button}")

    await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
    board = page.frame_locator("#preview iframe")
    await expect(board.locator("#said")).to_have_text("Put all lights out")
    await board.get_by_label("light 5").click()
    await expect(board.locator("#said")).to_have_text("Won in 1 press")
    assert (await served.service.documents(run))["prd"].title == "Lumen"
    return run


async def test_an_idea_becomes_a_game_that_is_played_in_the_page_and_again_from_its_recording(
    home: Path, looking: Looking
) -> None:
    """Edited requirements are heeded, whichever of the two buttons is pressed."""
    asked, recording = list[str](), home.with_name("lights-out.jsonl")
    scripted = ScriptedModel(game.unopened())
    async with with_page(home, scripted) as served, looking(f"{served.url}/ui/") as page:
        page.on("request", lambda request: asked.append(request.url))
        run = await built(page, served, "edit")
        await look_at_shelves(page)
        await served.service.export(run, recording, "Lights Out, with another title")
    recorded = RecordedModel(read_recording(recording))
    async with with_page(home, recorded) as served, looking(f"{served.url}/ui/") as page:
        page.on("request", lambda request: asked.append(request.url))
        again = await built(page, served, "approve")
        assert len(await served.service.paid(again)) == len(scripted.asked)
    assert {urlsplit(url).hostname for url in asked if url.startswith("http")} == {"127.0.0.1"}


async def look_at_shelves(page: Page) -> None:
    """See that every shelf of a delivered run has something on it."""
    await shelf(page, 0)
    await expect(page.locator("#shelves svg[aria-roledescription]").first).to_be_visible()
    await shelf(page, 2)
    folders = await page.locator("#tree b").all_inner_texts()
    assert len(folders) == len(set(folders))
    await expect(page.locator("#tree .sf-picked")).to_have_count(1)
    await page.click("#tree button:has-text('game.js')")
    await expect(page.locator("#code")).to_contain_text("function press")
    await expect(page.locator("#tree .sf-picked")).to_have_text("game.js")
    await shelf(page, 3)
    await expect(page.locator("#commits button >> nth=0")).to_have_class("sf-picked")
    await page.click("#commits button >> nth=-1")
    await expect(page.locator("#diff .sf-plus").first).to_be_visible()
    await expect(page.locator("#commits button >> nth=-1")).to_have_class("sf-picked")
    await shelf(page, 4)
    await expect(page.locator("#tests")).to_contain_text("R1: a press in the middle lights five")
    await shelf(page, 6)
    await expect(page.locator("#graph .sf-done").first).to_be_visible()
    await shelf(page, 7)
    await expect(page.locator("#log")).to_contain_text("Fork here")


async def test_a_reload_at_any_moment_changes_nothing(home: Path, looking: Looking) -> None:
    model = ScriptedModel(game.unopened(), seconds=0.3)
    async with with_page(home, model) as served, looking(f"{served.url}/ui/") as page:
        run = await begin(page)
        await page.reload()
        await expect(page.locator(GATE)).to_be_visible()
        await page.reload()
        await page.click(GATE)
        for _ in range(2):
            await expect(page.locator(f"{HEAD} h1")).to_have_text("Lights Out")
            await page.reload()
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
        assert served.app.state.desk.running == 0
        assert len(await served.service.paid(run)) == len(model.asked)


async def test_a_gate_that_another_one_answered_is_refused_and_a_double_click_answers_once(
    home: Path, looking: Looking
) -> None:
    model = ScriptedModel(calculator.straight(), seconds=0.2)
    async with with_page(home, model) as served, looking(f"{served.url}/ui/") as page:
        run = await begin(page, calculator.IDEA)
        await expect(page.locator(GATE)).to_be_visible()
        question = await served.service.question(run)
        assert question is not None

        await page.click("#gate button.sf-revise")
        complaint = page.locator("#gate .sf-complaint").first
        await expect(complaint).to_contain_text("Say what should be")
        await page.fill("#gate-feedback textarea", "in blue")
        await expect(complaint).to_be_hidden()
        await page.locator("#gate-identity textarea, #gate-identity input").evaluate(
            "box => { box.value = 'stale'; box.dispatchEvent(new Event('input')); }"
        )
        await page.click(GATE)
        await expect(page.locator("#gate .sf-complaint").first).to_contain_text("no longer open")

        await page.reload()
        await page.locator(GATE).dblclick()
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
        assert len(model.questions("design_api")) == 1
        await expect(page.locator("#shelves")).to_contain_text("What was printed")
        await expect(page.locator("#shelves")).to_contain_text("$ python calc.py")


async def test_changes_are_asked_for_in_words_and_the_run_is_stopped_and_resumed(
    home: Path, looking: Looking
) -> None:
    model = ScriptedModel(calculator.straight(), seconds=0.4)
    async with with_page(home, model) as served, looking(f"{served.url}/ui/") as page:
        await begin(page, calculator.IDEA)
        await page.fill("#gate-feedback textarea", "no accounts, please")
        await page.click("#gate button.sf-revise")
        await expect(page.locator("#talk")).to_contain_text("Asked for changes")
        assert "no accounts" in model.questions("write_prd")[-1]
        await page.click(GATE)
        await page.get_by_role("button", name="Stop", exact=True).first.click()
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("stopped")
        await page.get_by_role("button", name="Resume", exact=True).click()
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="Download", exact=True).click()
        assert (await coming.value).suggested_filename == "calculator.zip"


async def test_a_chinese_browser_is_spoken_to_in_chinese_on_a_phone(
    home: Path, looking: Looking
) -> None:
    phone = {"locale": "zh-CN", "viewport": {"width": 390, "height": 844}, "has_touch": True}
    model = ScriptedModel(calculator.straight(), seconds=0.3)
    async with with_page(home, model) as served, looking(f"{served.url}/ui/", **phone) as page:
        await expect(page.get_by_text("想做一个什么软件？")).to_be_visible()
        await begin(page, calculator.IDEA)
        await expect(page.locator(GATE)).to_have_text("批准")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.tap(GATE)
        stop = await page.locator("#top-buttons").get_by_role("button", name="停止").bounding_box()
        assert stop is not None
        assert 0 <= stop["x"] <= 390 - stop["width"]
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("已交付")


async def test_a_page_at_rest_moves_next_to_nothing_and_leaves_no_follower_behind(
    home: Path, looking: Looking
) -> None:
    settings = ServerSettings(defaults=defaults(home), still_seconds=1)
    async with with_page(home, ScriptedModel(calculator.straight()), settings) as served:
        run = await served.delivered()
        async with looking(f"{served.url}/ui/?run={run}") as page:
            await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
            await page.wait_for_timeout(1500)
            wire = await page.context.new_cdp_session(page)
            moved = 0

            def count(event: dict[str, float]) -> None:
                nonlocal moved
                moved += int(event["encodedDataLength"])

            wire.on("Network.dataReceived", count)
            await wire.send("Network.enable")
            await page.wait_for_timeout(5000)
            assert moved < 5 * 10_000
            assert len(served.app.state.desk.bulletin._followers) == 1
        for _ in range(100):
            if not served.app.state.desk.bulletin._followers:
                break
            await asyncio.sleep(0.1)
        assert not served.app.state.desk.bulletin._followers


async def test_runs_of_others_are_seen_by_nobody_without_their_token(
    home: Path, looking: Looking
) -> None:
    settings = ServerSettings(tokens=tokens_from(TOKENS), defaults=defaults(home))
    async with with_page(home, ScriptedModel(calculator.straight()), settings) as served:
        async with served.as_(ALICE) as alice:
            answer = await alice.post("/v1/runs", json={"idea": "Alice's own calculator"})
        assert answer.status_code == 201
        refused = await served.client.post("/ui/gradio_api/queue/join", json={"data": []})
        assert refused.status_code == 401
        async with looking(f"{served.url}/ui/") as page:
            await page.locator("input").nth(0).fill("bob")
            await page.locator("input").nth(1).fill("bobs-token-0123456789")
            await page.get_by_role("button").first.click()
            await expect(page.locator("#runs .sf-runs")).to_be_attached()
            await expect(page.locator("#runs a")).to_have_count(0)
            await page.goto(f"{served.url}/ui/?run={answer.json()['id']}")
            await expect(page.get_by_text("There is no such run.")).to_be_visible()


async def test_doors_that_the_page_has_no_use_for_are_shut(home: Path) -> None:
    async with with_page(home, ScriptedModel(calculator.straight())) as served:
        for door in ("upload", "file=/etc/passwd", "proxy=http://127.0.0.1/", "info", "vibe-edit"):
            answer = await served.client.get(f"/ui/gradio_api/{door}")
            assert answer.status_code == 404
        assert (await served.client.get("/")).headers["location"] == "/ui/"
        page = await served.client.get("/ui/")
        assert "connect-src 'self'" in page.headers["content-security-policy"]
        body = b" " * 2_000_000
        assert (
            await served.client.post("/ui/gradio_api/queue/join", content=body)
        ).status_code == 413


async def test_answers_given_elsewhere_are_seen_in_the_page(home: Path, looking: Looking) -> None:
    async with with_page(home, ScriptedModel(calculator.straight())) as served:
        run = await served.create()
        async with looking(f"{served.url}/ui/?run={run}") as page:
            await expect(page.locator(GATE)).to_be_visible()
            question = await served.service.question(run)
            assert question is not None
            await served.service.work(run, Decision(action="approve"), question.id)
            await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
            await expect(page.locator("#gate")).to_be_hidden()


async def test_a_step_is_forked_at_from_the_log_and_a_word_reaches_the_company(
    home: Path, looking: Looking
) -> None:
    model = ScriptedModel(calculator.straight())
    async with with_page(home, model) as served:
        run = await served.create()
        async with looking(f"{served.url}/ui/?run={run}") as page:
            await expect(page.locator(GATE)).to_be_visible()
            await page.fill("#say textarea", "Print nothing else")
            await page.get_by_role("button", name="Send", exact=True).click()
            await expect(page.locator("#talk")).to_contain_text("Print nothing else")
            await page.click(GATE)
            await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
            assert "Print nothing else" in model.questions("design_api")[-1]
            await shelf(page, 7)
            await page.click("#log .sf-steps tr:nth-of-type(2) button")
            await page.wait_for_url(lambda url: "run=" in url and run not in url)
            await expect(page.locator(f"{HEAD} h1")).to_have_text("Calculator")
            await expect(page.locator(f"{HEAD} a")).to_have_attribute("href", f"?run={run}")
            await expect(page.locator("#talk")).to_contain_text(f"a fork of {run}, at step 1")


async def test_a_step_is_undone_at_the_second_click_only(home: Path, looking: Looking) -> None:
    async with with_page(home, ScriptedModel(calculator.straight())) as served:
        run = await served.delivered()
        last = (await served.service.steps(run))[-1].number
        async with looking(f"{served.url}/ui/?run={run}") as page:
            await shelf(page, 7)
            undo = page.locator("#log .sf-steps [data-value=undo]")
            await expect(undo).to_have_text(f"Undo step {last}: Delivery")
            await undo.click()
            await expect(undo).to_contain_text("Press again")
            assert (await served.service.runs.get(run)).status == "delivered"
            await undo.click()
            await expect(page.locator("#talk")).to_contain_text(f"undid step {last}")


async def test_another_version_of_what_is_delivered_is_wished_for_in_words(
    home: Path, looking: Looking
) -> None:
    model = ScriptedModel(calculator.straight())
    async with with_page(home, model) as served:
        run = await served.delivered()
        async with looking(f"{served.url}/ui/?run={run}") as page:
            await page.fill("#say textarea", "It shall know powers")
            await page.get_by_role("button", name="Make another version").click()
            await page.wait_for_url(lambda url: "run=" in url and run not in url)
            await expect(page.locator("#talk")).to_contain_text("Asked for changes")
            await expect(page.locator(GATE)).to_be_visible()
            assert "It shall know powers" in model.questions("write_prd")[-1]


async def test_a_recording_says_that_it_hears_no_wishes_and_takes_one_back_that_came_elsewhere(
    home: Path, looking: Looking
) -> None:
    model = RecordedModel(recording_of("snake")[1])
    async with with_page(home, model) as served, looking(f"{served.url}/ui/") as page:
        await page.fill("#idea textarea", "An idea that is kept")
        await page.click("#examples button[data-value=snake]")
        await expect(page.locator(GATE)).to_be_visible()
        await expect(page.locator("#gate")).to_contain_text("can only be approved as it is")
        for wish in ("#gate .sf-revise", "#gate .sf-edit", "#gate-feedback", "#say textarea"):
            await expect(page.locator(wish)).to_be_hidden()
        await expect(page.locator("#gate").get_by_role("tab").nth(1)).to_be_hidden()

        answer = await served.answer(page.url.partition("run=")[2], "revise", feedback="in blue")
        assert answer.status_code == 202
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("failed")
        await expect(page.get_by_role("button", name="Resume", exact=True)).to_be_hidden()
        await page.get_by_role("button", name="Back to the question").click()

        await page.click(GATE)
        await page.get_by_role("button", name="Stop", exact=True).click()
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("stopped")
        await page.get_by_role("button", name="Resume", exact=True).click()
        await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
        await shelf(page, 7)
        await expect(page.locator("#log")).to_contain_text("delivered")
        assert await page.locator("#log button").count() == 0

        await page.get_by_role("link", name="run of your own").click()
        await expect(page.locator("#idea textarea")).to_have_value("An idea that is kept")


async def test_more_settings_of_the_form_are_those_of_the_run_and_no_others(
    home: Path, looking: Looking
) -> None:
    model = ScriptedModel(calculator.straight())
    async with with_page(home, model) as served, looking(f"{served.url}/ui/") as page:
        await page.get_by_role("button", name="More settings").click()
        address = "http://127.0.0.1:9/v1"
        await page.get_by_label("Address of an OpenAI-compatible endpoint").fill(address)
        await page.get_by_label("Budget").fill("200k")
        run = await served.service.runs.get(await begin(page, calculator.IDEA))
        assert (run.settings.base_url, run.settings.roles) == (address, {})
        assert run.settings.budget == Budget(amount=200_000, unit="tokens")


async def test_a_run_that_asked_at_a_wrong_address_goes_on_at_the_right_one(
    home: Path, looking: Looking
) -> None:
    async with with_page(home, ScriptedModel(calculator.straight())) as served:
        run = await served.create(base_url="http://127.0.0.1:9/v1")
        await served.rest(run)
        await served.service.runs.set_status(run, "paused", "it can't be reached")
        async with looking(f"{served.url}/ui/?run={run}") as page:
            await page.get_by_label("At this address").fill("http://127.0.0.1:8/v1")
            await page.get_by_role("button", name="Resume", exact=True).click()
            await expect(page.locator(GATE)).to_be_visible()
            await expect(page.get_by_label("At this address")).to_be_hidden()
        settings = (await served.service.runs.get(run)).settings
        assert (settings.base_url, settings.model) == ("http://127.0.0.1:8/v1", "scripted")


async def test_without_a_model_the_page_says_what_to_do_in_the_page(
    home: Path, looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in chain.from_iterable(map(key_variables, PRESETS.values())):
        monkeypatch.delenv(variable, raising=False)
    nobody = ServerSettings(defaults=defaults(home).model_copy(update={"model": ""}))
    model = ScriptedModel(calculator.straight())
    chinese = {"locale": "zh-CN"}
    async with (
        with_page(home, model, nobody) as served,
        looking(f"{served.url}/ui/", **chinese) as page,
    ):
        await expect(page.locator("#model")).to_contain_text("这个服务器还没有密钥")
        await page.fill("#idea textarea", calculator.IDEA)
        await page.click("#build")
        complaint = page.locator("#beginning .sf-complaint").first
        await expect(complaint).to_contain_text("还没有指定模型")
        assert "--model" not in await complaint.inner_text()


async def test_a_page_tells_that_its_server_ends_and_comes_back_with_the_next_one(
    home: Path, looking: Looking, caplog: pytest.LogCaptureFixture
) -> None:
    model, one = ScriptedModel(calculator.straight()), bound("127.0.0.1", 0)
    port = one.getsockname()[1]
    async with AsyncExitStack() as stack:
        async with with_page(home, model, socket=one) as served:
            run = await served.create()
            page = await stack.enter_async_context(looking(f"{served.url}/ui/?run={run}"))
            await expect(page.locator(GATE)).to_be_visible()
        await expect(page.get_by_text("The server was ended.")).to_be_visible()
        assert "timeout graceful shutdown exceeded" not in caplog.text
        async with with_page(home, model, socket=bound("127.0.0.1", port)):
            await expect(page.get_by_text("The server was ended.")).to_be_hidden()
            await page.click(GATE)
            await expect(page.locator(f"{HEAD} .sf-chip")).to_have_text("delivered")
            await stack.aclose()


async def test_a_token_without_a_name_opens_the_page_with_itself_as_the_name(
    home: Path, looking: Looking
) -> None:
    token = "nobodys-token-0123456789"
    settings = ServerSettings(tokens=tokens_from(f"{TOKENS},{token}"), defaults=defaults(home))
    async with with_page(home, ScriptedModel(calculator.straight()), settings) as served:
        async with served.as_(token) as nameless:
            made = await nameless.post("/v1/runs", json={"idea": "A calculator without a name"})
        assert made.status_code == 201
        async with looking(f"{served.url}/ui/") as page:
            await expect(page.get_by_text("enter the token in both fields")).to_be_visible()
            for number in (0, 1):
                await page.locator("input").nth(number).fill(token)
            await page.get_by_role("button").first.click()
            await expect(page.locator("#runs a")).to_have_count(1)

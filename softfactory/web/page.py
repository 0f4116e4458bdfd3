"""The page, put together: the beginning, or a run with its conversation, its gate, its shelves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.routing import Mount

from softfactory.errors import UnknownRun
from softfactory.web import welcome
from softfactory.web.browser import JUMP, LISTEN, RECALL, RETURN
from softfactory.web.doing import wire_head, wire_log, wire_words
from softfactory.web.following import Differences, views
from softfactory.web.gate import wire_gate
from softfactory.web.markup import plain
from softfactory.web.office import Office
from softfactory.web.walls import LARGEST_BODY, PATH
from softfactory.web.wording import LANGUAGES, Wording, translations, wording
from softfactory.web.workshop import Workshop, wire_shelves, workshop

LOOK_AT_RUNS_SECONDS = 4.0
SANS = ("system-ui", "-apple-system", "Segoe UI", "Noto Sans SC", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
COLOURS = {
    "body_text_color_subdued": "*neutral_600",
    "body_text_color_subdued_dark": "*neutral_400",
    "input_placeholder_color": "*neutral_500",
    "input_placeholder_color_dark": "*neutral_400",
    "input_background_fill_dark": "*neutral_900",
    "input_border_color": "*neutral_300",
    "input_border_color_dark": "*neutral_600",
    "color_accent": "*primary_700",
    "link_text_color": "*primary_700",
    "link_text_color_hover": "*primary_800",
    "link_text_color_visited": "*primary_700",
    "link_text_color_active": "*primary_800",
    "link_text_color_dark": "*primary_300",
    "link_text_color_hover_dark": "*primary_200",
    "link_text_color_visited_dark": "*primary_300",
    "link_text_color_active_dark": "*primary_200",
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_dark": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800",
    "button_primary_background_fill_hover_dark": "*primary_800",
    "button_secondary_background_fill_dark": "transparent",
    "button_secondary_background_fill_hover_dark": "*neutral_700",
    "button_secondary_border_color": "*neutral_300",
    "button_secondary_border_color_dark": "*neutral_400",
    "checkbox_border_color": "*neutral_400",
    "checkbox_border_color_dark": "*neutral_400",
    "checkbox_label_background_fill_selected": "*primary_700",
    "checkbox_label_background_fill_selected_dark": "*primary_700",
}
"""Text stands out from what is behind it by 4.5:1 or more, in light and in dark."""
Updates = dict[Any, Any]


def mount(app: FastAPI, office: Office) -> Any:
    """Put the page into an application; the part of it that is the page."""
    t = gr.I18n(**translations())
    gr.mount_gradio_app(
        app,
        build(office, t),
        path=PATH,
        ssr_mode=False,
        i18n=t,
        theme=theme(),
        css_paths=[Path(__file__).with_name("style.css")],
        footer_links=[],
        auth=office.enter,
        auth_message="<br>".join(Wording(language)["login"] for language in LANGUAGES),
        max_file_size=LARGEST_BODY,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        show_error=False,
    )
    return next(route.app for route in app.routes if isinstance(route, Mount))


def theme() -> Any:
    """How it looks; fonts are the machine's own, so that none is fetched."""
    hues = {"primary_hue": "teal", "secondary_hue": "teal", "neutral_hue": "slate"}
    soft = gr.themes.Soft(**hues, font=SANS, font_mono=MONO)
    return soft.set(
        block_title_background_fill="transparent",
        block_title_text_color="*body_text_color",
        block_title_padding="0",
        block_label_background_fill="transparent",
        input_border_width="1px",
        **COLOURS,
    )


def build(office: Office, t: gr.I18n) -> Any:
    """All parts of the page, and what happens when they are touched."""
    with gr.Blocks(title="softfactory", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            '<a class="sf-brand" href="?"><b>softfactory</b></a>', js_on_load=None, elem_id="brand"
        )
        lost = gr.Markdown(visible=False, elem_classes="sf-complaint")
        start = welcome.beginning(t, office)
        shop = workshop(t)
        jump = gr.Textbox(visible="hidden")
        parcel = gr.Textbox(visible="hidden")
        ended = gr.Textbox(visible="hidden")
        ended.change(None, ended, None, js=RETURN, api_visibility="private")
        jump.change(None, jump, None, js=JUMP, api_visibility="private")
        wire_gate(shop.card, office)
        welcome.wire_beginning(start, jump, office)
        wire_shelves(shop, office)
        wire_log(shop, jump, office)
        wire_head(shop, parcel, office)
        wire_words(shop, jump, office)

        async def follow(request: gr.Request) -> AsyncIterator[Updates]:
            words = wording(request.headers)
            if request.query_params.get("run"):
                shown = _run_shown(shop, office, request, words)
            else:
                shown = _beginning_shown(start, office, request, words)
            try:
                async for news in shown:
                    yield news
                yield {lost: gr.update(visible=True, value=words["server_gone"]), ended: "yes"}
            except UnknownRun:
                yield {lost: gr.update(visible=True, value=f"{plain(words['no_such_run'])}")}

        panels = list(shop.panels(office, Wording("en")))
        start_parts = [start.group, start.examples, start.runs]
        page.load(None, None, start.idea, js=RECALL, api_visibility="private")
        page.load(follow, None, [lost, ended, *start_parts, *shop.card.all, *panels], **LISTEN)
    page.queue(default_concurrency_limit=None)
    return page


async def _run_shown(
    shop: Workshop, office: Office, request: gr.Request, words: Wording
) -> AsyncIterator[Updates]:
    """A run, as long as somebody looks at it."""
    run = await office.run(request)
    seen = Differences(shop.panels(office, words))
    gate = None
    async for view in views(office, run):
        news = seen.of(view)
        asked = view.question.id if view.question else ""
        if asked != gate:
            news |= shop.card.shown(view, words)
            gate = asked
        yield news or {shop.version: gr.skip()}  # Gradio sees only here that somebody has left


async def _beginning_shown(
    start: welcome.Beginning, office: Office, request: gr.Request, words: Wording
) -> AsyncIterator[Updates]:
    """The beginning, with runs as they come and go."""
    yield {start.group: gr.update(visible=True), start.examples: welcome.examples(words)}
    shown = ""
    while not office.desk.bulletin.closed:
        runs = await welcome.runs(office, request, words)
        yield {start.runs: gr.skip() if runs == shown else runs}
        shown = runs
        await asyncio.sleep(LOOK_AT_RUNS_SECONDS)

"""A run on the page: its head, its stages, its conversation, its gate, and what was made."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from softfactory.errors import SoftfactoryError
from softfactory.web import drawing, files, progress, results
from softfactory.web.browser import LISTEN, OPEN, PICK, TICK
from softfactory.web.conversation import conversation
from softfactory.web.following import Panel
from softfactory.web.gate import GateCard, gate_card, recorded_note
from softfactory.web.office import Office
from softfactory.web.view import View
from softfactory.web.wording import Wording, wording

RESUMABLE = ("stopped", "paused", "failed", "interrupted")


@dataclass(frozen=True)
class Shelves:
    """What was made, behind tabs."""

    tabs: Any
    documents: Any
    plan: Any
    tree: Any
    path: Any
    code: Any
    instead: Any
    """Of a file that is no text."""
    commits: Any
    commit: Any
    diff: Any
    tests: Any
    report: Any
    preview: Any
    printed: Any
    graph: Any
    log: Any


@dataclass(frozen=True)
class Workshop:
    """A run: its head, its conversation, its gate, its shelves."""

    group: Any
    head: Any
    stages: Any
    stop: Any
    model: Any
    address: Any
    resume: Any
    download: Any
    notice: Any
    card: GateCard
    talk: Any
    aside: Any
    say: Any
    send: Any
    shelves: Shelves
    version: Any
    """Changes with the product, so that what is open is read again."""

    def panels(self, office: Office, words: Wording) -> dict[Any, Panel]:
        """What each part of the page shows of a run."""
        shelves = self.shelves
        return {
            self.group: lambda _: gr.update(visible=True),
            self.head: lambda view: progress.head(view, words),
            self.stages: lambda view: progress.stages(view, words),
            self.stop: lambda view: gr.update(visible=view.at_work),
            self.model: lambda view: _to_mend(view, view.run.settings.model),
            self.address: lambda view: _to_mend(view, view.run.settings.base_url, office),
            self.resume: lambda view: _resume(view, words),
            self.download: lambda view: gr.update(visible=_is_begun(view)),
            self.talk: lambda view: conversation(view, words),
            self.aside: lambda view: gr.update(
                visible=view.recorded and view.question is None, value=recorded_note(words, "say")
            ),
            self.say: lambda view: gr.update(
                visible=not view.recorded,
                label=words[_topic(view)],
                placeholder=words[f"{_topic(view)}_hint"],
            ),
            self.send: lambda view: gr.update(
                visible=not view.recorded,
                value=words["change_send" if _topic(view) == "change" else "send"],
            ),
            shelves.tabs: _in_front,
            shelves.documents: lambda view: results.documents(view, words),
            shelves.plan: lambda view: results.plan(view, words),
            shelves.tree: lambda view: files.tree(view, words),
            shelves.commits: lambda view: files.commits(view, words),
            shelves.tests: lambda view: results.tests(view, office, words),
            shelves.report: lambda view: results.report(view, office, words),
            shelves.preview: lambda view: results.preview(view, office, words),
            shelves.printed: lambda view: results.printed(view, words),
            shelves.graph: lambda view: drawing.graph(view, words),
            shelves.log: lambda view: results.log(view, words),
            self.version: lambda view: view.newest,
        }


def shelves(t: gr.I18n) -> Shelves:
    """Draw the shelves."""

    def paper() -> Any:
        return gr.Markdown(elem_classes="sf-paper", latex_delimiters=[])

    with gr.Tabs(elem_id="shelves") as tabs:
        with gr.Tab(t("docs"), id="docs"):
            documents = paper()
        with gr.Tab(t("plan"), id="plan"):
            plan = paper()
        with gr.Tab(t("files"), id="files"), gr.Row():
            with gr.Column(scale=1, min_width=180):
                tree = gr.HTML(js_on_load=PICK, elem_id="tree")
            with gr.Column(scale=3, min_width=280):
                code = gr.Code(interactive=False, max_lines=40, elem_id="code")
                instead = gr.HTML(visible=False, js_on_load=None, elem_id="instead")
        with gr.Tab(t("changes"), id="changes"):
            commits = gr.HTML(js_on_load=PICK, elem_id="commits")
            diff = gr.HTML(js_on_load=None, elem_id="diff")
        with gr.Tab(t("tests"), id="tests"):
            tests = gr.HTML(js_on_load=None, elem_id="tests")
            report = paper()
        with gr.Tab(t("preview"), id="preview"):
            preview = gr.HTML(js_on_load=None, elem_id="preview")
            printed = paper()
        with gr.Tab(t("graph"), id="graph"):
            graph = gr.HTML(js_on_load=None, elem_id="graph")
        with gr.Tab(t("log"), id="log"):
            log = gr.HTML(js_on_load=PICK, elem_id="log")
    path = gr.Textbox(visible="hidden")
    commit = gr.Textbox(visible="hidden")
    return Shelves(
        tabs,
        documents, plan, tree, path, code, instead, commits, commit, diff, tests, report, preview,
        printed, graph, log,
    )  # fmt: skip


def workshop(t: gr.I18n) -> Workshop:
    """Draw it, away until a run is asked for."""
    with gr.Column(visible=False, elem_id="workshop") as group:
        with gr.Row(elem_id="top"):
            with gr.Column(scale=6, min_width=300):
                head = gr.HTML(js_on_load=None)
            with gr.Row(elem_id="top-buttons"):
                model, address = (
                    gr.Textbox(label=t(f"{what}_again"), visible=False, max_lines=1,
                               max_length=500, elem_id=f"{what}-again")
                    for what in ("model", "address")
                )  # fmt: skip
                stop = gr.Button(t("stop"), size="sm", visible=False, min_width=80)
                resume = gr.Button(t("resume"), size="sm", visible=False, variant="primary")
                download = gr.Button(t("download"), size="sm", visible=False, min_width=80)
        stages = gr.HTML(js_on_load=TICK)
        notice = gr.Markdown(visible=False, elem_classes="sf-complaint", latex_delimiters=[])
        with gr.Row(elem_id="halves"):
            with gr.Column(scale=5, min_width=320):
                card = gate_card(t)
                talk = gr.Chatbot(
                    height=560, show_label=False, group_consecutive_messages=False,
                    latex_delimiters=[], buttons=[], elem_id="talk", layout="bubble",
                    feedback_options=None, allow_tags=False, autoscroll=False,
                )  # fmt: skip
                aside = gr.HTML(visible=False, js_on_load=None, elem_classes="sf-aside")
                with gr.Row(elem_id="say"):
                    say = gr.Textbox(
                        label=t("say"), placeholder=t("say_hint"), lines=1, scale=5,
                        max_length=8000, min_width=160,
                    )  # fmt: skip
                    send = gr.Button(t("send"), size="sm", scale=1, min_width=70)
            with gr.Column(scale=7, min_width=320):
                made = shelves(t)
        version = gr.Textbox(visible="hidden")
    return Workshop(
        group, head, stages, stop, model, address, resume, download, notice, card, talk, aside, say,
        send, made, version,
    )  # fmt: skip


def wire_shelves(shop: Workshop, office: Office) -> None:
    """Open files and changes where they are picked, and again when they change."""
    made = shop.shelves

    async def read(path: str, request: gr.Request) -> tuple[Any, Any]:
        run = await office.run(request)
        file = await files.shown_of(office.service, run, path, wording(request.headers))
        code = gr.update(
            value=file.text, language=file.language or None, visible=not file.instead, label=path,
            wrap_lines=file.language == "markdown",
        )  # fmt: skip
        return code, gr.update(value=file.instead, visible=bool(file.instead))

    async def compared(commit: str, request: gr.Request) -> str:
        run = await office.run(request)
        return await files.diff_of(office.service, run, commit, wording(request.headers))

    async def reread(path: str, commit: str, request: gr.Request) -> tuple[str, Any, Any, str]:
        run = await office.run(request)
        try:
            product = await (await office.service.product(run.id)).tree()
        except SoftfactoryError:  # nothing is written yet
            return path, gr.skip(), gr.skip(), ""
        chosen = path if path in product else next(iter(sorted(product, key=_first)), "")
        return chosen, *await read(chosen, request), await compared(commit, request)

    file = [made.code, made.instead]
    shown = [
        made.tree.select(_picked, None, made.path, **LISTEN).then(read, made.path, file, **LISTEN),
        made.commits.select(_picked, None, made.commit, **LISTEN).then(
            compared, made.commit, made.diff, **LISTEN
        ),
        shop.version.change(
            reread, [made.path, made.commit], [made.path, *file, made.diff], **LISTEN
        ),
    ]
    for event in shown:
        event.then(
            None, [made.path, made.commit, shop.version], None, js=OPEN, api_visibility="private"
        )


def _to_mend(view: View, value: str, office: Office | None = None) -> Any:
    """Trouble with a model may call for another one, or for its right address."""
    is_shown = bool(value) and view.standing in ("paused", "failed") and not view.recorded
    is_shown = is_shown and (office is None or office.chooses_addresses)
    return gr.update(visible=is_shown, value=value if is_shown else "")


def _resume(view: View, words: Wording) -> Any:
    word = words["take_back" if view.off_the_record else "resume"]
    return gr.update(visible=view.standing in RESUMABLE, value=word)


def _topic(view: View) -> str:
    """What can be said to the company."""
    return "change" if view.standing == "delivered" else "say"


def _is_begun(view: View) -> bool:
    """Whether there is more to take away than what can be read in the page."""
    return any(not path.startswith("docs/") for path in view.things.tree)


def _in_front(view: View) -> Any:
    """What is delivered is to be tried; beside requirements to be judged: what comes next."""
    if view.question and view.question.gate == "prd":
        return gr.update(selected="graph")
    return gr.update(selected="preview") if view.standing == "delivered" else gr.update()


def _picked(event: gr.EventData) -> str:
    return str(event.value)


def _first(path: str) -> tuple[bool, bool, str]:
    """Sources before documents and tests."""
    return path.startswith("docs/"), path.startswith("tests/"), path

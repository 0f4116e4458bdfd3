"""The beginning: an idea, how it is to be worked on, examples, and the runs there are."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import gradio as gr
from pydantic import ValidationError

from softfactory.config import OptionalGate, RoleKey, budget_of
from softfactory.demos import Demo, demos
from softfactory.errors import SoftfactoryError
from softfactory.models.choice import RECORDING
from softfactory.models.presets import any_key
from softfactory.persistence.runs import Choice, Run
from softfactory.web.browser import FORGET, HIDE, KEEP, LISTEN, PICK
from softfactory.web.markup import Markup, plain, together
from softfactory.web.office import Office, Visit
from softfactory.web.wording import Wording, wording

ROLES: tuple[RoleKey, ...] = get_args(RoleKey)
GATES: tuple[OptionalGate, ...] = get_args(OptionalGate)
MOST_RUNS = 60
RUNS_IN_SIGHT = 5


@dataclass(frozen=True)
class Beginning:
    """The components of the beginning."""

    group: Any
    idea: Any
    model: Any
    build: Any
    base_url: Any
    budget: Any
    gates: Any
    thorough: Any
    roles: Sequence[Any]
    complaint: Any
    examples: Any
    runs: Any

    @property
    def inputs(self) -> list[Any]:
        """What a new run is made of, in the order of `order_of`."""
        first = [self.idea, self.model, self.base_url, self.budget, self.gates, self.thorough]
        return [*first, *self.roles]


def beginning(t: gr.I18n, office: Office) -> Beginning:
    """Draw it, away until it is asked for."""
    hint = "model_hint" if office.default_model or any_key(os.environ) else "keyless_hint"
    with gr.Column(visible=False, elem_id="beginning") as group:
        gr.Markdown(t("headline"), elem_classes="sf-headline")
        gr.Markdown(t("promise"), elem_classes="sf-promise")
        idea = gr.Textbox(
            label=t("idea"), placeholder=t("idea_hint"), lines=3, max_lines=12, elem_id="idea",
            show_label=False, max_length=60_000,
        )  # fmt: skip
        with gr.Row(equal_height=True):
            model = gr.Textbox(
                label=t("model"), info=t(hint), value=office.default_model, scale=3,
                max_length=200, elem_id="model",
            )  # fmt: skip
            build = gr.Button(t("build"), variant="primary", scale=1, elem_id="build")
        complaint = gr.Markdown(visible=False, elem_classes="sf-complaint", latex_delimiters=[])
        with gr.Accordion(t("more"), open=False):
            with gr.Row():
                base_url = gr.Textbox(label=t("base_url"), max_length=500)
                budget = gr.Textbox(label=t("budget"), max_length=20)
            choices: list[Any] = [(t(f"gate_{gate}"), gate) for gate in GATES]
            gates = gr.CheckboxGroup(choices, value=["prd"], label=t("gates"))
            thorough = gr.Checkbox(label=t("thorough"))
            with gr.Accordion(t("roles"), open=False), gr.Row():
                roles = [
                    gr.Textbox(label=t(key.replace("_", " ").title().replace("Qa", "QA")),
                               max_length=200, min_width=200)
                    for key in ROLES
                ]  # fmt: skip
        runs = gr.HTML(elem_id="runs", js_on_load=None)
        examples = gr.HTML(js_on_load=PICK, elem_id="examples")
    return Beginning(
        group, idea, model, build, base_url, budget, gates, thorough, roles, complaint, examples,
        runs,
    )  # fmt: skip


def wire_beginning(start: Beginning, jump: Any, office: Office) -> None:
    """Begin a run from the form or from an example, and go to it."""

    async def ordered(request: gr.Request, *values: Any) -> tuple[str, Any]:
        try:
            order = order_of(values)
        except ValueError:
            budget = str(values[3]).strip()
            return "", _complaint(wording(request.headers)["no_budget"].format(repr(budget)))
        return await begin(office, request, order)

    async def picked(event: gr.EventData, request: gr.Request) -> tuple[str, Any]:
        return await begin(office, request, {"demo": event.value})

    start.build.click(ordered, start.inputs, [jump, start.complaint], js=FORGET, **LISTEN)
    start.examples.select(picked, None, [jump, start.complaint], **LISTEN)
    start.idea.change(None, start.idea, None, js=KEEP, api_visibility="private")
    touched = [box.change for box in start.inputs]
    gr.on(touched, None, None, start.complaint, js=HIDE, api_visibility="private")


def order_of(values: Sequence[Any]) -> dict[str, Any]:
    """What the form says, as the API takes it.

    Raises:
        ValueError: the budget is none.
    """
    idea, model, base_url, budget, gates, thorough, *roles = values
    chosen = str(model or "").strip()
    order: dict[str, Any] = {"idea": str(idea or ""), "gates": gates, "thorough": thorough}
    named = {key: str(name or "").strip() for key, name in zip(ROLES, roles, strict=True)}
    own = {key: name for key, name in named.items() if name}
    optional = {"model": chosen, "base_url": str(base_url or "").strip(), "roles": own}
    order |= {key: value for key, value in optional.items() if value}
    if str(budget or "").strip():
        order["budget"] = budget_of(str(budget)).model_dump()
    return order


async def begin(
    office: Office, visit: Visit, order: Mapping[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """Make a run; its name, and what is to be complained of."""
    words = wording(visit.headers)
    try:
        if order is None or not (order.get("demo") or str(order.get("idea", "")).strip()):
            return "", _complaint(words["no_idea"])
        return await office.create(order, office.holder(visit)), gr.update(visible=False)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        return "", _complaint(f"{words['unfit']}: {where}: {words.said(problem['msg'])}")
    except SoftfactoryError as error:
        return "", _complaint(words.said(str(error)))


def examples(words: Wording) -> str:
    """Recorded runs, each with a button that begins it."""
    cards = together(
        Markup(
            '<div class="sf-card"><b>{}</b><p>{}</p>'
            '<button type="button" data-value="{}">▶ {}</button></div>'
        ).format(_name(demo, words), words.said(demo.about), demo.name, words["watch"])
        for demo in demos()
    )
    shown = Markup('<h2 class="sf-section">{}</h2><div class="sf-cards">{}</div>')
    return str(shown.format(words["examples"], cards))


async def runs(office: Office, visit: Visit, words: Wording) -> str:
    """The runs that a visitor may see, the newest first; nothing where there are none."""
    found = await office.service.runs.page(
        Choice(office.holder(visit)), (float("inf"), ""), MOST_RUNS
    )
    if not found:
        return str(Markup('<div class="sf-runs"></div>'))
    rows = [_row(office, run, words) for run in found]
    older = Markup("<details><summary>{}</summary>{}</details>").format(
        words["older_runs"].format(len(rows) - RUNS_IN_SIGHT), together(rows[RUNS_IN_SIGHT:])
    )
    return str(
        Markup('<h2 class="sf-section">{}</h2><div class="sf-runs">{}{}</div>').format(
            words["runs"],
            together(rows[:RUNS_IN_SIGHT]),
            older if len(rows) > RUNS_IN_SIGHT else "",
        )
    )


def _row(office: Office, run: Run, words: Wording) -> Markup:
    at_work = office.desk.at_work(run.id) or run.owned
    standing: str = "working" if at_work else run.status
    if run.status == "working" and not at_work:
        standing = "interrupted"
    is_recorded = run.settings.model.startswith(RECORDING)
    marks = [
        f"▶ {words['recording']}" if is_recorded else "",
        words["fork_of"].format(run.parent) if run.parent else "",
        run.id,
        time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)),
    ]
    return Markup(
        '<a href="?run={}"><b>{}</b><span class="sf-chip sf-{}">{}</span><small>{}</small></a>'
    ).format(
        run.id,
        run.title or run.idea.splitlines()[0],
        standing,
        words[standing],
        " · ".join(filter(None, marks)),
    )


def _name(demo: Demo, words: Wording) -> str:
    key = f"demo_{demo.name}"
    return words.get(key) if words.get(key) != key else demo.idea


def _complaint(text: str) -> dict[str, Any]:
    return gr.update(visible=True, value=f"{plain(text)}")

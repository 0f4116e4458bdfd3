"""The gate card: what is to be judged, a place to change it, and the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from softfactory.errors import GateGone, SoftfactoryError, UsageError
from softfactory.state.gates import Action, Decision, GateQuestion
from softfactory.web.browser import DISABLE, ENABLE, HIDE, LISTEN
from softfactory.web.editing import as_text, editable, from_text
from softfactory.web.markup import Markup, escape, plain
from softfactory.web.office import Office, Visit
from softfactory.web.view import View
from softfactory.web.wording import Wording, wording

MOST_QUESTIONS = 4
OWN_WORDS: tuple[Action, ...] = ("edit", "revise")
"""What a recording has no answer to."""
FIRST: Mapping[str, Action] = {"help": "retry", "budget": "retry", "conflict": "keep"}
"""What most people will want at a gate, where that is not to approve."""
Updates = dict[Any, Any]


@dataclass(frozen=True)
class Answer:
    """What a visitor has sent."""

    action: Action
    gate: str
    edited: str = ""
    feedback: str = ""
    replies: Sequence[str] = ()


@dataclass(frozen=True)
class GateCard:
    """The components of the card."""

    group: Any
    identity: Any
    title: Any
    aside: Any
    document: Any
    tabs: Any
    editor: Any
    replies: Sequence[Any]
    feedback: Any
    complaint: Any
    buttons: Mapping[Action, Any]

    @property
    def all(self) -> list[Any]:
        """Everything that changes with a question."""
        fields = [self.group, self.identity, self.title, self.aside, self.document]
        fields += [self.tabs, self.editor, *self.replies, self.feedback, self.complaint]
        return [*fields, *self.buttons.values()]

    def shown(self, view: View, words: Wording) -> Updates:
        """The card for what the run waits for; away if it waits for nothing."""
        question = view.question
        if question is None:
            return {self.group: gr.update(visible=False), self.identity: ""}
        fields = None if view.recorded else editable(question.gate, view.things.state)
        is_recorded = view.recorded and "revise" in question.actions
        is_paper = question.gate in ("prd", "design", "plan")
        document = question.document if is_paper else words.said(question.document)
        updates: Updates = {
            self.group: gr.update(visible=True, elem_classes="" if fields else "sf-no-edit"),
            self.identity: question.id,
            self.title: f"### {words['your_turn']}\n\n{plain(words.said(question.title))}",
            self.aside: gr.update(visible=is_recorded, value=recorded_note(words, "gate")),
            self.document: document,
            self.tabs: gr.update(selected="read"),
            self.editor: as_text(question.gate, fields, words) if fields else "",
            self.complaint: gr.update(visible=False, value=""),
            self.feedback: _feedback(question, words, is_heard=not view.recorded),
        }
        questions = [] if view.recorded else question.questions
        asked = [*questions, *[""] * MOST_QUESTIONS][:MOST_QUESTIONS]
        for box, text in zip(self.replies, asked, strict=True):
            updates[box] = gr.update(visible=bool(text), label=text or " ", value="")
        for action, button in self.buttons.items():
            is_offered = action in question.actions and not (view.recorded and action in OWN_WORDS)
            updates[button] = _button(action, question, words, is_offered=is_offered)
        return updates

    def refused(self, reason: str) -> Updates:
        """The card with the reason why the answer was not taken."""
        return {self.complaint: gr.update(visible=True, value=plain(reason))}


def gate_card(t: gr.I18n) -> GateCard:
    """Draw the card, away until there is a question."""
    buttons: dict[Action, Any] = {}

    def button(action: Action) -> None:
        classes = ["sf-act", f"sf-{action}"]
        buttons[action] = gr.Button(t(action), elem_classes=classes, min_width=90)

    with gr.Column(visible=False, elem_id="gate") as group:
        title = gr.Markdown(elem_classes="sf-gate-title", latex_delimiters=[])
        aside = gr.HTML(visible=False, js_on_load=None, elem_classes="sf-aside")
        with gr.Tabs() as tabs:
            with gr.Tab(t("read"), id="read"):
                document = gr.Markdown(elem_classes="sf-paper", latex_delimiters=[])
            with gr.Tab(t("edit_tab"), id="edit"):
                gr.Markdown(t("edit_hint"))
                editor = gr.Code(
                    language="yaml", interactive=True, max_lines=14, wrap_lines=True,
                    show_label=False, buttons=[], elem_id="gate-editor",
                )  # fmt: skip
                button("edit")
        replies = [gr.Textbox(visible=False, lines=1) for _ in range(MOST_QUESTIONS)]
        feedback = gr.Textbox(
            label=t("feedback"), placeholder=t("feedback_hint"), lines=1, elem_id="gate-feedback",
            max_length=8000,
        )  # fmt: skip
        complaint = gr.Markdown(visible=False, elem_classes="sf-complaint", latex_delimiters=[])
        with gr.Row():
            for action in ("approve", "revise", "retry", "keep", "take", "stop"):
                button(action)
        identity = gr.Textbox(visible="hidden", elem_id="gate-identity")
    return GateCard(
        group, identity, title, aside, document, tabs, editor, replies, feedback, complaint, buttons
    )  # fmt: skip


def wire_gate(card: GateCard, office: Office) -> None:
    """Have each button send its answer."""
    inputs = [card.identity, card.editor, card.feedback, *card.replies]
    touched = [box.change for box in inputs[1:]]
    gr.on(touched, None, None, card.complaint, js=HIDE, api_visibility="private")

    def answering(action: Action) -> Any:
        async def answered(
            request: gr.Request, identity: str, edited: str, feedback: str, *replies: str
        ) -> Updates:
            answer = Answer(action, identity, edited, feedback, replies)
            return await take(card, office, request, answer)

        return answered

    for action, button in card.buttons.items():
        sent = button.click(answering(action), inputs, card.all, js=DISABLE, **LISTEN)
        sent.then(None, None, None, js=ENABLE, api_visibility="private")


async def take(card: GateCard, office: Office, visit: Visit, answer: Answer) -> Updates:
    """Take an answer if it is for what the run waits for; else say why not."""
    words = wording(visit.headers)
    try:
        run = await office.run(visit)
        open_now = None if office.desk.at_work(run.id) else await office.service.question(run.id)
        if open_now is None or open_now.id != answer.gate:
            return card.refused(words["gone"])
        state = await office.service.documents(run.id)
        decision = _decision(open_now, answer, editable(open_now.gate, {**state}), words)
        await office.desk.answer(run.id, answer.gate, decision)
    except GateGone:
        return card.refused(words["gone"])
    except SoftfactoryError as error:
        return card.refused(words.said(str(error)))
    return {card.group: gr.update(visible=False)}


def recorded_note(words: Wording, where: str) -> str:
    """Why nobody heeds wishes in a recording, and where they are heeded, as HTML."""
    link = Markup('<a href="?">{}</a>').format(words["own_run"])
    return str(escape(words[f"recorded_{where}"]).format(link))


def _button(
    action: Action, question: GateQuestion, words: Wording, *, is_offered: bool
) -> dict[str, Any]:
    """A button as it stands at this gate."""
    key = "stop_here" if action == "stop" else action
    at_gate = f"{action}_at_{question.gate}"
    label = words.get(at_gate) if words.get(at_gate) != at_gate else words[key]
    is_first = action in (FIRST.get(question.gate, "approve"), "edit")
    variant = "primary" if is_first else "stop" if action == "stop" else "secondary"
    return gr.update(visible=is_offered, value=label, variant=variant)


def _decision(
    question: GateQuestion, answer: Answer, shown: Mapping[str, Any] | None, words: Wording
) -> Decision:
    """What a visitor has decided; who edits and presses the plain button means the edited one."""
    action, feedback, document = answer.action, answer.feedback.strip(), None
    if action == "revise" and not feedback:
        raise UsageError(words["say_what"])
    if action in ("edit", "approve") and shown and (answer.edited or "").strip():
        document = _edited(question, answer, dict(shown), words)
        is_edited = action == "edit" or document != shown
        action, document = ("edit", document) if is_edited else ("approve", None)
    pairs = zip(question.questions, answer.replies, strict=False)
    return Decision(
        action=action,
        feedback=feedback,
        answers={asked: reply.strip() for asked, reply in pairs if reply and reply.strip()},
        document=document,
    )


def _edited(
    question: GateQuestion, answer: Answer, shown: dict[str, Any], words: Wording
) -> dict[str, Any]:
    try:
        return from_text(question.gate, answer.edited, shown, words)
    except UsageError as error:
        raise UsageError(words["names"].format(words["unfit"], error)) from error


def _feedback(question: GateQuestion, words: Wording, *, is_heard: bool) -> Any:
    label = {"help": "hint", "budget": "new_budget"}.get(question.gate, "feedback")
    is_budget = question.gate == "budget"
    return gr.update(
        visible=is_budget or (is_heard and "revise" in question.actions),
        label=words[label],
        placeholder=words[f"{label}_hint"],
        value="",
    )

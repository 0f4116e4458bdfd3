"""The gate card: what is to be judged, a place to change it, and the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import yaml
from pydantic import ValidationError

from softfactory.errors import GateGone, SoftfactoryError, UsageError
from softfactory.nodes.gates import EDITABLE
from softfactory.state.gates import Action, Decision, GateQuestion
from softfactory.web.browser import DISABLE, ENABLE, LISTEN
from softfactory.web.markup import plain
from softfactory.web.office import Office, Visit
from softfactory.web.view import View
from softfactory.web.wording import Wording, wording

MOST_QUESTIONS = 4
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
    document: Any
    edit_tab: Any
    editor: Any
    replies: Sequence[Any]
    feedback: Any
    complaint: Any
    buttons: Mapping[Action, Any]

    @property
    def all(self) -> list[Any]:
        """Everything that changes with a question."""
        fields = [self.group, self.identity, self.title, self.document, self.edit_tab, self.editor]
        return [*fields, *self.replies, self.feedback, self.complaint, *self.buttons.values()]

    def shown(self, view: View, words: Wording) -> Updates:
        """The card for what the run waits for; away if it waits for nothing."""
        question = view.question
        if question is None:
            return {self.group: gr.update(visible=False), self.identity: ""}
        text = editable_text(question, view)
        updates: Updates = {
            self.group: gr.update(visible=True),
            self.identity: question.id,
            self.title: f"### {words['your_turn']}\n\n{plain(question.title)}",
            self.document: question.document,
            self.edit_tab: gr.update(visible=bool(text)),
            self.editor: text,
            self.complaint: gr.update(visible=False, value=""),
            self.feedback: _feedback(question, words),
        }
        asked = [*question.questions, *[""] * MOST_QUESTIONS][:MOST_QUESTIONS]
        for box, text in zip(self.replies, asked, strict=True):
            updates[box] = gr.update(visible=bool(text), label=text or " ", value="")
        for action, button in self.buttons.items():
            label = label_of(action, question, words)
            is_offered = action in question.actions
            updates[button] = gr.update(visible=is_offered, value=label)
        return updates

    def refused(self, reason: str) -> Updates:
        """The card with the reason why the answer was not taken."""
        return {self.complaint: gr.update(visible=True, value=plain(reason))}


def gate_card(t: gr.I18n) -> GateCard:
    """Draw the card, away until there is a question."""
    buttons: dict[Action, Any] = {}

    def button(action: Action, **look: Any) -> None:
        classes = ["sf-act", f"sf-{action}"]
        buttons[action] = gr.Button(t(action), elem_classes=classes, min_width=90, **look)

    with gr.Column(visible=False, elem_id="gate") as group:
        title = gr.Markdown(elem_classes="sf-gate-title", latex_delimiters=[])
        with gr.Tabs():
            with gr.Tab(t("read")):
                document = gr.Markdown(elem_classes="sf-paper", latex_delimiters=[])
            with gr.Tab(t("edit_tab"), elem_id="gate-edit") as edit_tab:
                gr.Markdown(t("edit_hint"))
                editor = gr.Code(
                    language="yaml", interactive=True, max_lines=14, wrap_lines=True,
                    show_label=False, elem_id="gate-editor",
                )  # fmt: skip
                button("edit", variant="primary")
        replies = [gr.Textbox(visible=False, lines=1) for _ in range(MOST_QUESTIONS)]
        feedback = gr.Textbox(
            label=t("feedback"), placeholder=t("feedback_hint"), lines=1, elem_id="gate-feedback",
            max_length=8000,
        )  # fmt: skip
        complaint = gr.Markdown(visible=False, elem_classes="sf-complaint", latex_delimiters=[])
        with gr.Row():
            button("approve", variant="primary")
            button("revise")
            button("retry")
            button("keep", variant="primary")
            button("take")
            button("stop", variant="stop")
        identity = gr.Textbox(visible="hidden", elem_id="gate-identity")
    return GateCard(
        group, identity, title, document, edit_tab, editor, replies, feedback, complaint, buttons
    )


def wire_gate(card: GateCard, office: Office) -> None:
    """Have each button send its answer."""
    inputs = [card.identity, card.editor, card.feedback, *card.replies]

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
        decision = _decision(
            open_now, await _heeding_edits(office, run.id, answer, open_now), words
        )
        await office.desk.answer(run.id, answer.gate, decision)
    except GateGone:
        return card.refused(words["gone"])
    except (ValidationError, yaml.YAMLError) as error:
        return card.refused(f"{words['unfit']}: {_misfit(error)}")
    except SoftfactoryError as error:
        return card.refused(str(error))
    return {card.group: gr.update(visible=False)}


def editable_text(question: GateQuestion, view: View) -> str:
    """The document of a gate as people edit it, in YAML; empty where there is none."""
    known: Mapping[str, Any] = dict(view.things.state)
    document = known.get(question.gate)
    if question.gate not in EDITABLE or document is None:
        return ""
    return yaml.safe_dump(
        document.model_dump(mode="json"), allow_unicode=True, sort_keys=False, width=80
    )


def label_of(action: Action, question: GateQuestion, words: Wording) -> str:
    """What a button says at this gate."""
    if action == "approve" and question.gate in ("help", "budget"):
        return words["approve_as_is"]
    return words["stop_here"] if action == "stop" else words[action]


async def _heeding_edits(
    office: Office, run: str, answer: Answer, question: GateQuestion
) -> Answer:
    """Whoever edits the document and presses the plain button means the edited one."""
    known: Mapping[str, Any] = dict(await office.service.documents(run))
    shown = known.get(question.gate)
    if answer.action != "approve" or shown is None or not (answer.edited or "").strip():
        return answer
    is_edited = yaml.safe_load(answer.edited) != shown.model_dump(mode="json")
    return replace(answer, action="edit") if is_edited and question.gate in EDITABLE else answer


def _decision(question: GateQuestion, answer: Answer, words: Wording) -> Decision:
    feedback = answer.feedback.strip()
    if answer.action == "revise" and not feedback:
        raise UsageError(words["say_what"])
    pairs = zip(question.questions, answer.replies, strict=False)
    document = None
    if answer.action == "edit" and question.gate in EDITABLE:
        loaded = yaml.safe_load(answer.edited)
        document = EDITABLE[question.gate].model_validate(loaded).model_dump(mode="json")
    return Decision(
        action=answer.action,
        feedback=feedback,
        answers={asked: reply.strip() for asked, reply in pairs if reply and reply.strip()},
        document=document,
    )


def _feedback(question: GateQuestion, words: Wording) -> Any:
    label = {"help": "hint", "budget": "new_budget"}.get(question.gate, "feedback")
    return gr.update(label=words[label], value="")


def _misfit(error: ValidationError | yaml.YAMLError) -> str:
    if isinstance(error, yaml.YAMLError):
        return " ".join(str(error).split())[:300]
    told = [
        f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()[:4]
    ]
    return "; ".join(told)

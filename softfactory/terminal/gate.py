"""A gate on a terminal: the document, the open questions, and a human's answer."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.prompt import Prompt
from rich.text import Text

from softfactory.errors import UsageError
from softfactory.nodes.gates import EDITABLE
from softfactory.state.company import CompanyState
from softfactory.state.gates import Action, Decision, GateQuestion

WORDS: dict[str, dict[Action, str]] = {
    "budget": {
        "retry": "raise the budget and go on",
        "approve": "deliver what there is",
        "stop": "leave it for now",
    },
    "conflict": {
        "keep": "your files stand",
        "take": "the company's do",
        "stop": "leave it for now",
    },
    "": {
        "approve": "approve it as it is",
        "edit": "edit it in $EDITOR",
        "revise": "ask for changes in words",
        "stop": "stop the run",
    },
    "help": {
        "retry": "grant more rounds",
        "revise": "give a hint, and more rounds",
        "approve": "accept it as it is",
        "stop": "stop the run",
    },
}


def present(console: Console, question: GateQuestion) -> None:
    """Show what is to be judged."""
    console.print()
    console.print(Panel(Markdown(question.document), title=question.title, border_style="bold"))


def ask(console: Console, question: GateQuestion, state: CompanyState) -> Decision | None:
    """Have a human decide; None if they leave, so that the run goes on waiting."""
    words = WORDS.get(question.gate, WORDS[""])
    try:
        answers = {
            open_question: Prompt.ask(
                Text(f"{open_question} (Enter: you decide)"), default="", show_default=False
            )
            for open_question in question.questions
        }
        answers = {question: answer for question, answer in answers.items() if answer}
        for possible in question.actions:
            console.print(f"  [bold]{possible:<8}[/] {words[possible]}")
        action = Prompt.ask("Your decision", choices=list(question.actions))
        feedback = ""
        while action == "revise" and not feedback.strip():
            feedback = Prompt.ask("In your words")
        if question.gate == "budget" and action == "retry":
            feedback = Prompt.ask(
                "New budget (Enter: twice as much)", default="", show_default=False
            )
        document = edited(question, state) if action == "edit" else None
    except (EOFError, KeyboardInterrupt):
        console.print()
        return None
    return Decision.model_validate(
        {"action": action, "feedback": feedback, "answers": answers, "document": document}
    )


def edited(question: GateQuestion, state: CompanyState) -> dict[str, Any]:
    """The gate's document after the human has edited it as YAML in their editor.

    Raises:
        UsageError: there is no editor, or the human gave up on an invalid document.
    """
    kind = EDITABLE.get(question.gate)
    known: Mapping[str, Any] = dict(state)
    document = known.get(question.gate)
    if kind is None or document is None:
        raise UsageError(f"the {question.gate} gate has no document to edit")
    text = _as_yaml(document.model_dump(mode="json"))
    complaint = ""
    while True:
        before, text = text, _in_editor(complaint + text)
        try:
            value = yaml.safe_load(text)
            return kind.model_validate(value).model_dump(mode="json")
        except (yaml.YAMLError, ValidationError) as error:
            if complaint and text == before:
                raise UsageError(
                    "the edited document is still invalid; nothing was changed"
                ) from None
            text = "\n".join(line for line in text.splitlines() if not line.startswith("#!")) + "\n"
            complaint = "".join(f"#! {line}\n" for line in str(error).splitlines()[:12])


def _as_yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)


def _in_editor(text: str) -> str:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command and not sys.stdin.isatty():
        raise UsageError("there is no terminal to edit in: set EDITOR, or use revise")
    command = command or "vi"
    with tempfile.NamedTemporaryFile("w+", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        try:
            done = subprocess.run([*shlex.split(command), file.name], check=False)
        except OSError as error:
            raise UsageError(f"no editor {command!r}: set EDITOR, or use revise") from error
        if done.returncode != 0:
            raise UsageError(f"the editor {command!r} failed; nothing was changed")
        return Path(file.name).read_text(encoding="utf-8")

"""The company's conversation, read off the events: results in the open, the work folded."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from softfactory.persistence.events import LoggedEvent
from softfactory.state.events import Event
from softfactory.stretch import BY_HUMAN
from softfactory.web.markup import plain
from softfactory.web.telling import told
from softfactory.web.view import View
from softfactory.web.wording import Wording

MOST_PHRASES = 3
AUTHORS = {"prd": "Product Manager", "design": "Architect", "plan": "Project Manager"}
"""Whose turn it is again when a human asks for changes."""
RESTS = ("delivered", "stopped", "paused", "failed", "interrupted")
FORKED = re.compile(r"run \S+: fork of ")
Message = dict[str, Any]


@dataclass
class Stretch:
    """What one role does until another one's turn comes."""

    role: str
    since: float
    until: float
    phrases: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def add(self, logged: LoggedEvent, words: Wording) -> None:
        """One more thing that the role did."""
        event = logged.event
        self.until = logged.time
        phrase = words.get(_skill(event))
        if phrase and phrase not in self.phrases:
            self.phrases.append(phrase)
        if line := _line(event, words):
            self.lines.append(f"- {line}")

    def message(self, words: Wording, *, is_done: bool) -> Message:
        """The stretch as a message that can be folded."""
        what = words["comma"].join(self.phrases[-MOST_PHRASES:])
        name = words[self.role]
        title = words["names"].format(name, what) if what else name
        metadata: dict[str, Any] = {"title": title}
        metadata["status"] = "done" if is_done else "pending"
        if is_done:
            metadata["duration"] = round(self.until - self.since, 1)
        return {"role": "assistant", "content": "\n".join(self.lines), "metadata": metadata}


@dataclass
class Conversation:
    """Messages in the making."""

    words: Wording
    messages: list[Message] = field(default_factory=list)
    stretch: Stretch | None = None
    asked: str = ""
    """The gate at which a human was asked, until something follows."""

    def hear(self, logged: LoggedEvent) -> None:
        """Take an event into account."""
        event = logged.event
        if event.kind == "run":
            self.close()
            if FORKED.match(event.text):
                self._say("assistant", plain(told(event, self.words)))
            return
        if event.role == "Human" and event.kind in ("said", "note"):
            self.close()
            self._say("user", plain(told(event, self.words)))
            return
        if self.asked and event.kind != "gate":
            self._say("user", self.words[_answer(self.asked, event)])
        self.asked = str(event.data.get("gate", "")) if event.kind == "gate" else ""
        if result := _result(event, self.words):
            self.close()
            self._say("assistant", result)
            return
        if self.stretch is None or self.stretch.role != event.role:
            self.close()
            self.stretch = Stretch(event.role, logged.time, logged.time)
        self.stretch.add(logged, self.words)

    def go_on(self, role: str, skill: str) -> None:
        """Say what is being done while no event tells of it."""
        self.stretch = self.stretch or Stretch(role, 0.0, 0.0)
        if (phrase := self.words.get(skill)) not in self.stretch.phrases:
            self.stretch.phrases += filter(None, [phrase])
        self.close(is_done=False)

    def close(self, *, is_done: bool = True) -> None:
        """End what the role at work is at."""
        if self.stretch and (self.stretch.lines or not is_done):
            self.messages.append(self.stretch.message(self.words, is_done=is_done))
        self.stretch = None

    def _say(self, role: str, text: str) -> None:
        self.messages.append({"role": role, "content": text})


def conversation(view: View, words: Wording) -> list[Message]:
    """All that was said, as `gr.Chatbot` shows it."""
    heard = Conversation(words, [{"role": "user", "content": plain(view.run.idea)}])
    for logged in view.events:
        heard.hear(logged)
    if view.at_work:
        newest = view.events[-1].event.role if view.events else "Company"
        heard.go_on(newest, "testing" if view.testing else "")
    heard.close()
    if view.standing in RESTS:
        heard.messages.append({"role": "assistant", "content": _rest(view, words)})
    return heard.messages


def _rest(view: View, words: Wording) -> str:
    """How a run has come to its rest, and what can be done now."""
    if view.standing == "delivered" or (view.run.status, view.run.reason) == BY_HUMAN:
        return words[f"is_{view.standing}"]
    reason = f"\n\n{plain(words.said(view.run.reason))}" if view.run.reason else ""
    return f"**{words[view.standing].capitalize()}**{reason}"


def _skill(event: Event) -> str:
    """What the role is at, by the name of a word; empty where that says nothing."""
    if event.kind in ("call", "answer"):
        return str(event.data.get("skill", ""))
    if event.data.get("check") == "static":
        return "static_check"
    if event.kind == "work":
        return {"QA Engineer": "testing", "Company": "integration"}.get(event.role, "")
    return ""


def _answer(gate: str, then: Event) -> str:
    """How a human answered, as far as what followed shows it."""
    if gate in AUTHORS:
        return "asked_changes" if then.role == AUTHORS[gate] else "approved"
    return "you_answered"


def _line(event: Event, words: Wording) -> str:
    """An event in the fold."""
    return "" if event.kind == "call" else plain(told(event, words))


def _result(event: Event, words: Wording) -> str:
    """An event that everybody should see; nothing for mere work."""
    who = "asks_you" if event.kind == "gate" else event.role
    text = words["names"].format(f"**{words[who]}**", plain(told(event, words)))
    if event.kind == "commit":
        return f"{text}\n\n{_files(event, words)}"
    if event.kind in ("gate", "test"):
        return text
    if event.kind == "finding":
        problems = _texts(event.data.get("problems"))
        is_result = problems or "check" not in event.data
        listed = "".join(f"\n- {plain(problem)}" for problem in problems)
        return f"{text}\n{listed}" if is_result else ""
    return ""


def _files(event: Event, words: Wording) -> str:
    files = _texts(event.data.get("files"))
    shown = ", ".join(f"`{file}`" for file in files[:4] if "`" not in file)
    more = words["and_more"].format(len(files) - 4) if len(files) > 4 else ""
    return shown + more


def _texts(value: object) -> Sequence[str]:
    return [str(item) for item in value] if isinstance(value, list) else []

"""Events in the words of a visitor."""

import re

from softfactory.models.recorded import RECORDED
from softfactory.state.events import Event
from softfactory.web.wording import Wording

ASKED = ("call", "wait", "answer")
"""Kinds of events about a question to a model."""
PACKAGE = re.compile(r"(?P<package>\S+) round (?P<turn>\d+)")


def told(event: Event, words: Wording) -> str:
    """What an event says, as plain text."""
    data = event.data
    if event.kind in ASKED:
        return _named(words, _question(event, words), _course(event, words))
    if event.kind == "run" and "status" in data:
        reason = words.said(str(data.get("reason") or ""))
        return _named(words, words.get(str(data["status"])), reason)
    return words.said(event.text)


def _named(words: Wording, name: str, text: str) -> str:
    return words["names"].format(name, text) if name and text else name or text


def _question(event: Event, words: Wording) -> str:
    """What a model is asked to do, and of what."""
    subject = event.text.partition(" ")[2]
    if found := PACKAGE.fullmatch(subject):
        subject = words["package_round"].format(*found.groups())
    return f"{words.get(str(event.data.get('skill', '')))} {subject}".strip()


def _course(event: Event, words: Wording) -> str:
    """How that goes."""
    data = event.data
    if event.kind == "wait":
        return words["waits"].format(data["seconds"], words.said(str(data["reason"])))
    if event.kind == "call":
        return ""
    if data["known"] or data["model"] == RECORDED:
        return words["known" if data["known"] else "replayed"]
    tokens = words["tokens_in_out"].format(
        f"{data['input_tokens']:,}", f"{data['output_tokens']:,}"
    )
    return f"{tokens}{words['comma']}{data['seconds']:.1f} s"

"""Recorded runs: the answers that a model once gave, to replay without one."""

import difflib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from softfactory.config import Settings
from softfactory.errors import RecordingMismatch, UsageError
from softfactory.models.ledger import fit, key
from softfactory.models.port import Messages, Reply, Request
from softfactory.persistence.calls import Call

RECORDED = "recorded"
"""What a replayed answer names as its model."""
OFF_THE_RECORD = "A recorded run can only be approved as it is"
"""Said where somebody wants what was not recorded."""


@dataclass(frozen=True)
class RecordedCall:
    """One call of a recording."""

    skill: str
    key: str
    fit: str
    messages: Messages
    reply: Reply


@dataclass(frozen=True)
class Recording:
    """An idea, the settings that matter for its prompts, and every answer given."""

    idea: str
    about: str
    settings: Settings
    calls: tuple[RecordedCall, ...]


class RecordedModel:
    """Answers from a recording. A question that is not in it is refused, not guessed."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._by_key = {call.key: call.reply for call in recording.calls}
        self._by_fit = {call.fit: call.reply for call in recording.calls}

    def ready(self, idea: str) -> None:
        """Only for the idea that was recorded."""
        if idea.strip() != self._recording.idea.strip():
            raise UsageError(f"this is a recording of another idea: {self._recording.idea[:80]!r}")

    def model_for(self, role: str) -> str:
        """Always the same name."""
        return RECORDED

    async def reply(self, request: Request) -> Reply:
        """The recorded answer to the same question, whatever running programs printed in it."""
        found = self._by_key.get(key(request)) or self._by_fit.get(fit(request))
        if found is None:
            raise RecordingMismatch(self._mismatch(request))
        return replace(found, model=RECORDED)

    def _mismatch(self, request: Request) -> str:
        name = f"{request.skill} {request.subject}".strip()
        same = [call for call in self._recording.calls if call.skill == request.skill]
        if not same:
            return f"the recording holds no call of {name}: a prompt or the process has changed"
        asked = _text(request.messages)
        closest = max(same, key=lambda call: _likeness(_text(call.messages), asked))
        line = _first_difference(_text(closest.messages), asked)
        return (
            f"the recording does not fit {name} any more: {line}. {OFF_THE_RECORD}: edits, "
            "wishes and words need a model (`softfactory fork` begins another run with one)"
        )


def write_recording(path: Path, recording: Recording) -> None:
    """Write a recording: one JSON object a line, the run first, then its calls.

    Raises:
        UsageError: the file exists already, or can't be written.
    """
    head = {
        "idea": recording.idea,
        "about": recording.about,
        "settings": recording.settings.model_dump(mode="json", exclude_defaults=True),
    }
    lines = [json.dumps(head, ensure_ascii=False)]
    lines += [json.dumps(_plain(call), ensure_ascii=False) for call in recording.calls]
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError as error:
        raise UsageError(f"the recording can't be written: {error}") from error


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        UsageError: there is none at `path`, or it is damaged.

    """
    try:
        head, *calls = map(json.loads, path.read_text(encoding="utf-8").strip().split("\n"))
        return Recording(
            head["idea"],
            head["about"],
            Settings(**head["settings"]),
            tuple(_call(call) for call in calls),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{str(path)!r} is no recording: {error}") from error


def recorded_calls(calls: Iterable[Call]) -> tuple[RecordedCall, ...]:
    """The calls of a ledger as a recording keeps them."""
    return tuple(
        RecordedCall(call.skill, call.key, call.fit, call.messages, Reply(**call.reply))
        for call in calls
    )


def _plain(call: RecordedCall) -> dict[str, Any]:
    return {**vars(call), "reply": vars(call.reply)}


def _call(kept: dict[str, Any]) -> RecordedCall:
    return RecordedCall(**{**kept, "reply": Reply(**kept["reply"])})


def _text(messages: Messages) -> str:
    return "\n".join(message["content"] for message in messages)


def _likeness(left: str, right: str) -> float:
    return difflib.SequenceMatcher(None, left, right, autojunk=False).quick_ratio()


def _first_difference(recorded: str, asked: str) -> str:
    pairs = zip(recorded.splitlines(), asked.splitlines(), strict=False)
    for number, (old, new) in enumerate(pairs, 1):
        if old != new:
            differs = [a != b for a, b in zip(old, new, strict=False)]
            same = differs.index(True) if True in differs else len(differs)
            part = slice(max(0, same - 30), same + 70)
            return f"line {number} was {old[part]!r} and is {new[part]!r}"
    return "one of the two questions is longer"

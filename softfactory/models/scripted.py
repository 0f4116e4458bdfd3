"""A model that says what a test tells it to."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from softfactory.models.port import Reply, Request, estimated_tokens
from softfactory.state.documents import Document

Answer = str | Document | Mapping[str, str]
"""Free text, a document, or files by path."""


class ScriptedModel:
    """Answers each skill with its next scripted answer and remembers what it was asked.

    A script may also name a skill with its subject, as `write_code W1 round 1`: then it does not
    matter which of two packages asks first. The last answer is given again when they run out.
    """

    def __init__(self, script: Mapping[str, Sequence[Answer]], seconds: float = 0.0) -> None:
        self._script = {skill: list(answers) for skill, answers in script.items()}
        self._seconds = seconds
        self.asked: list[Request] = []
        self.while_asked: dict[str, Callable[[], Awaitable[None]]] = {}
        """By skill: what happens while it is asked."""

    def ready(self, idea: str) -> None:
        """Always."""

    def model_for(self, role: str) -> str:
        """Always the same name."""
        return "scripted"

    async def reply(self, request: Request) -> Reply:
        """The next answer for the request's skill."""
        self.asked.append(request)
        if meanwhile := self.while_asked.get(request.skill):
            await meanwhile()
        await asyncio.sleep(self._seconds)
        named = f"{request.skill} {request.subject}"
        answers = self._script[named if named in self._script else request.skill]
        text = written(answers.pop(0) if len(answers) > 1 else answers[0])
        asked = "".join(message["content"] for message in request.messages)
        return Reply(text, "scripted", estimated_tokens(asked), estimated_tokens(text))

    def script(self, skill: str, answers: Sequence[Answer]) -> None:
        """Change what the skill is answered from now on."""
        self._script[skill] = list(answers)

    def questions(self, skill: str) -> list[str]:
        """The last user message of every request of a skill."""
        return [r.messages[-1]["content"] for r in self.asked if r.skill == skill]


def written(answer: Answer) -> str:
    """An answer as a chat model would write it."""
    if isinstance(answer, str):
        return answer
    if isinstance(answer, Document):
        return answer.model_dump_json()
    blocks = [f"````text {path}\n{content.rstrip()}\n````" for path, content in answer.items()]
    return "\n\n".join(blocks)

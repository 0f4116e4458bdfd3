"""The port to a language model: messages in, text and its cost out."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

Messages = list[dict[str, str]]
Waiting = Callable[[float, str], Awaitable[None]]
"""Is told that an answer has to wait: how many seconds before it is asked for again, and why."""


async def unheard(seconds: float, reason: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Request:
    """One chat completion. `schema` is the JSON schema of the answer, None for free text."""

    skill: str
    subject: str
    messages: Messages
    schema: dict[str, Any] | None = None
    printed: tuple[str, ...] = field(default=())
    """Parts of the messages that running programs printed."""
    role: str = ""
    """Who asks: roles may have models of their own."""
    attempt: int = 1
    """Counts the tries to get a usable answer; the second is sent back with the reason."""
    waiting: Waiting = field(default=unheard, repr=False, compare=False)

    @property
    def continues(self) -> bool:
        """Whether it asks for the rest of an answer that was cut off: its try has spoken."""
        return sum(message["role"] == "assistant" for message in self.messages) >= self.attempt


@dataclass(frozen=True)
class Reply:
    """What came back. Token counts are the endpoint's, or estimated where it reports none."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    thinking: str = ""
    finish: str = "stop"


class ChatModel(Protocol):
    """Anything that answers a chat: an endpoint, a script, a recording."""

    def ready(self, idea: str) -> None:
        """Refuse to begin what could not go on.

        Raises:
            UsageError: there is no key, no such address, or a recording of another idea.
        """
        ...

    def model_for(self, role: str) -> str:
        """The name of the model that answers a role, by which its price is found."""
        ...

    async def reply(self, request: Request) -> Reply:
        """Answer.

        Raises:
            ModelUnavailable: passing trouble outlasted the retries.
            ModelRefused: the request will never succeed as it is.
            ContextExceeded: the request is longer than the model takes.

        """
        ...


WIDE = re.compile("[\u2e80-\uffef]")


def estimated_tokens(text: str) -> int:
    """Tokens of a text where nobody counted them: a character in four, CJK characters whole."""
    wide = 0 if text.isascii() else len(WIDE.findall(text))
    return wide + (len(text) - wide) // 4 + 1

"""The ledger of a run: every answered call, paid once."""

import hashlib
import json
from dataclasses import asdict, dataclass

from softfactory.config import Price
from softfactory.models.port import Messages, Reply, Request
from softfactory.persistence.calls import Call, Calls


@dataclass(frozen=True)
class Ledger:
    """Remembers what was asked in a run and what was answered."""

    calls: Calls
    run: str
    price: Price | None = None

    async def find(self, request: Request) -> Reply | None:
        """The recorded answer to the same question of the same run, or of one it came from."""
        call = await self.calls.find(self.run, key(request))
        return Reply(**call.reply) if call else None

    async def record(self, request: Request, reply: Reply, role: str, seconds: float) -> None:
        """Keep an answer, before anybody acts on it."""
        attempt = 1 + sum(message["role"] == "assistant" for message in request.messages)
        call = Call(
            run=self.run,
            key=key(request),
            fit=fit(request),
            skill=request.skill,
            role=role,
            subject=request.subject,
            attempt=attempt,
            messages=request.messages,
            reply=asdict(reply),
            price=self.cost(reply),
            seconds=seconds,
        )
        await self.calls.add(call)

    def cost(self, reply: Reply) -> float | None:
        """US dollars for a reply; None where the price is unknown."""
        if self.price is None:
            return None
        spent = reply.input_tokens * self.price.input + reply.output_tokens * self.price.output
        return spent / 1_000_000


def key(request: Request) -> str:
    """What makes two questions the same: the skill and every word of the messages."""
    return _digest(request.skill, request.messages)


def fit(request: Request) -> str:
    """The same without what running programs printed, which may differ between machines."""
    messages = [dict(message) for message in request.messages]
    for message in messages:
        for printed in request.printed:
            message["content"] = message["content"].replace(printed, "")
    return _digest(request.skill, messages)


def _digest(skill: str, messages: Messages) -> str:
    text = json.dumps([skill, messages], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()

"""The ledger of a run: every answered call, paid once."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from softfactory.config import Price
from softfactory.models.port import Messages, Reply, Request
from softfactory.models.prices import Prices, price_of
from softfactory.persistence.calls import DISCARDED, Call, Calls, Outcome


@dataclass(frozen=True)
class Ledger:
    """Remembers what was asked in a run, what was answered, and what became of it."""

    calls: Calls
    run: str
    price: Price | None = None
    """Of every model, given by the user; None: as the tables say."""
    prices: Prices = field(default_factory=dict)

    async def find(self, request: Request) -> Reply | None:
        """The recorded answer to the same question of the same run, or of one it came from."""
        call = await self.calls.find(self.run, key(request))
        return Reply(**call.reply) if call else None

    async def record(self, request: Request, reply: Reply, seconds: float) -> None:
        """Keep an answer, before anybody acts on it."""
        call = Call(
            run=self.run,
            key=key(request),
            fit=fit(request),
            skill=request.skill,
            role=request.role,
            subject=request.subject,
            attempt=request.attempt,
            messages=request.messages,
            reply=asdict(reply),
            price=self.cost(reply),
            seconds=seconds,
        )
        await self.calls.add(call)

    def cost(self, reply: Reply) -> float | None:
        """US dollars for a reply; None where the price is unknown."""
        price = self.price or price_of(self.prices, reply.model)
        if price is None:
            return None
        cached_price = price.input if price.cached is None else price.cached
        fresh = reply.input_tokens - reply.cached_tokens
        spent = fresh * price.input + reply.cached_tokens * cached_price
        return (spent + reply.output_tokens * price.output) / 1_000_000

    async def judge(self, skill: str, subject: str, outcome: Outcome) -> None:
        """Note what became of a skill's newest answer on a subject."""
        newest = await self.calls.latest_key(self.run, skill, subject)
        await self.calls.judge(self.run, outcome, filter(None, [newest]))

    async def discard(self, requests: Iterable[Request]) -> None:
        """Let questions be asked anew whose answers were all of no use."""
        await self.calls.judge(self.run, DISCARDED, map(key, requests))


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

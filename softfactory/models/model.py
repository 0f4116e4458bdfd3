"""What roles ask: a prompt in, a document or files out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from softfactory.errors import AnswerUnusable, ContextExceeded
from softfactory.models.answers import D, DocumentReader, FilesReader, Reader
from softfactory.models.code_edits import AnswerProblem
from softfactory.models.ledger import Ledger
from softfactory.models.port import ChatModel, Messages, Reply, Request, estimated_tokens
from softfactory.models.purse import Purse
from softfactory.prompts import Prompt, render
from softfactory.state.events import Event, EventKind, RoleName, Tell

T = TypeVar("T")

REPAIRS = 2
"""How often an unusable answer is sent back with the reason."""
CONTINUATIONS = 4
"""How often the answers to one question, all tries together, are continued where the output limit
cut them: so no question costs more than seven calls."""
BEGINNING = 80
"""Characters by which an answer that begins all over again is known."""


async def _nothing(_: str) -> str:
    return ""


@dataclass(frozen=True)
class Model:
    """Asks a chat model through the ledger and reads its answers."""

    chat: ChatModel
    ledger: Ledger
    tell: Tell
    purse: Purse = field(default_factory=Purse)
    on_the_wire: set[asyncio.Task[Reply]] = field(default_factory=set)
    """Calls being answered. They go on when the node that asked is given up for a neighbour's
    failure, so that an answer which is paid for is kept."""
    hear: Callable[[RoleName], Awaitable[str]] = _nothing
    """What a human has said that a role is to heed in the step it is at; often nothing."""

    async def ask(self, prompt: Prompt, answer: type[D]) -> D:
        """Ask for a document."""
        return await self._converse(prompt, DocumentReader(answer))

    async def write(self, prompt: Prompt, reader: FilesReader) -> Mapping[str, str]:
        """Ask for files; contents of those that are new or changed, by path."""
        return await self._converse(prompt, reader)

    async def _converse(self, prompt: Prompt, reader: Reader[T]) -> T:
        asked: list[Request] = []
        try:
            return await self._usable_answer(prompt, reader, asked)
        except (AnswerUnusable, ContextExceeded):
            await self.ledger.discard(asked)
            raise

    async def _usable_answer(self, prompt: Prompt, reader: Reader[T], asked: list[Request]) -> T:
        """The first answer that can be read; an unusable one is sent back with the reason."""
        problem, said = "", await self.hear(prompt.role)
        text = prompt.text + (f"\n{render('parts/hint', hint=said)}" if said else "")
        messages = [
            {"role": "system", "content": render("parts/company")},
            {"role": "user", "content": f"{text}\n{reader.instructions()}"},
        ]
        request = Request(
            prompt.skill, prompt.subject, messages, reader.schema, prompt.printed, prompt.role
        )
        for attempt in range(1, REPAIRS + 2):
            request = replace(request, messages=messages, attempt=attempt)
            text, is_whole = await self._whole_answer(request, asked)
            try:
                return _read(reader, text, is_whole=is_whole)
            except AnswerProblem as error:
                problem = str(error)
                messages = _sent_back(messages, text, render("parts/repair", problem=problem))
        raise AnswerUnusable(
            f"{prompt.skill} got no usable answer in {REPAIRS + 1} tries: "
            f"{problem.splitlines()[0]}; another model may do better: resume with --model NAME"
        )

    async def _whole_answer(self, request: Request, asked: list[Request]) -> tuple[str, bool]:
        """The answer, continued where the output limit cut it, and whether it came to its end."""
        reply = await self._answer(request, asked)
        text, goes_on = reply.text, bool(reply.text.strip())
        while reply.finish == "length" and goes_on and _continuations(asked) < CONTINUATIONS:
            messages = _sent_back(request.messages, text, render("parts/continue"))
            part = replace(request, messages=messages, schema=None)
            reply = await self._answer(part, asked)
            goes_on = _goes_on(text, reply.text)
            text += reply.text
        return text, reply.finish != "length"

    async def _answer(self, request: Request, asked: list[Request]) -> Reply:
        asked.append(request)
        known = await self.ledger.find(request)
        if known:
            await self._tell_answer(request, known, 0.0, known=True)
            return known
        call = asyncio.create_task(self._paid_answer(request))
        self.on_the_wire.add(call)
        call.add_done_callback(self._off_the_wire)
        return await asyncio.shield(call)

    def _off_the_wire(self, call: asyncio.Task[Reply]) -> None:
        self.on_the_wire.discard(call)
        if not call.cancelled():
            call.exception()  # told to whoever asked, if somebody still waits

    async def _paid_answer(self, request: Request) -> Reply:
        with self.purse.reserve(self._expected(request)):
            await self._tell("call", request, {})
            started = time.monotonic()
            reply = await self.chat.reply(replace(request, waiting=partial(self._waits, request)))
            seconds = time.monotonic() - started
            await self.ledger.record(request, reply, seconds)
        warning = self.purse.spend(self._used(reply), reply.output_tokens)
        await self._tell_answer(request, reply, seconds, known=False)
        if warning:
            await self.tell(Event(kind="note", role="Company", text=warning))
        return reply

    def _expected(self, request: Request) -> float | None:
        asked = sum(estimated_tokens(message["content"]) for message in request.messages)
        model = self.chat.model_for(request.role)
        return self._used(Reply("", model, asked, self.purse.largest_output))

    def _used(self, reply: Reply) -> float | None:
        """What a reply takes from the purse, in the budget's unit."""
        if self.purse.budget is not None and self.purse.budget.unit == "dollars":
            return self.ledger.cost(reply)
        return float(reply.input_tokens + reply.output_tokens)

    async def _waits(self, request: Request, seconds: float, reason: str) -> None:
        await self._tell("wait", request, {"seconds": round(seconds, 3), "reason": reason})

    async def _tell_answer(
        self, request: Request, reply: Reply, seconds: float, *, known: bool
    ) -> None:
        data = {
            "model": reply.model,
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "price": self.ledger.cost(reply),
            "seconds": round(seconds, 3),
            "known": known,
        }
        await self._tell("answer", request, data)

    async def _tell(self, kind: EventKind, request: Request, data: Mapping[str, object]) -> None:
        text = f"{request.skill} {request.subject}".strip()
        which = {
            "skill": request.skill,
            "attempt": request.attempt,
            "continued": request.continues,
        }
        event = {"kind": kind, "role": request.role, "text": text, "data": which | {**data}}
        await self.tell(Event.model_validate(event))


def _continuations(asked: Sequence[Request]) -> int:
    return sum(request.continues for request in asked)


def _goes_on(before: str, part: str) -> bool:
    """Whether a part says something new: an empty one, a loop or a new beginning leads nowhere."""
    said = part.strip()
    begins_again = before.lstrip().startswith(said[:BEGINNING])
    return said not in before and not begins_again


def _read(reader: Reader[T], text: str, *, is_whole: bool) -> T:
    if not is_whole:
        raise AnswerProblem("it is too long: say it in fewer words or smaller files")
    return reader.read(text)


def _sent_back(messages: Messages, answer: str, words: str) -> Messages:
    return [
        *messages,
        {"role": "assistant", "content": answer},
        {"role": "user", "content": words},
    ]

"""What roles ask: a prompt in, a document or files out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from softfactory.errors import AnswerUnusable
from softfactory.models.answers import D, DocumentReader, FilesReader, Reader
from softfactory.models.code_blocks import AnswerProblem
from softfactory.models.ledger import Ledger
from softfactory.models.port import ChatModel, Messages, Reply, Request
from softfactory.prompts import Prompt, render
from softfactory.state.events import Event, Tell

T = TypeVar("T")

REPAIRS = 2
"""How often an unusable answer is sent back with the reason."""


@dataclass(frozen=True)
class Model:
    """Asks a chat model through the ledger and reads its answers."""

    chat: ChatModel
    ledger: Ledger
    tell: Tell

    async def ask(self, prompt: Prompt, answer: type[D]) -> D:
        """Ask for a document."""
        return await self._converse(prompt, DocumentReader(answer))

    async def write(self, prompt: Prompt, reader: FilesReader) -> Mapping[str, str]:
        """Ask for files; contents of those that are new or changed, by path."""
        return await self._converse(prompt, reader)

    async def _converse(self, prompt: Prompt, reader: Reader[T]) -> T:
        problem = ""
        messages = [
            {"role": "system", "content": render("parts/company")},
            {"role": "user", "content": f"{prompt.text}\n{reader.instructions()}"},
        ]
        for _ in range(REPAIRS + 1):
            reply = await self._answer(prompt, messages, reader.schema)
            try:
                return reader.read(reply.text)
            except AnswerProblem as error:
                problem = str(error)
                messages = [
                    *messages,
                    {"role": "assistant", "content": reply.text},
                    {"role": "user", "content": render("parts/repair", problem=problem)},
                ]
        raise AnswerUnusable(
            f"{prompt.skill} got no usable answer in {REPAIRS + 1} tries: "
            f"{problem.splitlines()[0]}; try another model: `softfactory resume RUN --model NAME`"
        )

    async def _answer(
        self, prompt: Prompt, messages: Messages, schema: dict[str, Any] | None
    ) -> Reply:
        request = Request(prompt.skill, prompt.subject, messages, schema, prompt.printed)
        known = await self.ledger.find(request)
        if known:
            await self._tell("answer", prompt, reply=known, seconds=0.0, known=True)
            return known
        await self.tell(
            Event(
                kind="call",
                role=prompt.role,
                text=f"{prompt.skill} {prompt.subject}".strip(),
                data={"skill": prompt.skill, "repair": len(messages) > 2},
            )
        )
        started = time.monotonic()
        reply = await self.chat.reply(request)
        seconds = time.monotonic() - started
        await self.ledger.record(request, reply, prompt.role, seconds)
        await self._tell("answer", prompt, reply=reply, seconds=seconds, known=False)
        return reply

    async def _tell(
        self, kind: Any, prompt: Prompt, *, reply: Reply, seconds: float, known: bool
    ) -> None:
        data = {
            "skill": prompt.skill,
            "input_tokens": reply.input_tokens,
            "output_tokens": reply.output_tokens,
            "price": self.ledger.cost(reply),
            "seconds": round(seconds, 3),
            "known": known,
        }
        text = f"{prompt.skill} {prompt.subject}".strip()
        await self.tell(Event(kind=kind, role=prompt.role, text=text, data=data))

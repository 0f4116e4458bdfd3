"""Any endpoint that speaks the OpenAI chat completions protocol, or nearly so.

What an endpoint does not take is found out by asking: the parameter it complains of is changed or
left out, and that is remembered. Bodies are read by us, because few endpoints send what the
`openai` library expects; errors are raised apart from what the library raised, because an
endpoint may echo the key.

Importing this takes half a second (the `openai` library): only when a model will be asked.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from openai import APIConnectionError, APIStatusError, AsyncOpenAI, Timeout

from softfactory.errors import ContextExceeded, ModelError, ModelRefused, UsageError
from softfactory.models.port import Reply, Request, estimated_tokens
from softfactory.models.presets import NO_KEY, Chosen, Preset, key_variables, missing_key
from softfactory.models.traffic import (
    TOO_LONG,
    Answer,
    PassingTrouble,
    Traffic,
    is_passing,
    seconds_to_wait,
    traffic_of,
)

TIMEOUT_SECONDS = 600.0
CONNECT_SECONDS = 20.0
FORMATS = ("json_schema", "json_object", "none")
LIMITS = ("max_tokens", "max_completion_tokens", "")
FORMAT_WORDS = re.compile(r"response_format|json_schema|json_object|json mode", re.IGNORECASE)
LIMIT_WORDS = re.compile(r"max_tokens|max_completion_tokens")
TOO_LARGE = re.compile(r"too large|at most|exceed|maximum|range|between", re.IGNORECASE)
LOWERED_BY = (400, 404, TOO_LONG, 422)
THINKING = re.compile(r"\A\s*<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)
UNOPENED = re.compile(r"\A((?:(?!<think>|````).)*?)^[ \t]*</think>[ \t]*$\s*", re.DOTALL | re.M)
"""Thinking whose opening tag stood in the prompt's template; never in or after a file."""


class Memory(Protocol):
    """Keeps what was learned of endpoints from one process to the next."""

    async def recall(self, endpoint: str, model: str) -> dict[str, Any] | None:
        """What is known of a model at an endpoint."""
        ...

    async def remember(self, endpoint: str, model: str, capabilities: dict[str, Any]) -> None:
        """Keep what was found out."""
        ...


class Remembered:
    """A memory that lasts as long as the process."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], dict[str, Any]] = {}

    async def recall(self, endpoint: str, model: str) -> dict[str, Any] | None:
        """What is known of a model at an endpoint."""
        return self.known.get((endpoint, model))

    async def remember(self, endpoint: str, model: str, capabilities: dict[str, Any]) -> None:
        """Keep what was found out."""
        self.known[endpoint, model] = capabilities


@dataclass(frozen=True)
class Capabilities:
    """What an endpoint takes, as far as is known."""

    response_format: str
    limit_parameter: str
    left_out: tuple[str, ...] = ()
    """Keys of the preset's extra body."""

    def parameters(self, preset: Preset, request: Request) -> dict[str, Any]:
        """What is sent beside the messages."""
        extra = {k: v for k, v in preset.extra_body.items() if k not in self.left_out}
        sent: dict[str, Any] = {"extra_body": extra} if extra else {}
        if preset.output_limit and self.limit_parameter:
            sent[self.limit_parameter] = preset.output_limit
        if request.schema is not None and self.response_format == "json_object":
            sent["response_format"] = {"type": "json_object"}
        if request.schema is not None and self.response_format == "json_schema":
            schema = {"name": request.skill, "schema": request.schema}
            sent["response_format"] = {"type": "json_schema", "json_schema": schema}
        return sent

    def without(self, complaint: str, sent: Mapping[str, Any], preset: Preset) -> dict[str, Any]:
        """What to change after a complaint; empty if it is not about what was sent."""
        if self.limit_parameter in sent and LIMIT_WORDS.search(complaint):
            tried = self.limit_parameter != preset.limit_parameter or TOO_LARGE.search(complaint)
            other = LIMITS[1 - LIMITS.index(self.limit_parameter)]
            return {"limit_parameter": "" if tried else other}
        if "response_format" in sent and FORMAT_WORDS.search(complaint):
            return {"response_format": FORMATS[FORMATS.index(self.response_format) + 1]}
        refused = tuple(key for key in sent.get("extra_body", ()) if key in complaint)
        return {"left_out": (*self.left_out, *refused)} if refused else {}


@dataclass
class OpenAICompatible:
    """Asks a model at an endpoint; connects at each question, so that any event loop may ask."""

    chosen: Chosen
    memory: Memory | None = None
    traffic: Traffic | None = None
    timeout: float = TIMEOUT_SECONDS
    _known: Capabilities | None = field(default=None, init=False, repr=False)

    def ready(self, idea: str) -> None:
        """Refuse to begin without a key.

        Raises:
            UsageError: it is missing, or can't be one.
        """
        del idea
        problem = missing_key(self.chosen)
        if problem:
            raise UsageError(problem)

    def model_for(self, role: str) -> str:
        """The model's name, without its provider's, whoever asks."""
        del role
        return self.chosen.model

    async def reply(self, request: Request) -> Reply:
        """Ask, with the parameters that the endpoint takes.

        Raises:
            UsageError: the key is missing.
            ModelUnavailable: passing trouble outlasted the retries.
            ModelRefused: the endpoint refuses the request.
            ContextExceeded: it does so because the request is too long.

        """
        self.ready("")
        learned: dict[str, Any] = {}
        traffic = self.traffic or traffic_of(self.chosen.base_url)
        known = await self._recalled()
        while True:
            capable = replace(known, **learned)
            sent = capable.parameters(self.chosen.preset, request)
            answer = await traffic.send(partial(self._attempt, request, sent), request.waiting)
            if answer.meaning() == 200:
                await self._remember(learned)
                return _reply(request, answer.body(), self.chosen.model)
            changes = {}
            if answer.meaning() in LOWERED_BY:
                changes = capable.without(answer.text, sent, self.chosen.preset)
            if not changes:
                raise self._refusal(answer)
            learned |= changes

    async def _attempt(self, request: Request, sent: dict[str, Any]) -> Answer:
        """Ask once. What may pass is raised, so that the traffic tries again."""
        answer = await self._post(request, sent)
        meaning = answer.meaning()
        if answer.status == 0:
            trouble = f"{self._where()} can't be reached: {self._said(answer)}"
            raise PassingTrouble(trouble, late=answer.late)
        if is_passing(meaning):
            said = f"{answer.status} {self._said(answer)}"
            trouble = f"{self._where()} is in trouble: {said}"
            raise PassingTrouble(trouble, answer.retry_after, slows=meaning == 429)
        return answer

    async def _post(self, request: Request, sent: dict[str, Any]) -> Answer:
        try:
            async with asyncio.timeout(self.timeout), self._client() as client:
                completions: Any = client.chat.completions.with_raw_response
                raw = await completions.create(
                    model=self.chosen.model, messages=request.messages, **sent
                )
                return Answer(200, raw.text)
        except APIStatusError as error:
            wait = seconds_to_wait(error.response.headers.get("Retry-After"), time.time())
            return Answer(error.status_code, error.response.text, wait)
        except TimeoutError:
            return Answer(0, f"no answer within {self.timeout:g} seconds", late=True)
        except APIConnectionError as error:
            return Answer(0, f"{error} {error.__cause__ or ''}".strip())

    def _client(self) -> AsyncOpenAI:
        return AsyncOpenAI(
            api_key=self.chosen.api_key,
            base_url=self.chosen.base_url,
            timeout=Timeout(None, connect=min(CONNECT_SECONDS, self.timeout)),
            max_retries=0,
        )

    async def _recalled(self) -> Capabilities:
        if self._known is None:
            preset = self.chosen.preset
            known = await self.memory.recall(*self._place()) if self.memory else None
            self._known = _read(known or {}, preset)
        return self._known

    async def _remember(self, learned: dict[str, Any]) -> None:
        """Keep what a refusal taught, once the changed question was answered."""
        if learned:
            self._known = replace(await self._recalled(), **learned)
            if self.memory:
                await self.memory.remember(*self._place(), asdict(self._known))

    def _place(self) -> tuple[str, str]:
        return _without_password(self.chosen.base_url), self.chosen.model

    def _where(self) -> str:
        host = urlsplit(self.chosen.base_url).netloc.rpartition("@")[2]
        return f"model {self.chosen.model!r} at {host or self.chosen.base_url}"

    def _refusal(self, answer: Answer) -> ModelError:
        said = f"{answer.status} {self._said(answer)}"
        if answer.meaning() == TOO_LONG:
            return ContextExceeded(
                f"the question is longer than {self._where()} takes: {said}; go on with a model "
                "that has a larger context: `softfactory resume RUN --model NAME`"
            )
        keys = " or ".join(key_variables(self.chosen.preset))
        return ModelRefused(
            f"{self._where()} refuses: {said}; check the key ({keys}), --model and --base-url"
        )

    def _said(self, answer: Answer) -> str:
        """The words of an answer on one line, without the key."""
        return _scrubbed(answer.words(), self.chosen.api_key)[:300]


def _reply(request: Request, body: dict[str, Any], model: str) -> Reply:
    choice = body["choices"][0]
    thinking, text = _thoughts(choice["message"])
    asked = "".join(message["content"] for message in request.messages)
    usage = body.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens")
    return Reply(
        text=text,
        model=str(body.get("model") or model),
        input_tokens=_count(usage.get("prompt_tokens")) or estimated_tokens(asked),
        output_tokens=_count(usage.get("completion_tokens")) or estimated_tokens(thinking + text),
        cached_tokens=_count(cached),
        thinking=thinking,
        finish=str(choice.get("finish_reason") or "stop"),
    )


def _thoughts(message: dict[str, Any]) -> tuple[str, str]:
    """What was thought aloud, in a field or before the answer, and the answer."""
    content = message.get("content") or ""
    if isinstance(content, list):
        parts = (part for part in content if isinstance(part, dict))
        content = "".join(str(part.get("text") or "") for part in parts)
    thinking = str(message.get("reasoning_content") or message.get("reasoning") or "")
    text = str(content)
    found = THINKING.match(text) or UNOPENED.match(text)
    if found:
        thinking = "\n".join(filter(None, (thinking, found.group(1).strip())))
        text = text[found.end() :]
    return thinking, text


def _count(tokens: Any) -> int:
    return tokens if isinstance(tokens, int) else 0


def _read(kept: Mapping[str, Any], preset: Preset) -> Capabilities:
    """What was kept, as far as it is still understood; else what the preset says."""
    response_format, limit = kept.get("response_format"), kept.get("limit_parameter")
    return Capabilities(
        response_format if response_format in FORMATS else preset.response_format,
        limit if limit in LIMITS else preset.limit_parameter,
        tuple(map(str, kept.get("left_out") or ())),
    )


def _scrubbed(words: str, key: str) -> str:
    """The words without the key, its halves, or the key as an address would spell it."""
    if key == NO_KEY:
        return words
    halves = [half for half in key.split(":") if len(half) > 7]
    for secret in filter(None, (key, quote(key, safe=""), *halves)):
        words = words.replace(secret, "***")
    return words


def _without_password(base_url: str) -> str:
    parts = urlsplit(base_url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")

"""Any endpoint that speaks the OpenAI chat completions protocol.

Importing this takes half a second (the `openai` library): only when a model will be asked.
"""

from dataclasses import dataclass, field
from typing import Any

from openai import (
    APIConnectionError,
    APIStatusError,
    AsyncOpenAI,
    BadRequestError,
    UnprocessableEntityError,
)
from openai.types.chat import ChatCompletion

from softfactory.errors import ModelRefused, ModelUnavailable, UsageError
from softfactory.models.port import Reply, Request, estimated_tokens

TIMEOUT_SECONDS = 600.0
RETRIES = 5
FORMAT_LEVELS = ("json_schema", "json_object", "none")


@dataclass
class OpenAICompatible:
    """Asks an endpoint; connects at the first question.

    It remembers, for its lifetime, at which level the endpoint takes `response_format`.
    """

    model: str
    base_url: str
    api_key: str = field(repr=False)
    level: int = 0
    retries: int = RETRIES
    _client: AsyncOpenAI | None = field(default=None, init=False, repr=False)

    async def reply(self, request: Request) -> Reply:
        """Ask, at the best level of `response_format` that the endpoint takes."""
        while True:
            level = self.level
            try:
                return _reply(request, await self._complete(request))
            except (BadRequestError, UnprocessableEntityError) as error:
                last = level == len(FORMAT_LEVELS) - 1
                if request.schema is None or last or "response_format" not in str(error):
                    raise ModelRefused(f"{self._where()} refuses: {_reason(error)}") from error
                self.level = max(self.level, level + 1)

    async def _complete(self, request: Request) -> ChatCompletion:
        try:
            completion: ChatCompletion = await self._connected().chat.completions.create(
                model=self.model, messages=request.messages, **self._format(request)
            )
        except APIConnectionError as error:
            raise ModelUnavailable(f"{self._where()} can't be reached: {error}") from error
        except APIStatusError as error:
            if isinstance(error, BadRequestError) or error.status_code == 422:
                raise
            if error.status_code in (408, 409, 429) or error.status_code >= 500:
                raise ModelUnavailable(
                    f"{self._where()} is in trouble: {_reason(error)}"
                ) from error
            raise ModelRefused(
                f"{self._where()} refuses: {_reason(error)}; "
                "check the key (SOFTFACTORY_API_KEY or OPENAI_API_KEY), --model and --base-url"
            ) from error
        return completion

    def _connected(self) -> Any:
        if self._client is None:
            if not self.api_key:
                raise UsageError(
                    "no key: set SOFTFACTORY_API_KEY or OPENAI_API_KEY, or give --base-url of an "
                    "endpoint that needs none; `softfactory demo` needs neither"
                )
            self._client = AsyncOpenAI(
                api_key=self.api_key,
                base_url=self.base_url or None,
                timeout=TIMEOUT_SECONDS,
                max_retries=self.retries,
            )
        return self._client

    def _format(self, request: Request) -> dict[str, Any]:
        level = FORMAT_LEVELS[self.level]
        if request.schema is None or level == "none":
            return {}
        if level == "json_object":
            return {"response_format": {"type": "json_object"}}
        schema = {"name": request.skill, "schema": request.schema}
        return {"response_format": {"type": "json_schema", "json_schema": schema}}

    def _where(self) -> str:
        return f"model {self.model!r} at {self.base_url or 'api.openai.com'}"


def _reply(request: Request, completion: ChatCompletion) -> Reply:
    if not completion.choices:
        raise ModelUnavailable(f"model {completion.model!r} sent an answer without content")
    choice = completion.choices[0]
    text = choice.message.content or ""
    asked = "".join(message["content"] for message in request.messages)
    usage = completion.usage
    details = usage.prompt_tokens_details if usage else None
    return Reply(
        text=text,
        model=completion.model,
        input_tokens=usage.prompt_tokens if usage else estimated_tokens(asked),
        output_tokens=usage.completion_tokens if usage else estimated_tokens(text),
        cached_tokens=(details.cached_tokens or 0) if details else 0,
        thinking=str(getattr(choice.message, "reasoning_content", "") or ""),
        finish=str(choice.finish_reason),
    )


def _reason(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    return f"{error.status_code} {body.get('message') or error.message}"[:300]

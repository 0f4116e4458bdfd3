"""A loopback server that answers as the providers do, each with its quirks."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Trouble = Literal["429", "429 date", "busy 200", "500", "drop", "html", "not json", "empty"]


@dataclass(frozen=True)
class Quirks:
    """In what an endpoint differs from OpenAI's."""

    refuses: tuple[str, ...] = ()
    """Kinds of response_format, and names of parameters, that are answered by an error."""
    refusal_status: int = 400
    errors_with_200: bool = False
    """Errors are sent as Spark does: status 200, code and message instead of choices."""
    fences_json: bool = False
    thinks: Literal["", "tag", "unopened", "reasoning_content", "reasoning"] = ""
    reports_usage: bool = True
    cached: Literal["", "details", "hit"] = ""
    output_limit: int = 0
    """Characters after which answers are cut; 0: never."""
    first: tuple[Trouble, ...] = ()
    """What the first requests get, one after another."""
    always: Trouble | None = None
    wrong_key: bool = False
    """Every request is refused by an error that tells the key."""


QUIRKS: dict[str, Quirks] = {
    "openai": Quirks(refuses=("max_tokens",), cached="details"),
    "azure": Quirks(refuses=("max_tokens",), cached="details", first=("429",)),
    "gemini": Quirks(fences_json=True, first=("500",)),
    "ollama": Quirks(thinks="tag", refuses=("max_completion_tokens",)),
    "vllm": Quirks(thinks="reasoning", first=("drop",)),
    "qianfan": Quirks(refuses=("json_schema",), thinks="reasoning_content"),
    "dashscope": Quirks(refuses=("json_schema", "max_completion_tokens"), fences_json=True),
    "spark": Quirks(
        refuses=("response_format", "max_completion_tokens"),
        errors_with_200=True,
        reports_usage=False,
        first=("busy 200",),
    ),
    "zhipu": Quirks(refuses=("json_schema", "max_completion_tokens"), thinks="reasoning_content"),
    "deepseek": Quirks(refuses=("json_schema",), thinks="reasoning_content", cached="hit"),
    "moonshot": Quirks(refuses=("json_schema",), first=("429 date",)),
    "openrouter": Quirks(thinks="reasoning", first=("html", "empty")),
    "relay": Quirks(
        refuses=("response_format", "max_completion_tokens"),
        refusal_status=422,
        thinks="unopened",
        reports_usage=False,
        first=("not json",),
    ),
}
THOUGHT = "Perhaps {} would do?"
HTML = "<html><head><title>Bad gateway</title></head><body>try later</body></html>"


class QuirkyServer:
    """Serves `answer(body)` through quirks; a context manager.

    Attributes:
        asked: the bodies of all requests, in order.
        most_at_once: the most requests that were being answered at the same time.

    """

    def __init__(self, answer: Callable[[dict[str, Any]], str], quirks: Quirks) -> None:
        self._answer = answer
        self._quirks = quirks
        self._lock = threading.Lock()
        self._first = list(quirks.first)
        self._refusals: list[tuple[int, str]] = []
        self._refusal: tuple[int, str] | None = None
        self._now = 0
        self.asked: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> "QuirkyServer":
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def refuse_first(self, message: str, status: int = 400) -> None:
        """Answer the next question by an error."""
        self._refusals.append(_openai_error(status, message))

    def refuse_always(self, message: str, status: int = 400, code: str = "invalid") -> None:
        """Answer every question by an error."""
        self._refusal = _openai_error(status, message, code)

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        with self._lock:
            self.asked.append(body)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            trouble = self._first.pop(0) if self._first else self._quirks.always
        try:
            self._send(handler, body, trouble)
        finally:
            with self._lock:
                self._now -= 1

    def _send(
        self, handler: BaseHTTPRequestHandler, body: dict[str, Any], trouble: Trouble | None
    ) -> None:
        if trouble == "drop":
            handler.close_connection = True
        elif trouble:
            _sent(handler, *_trouble(trouble))
        elif refusal := self._refusals.pop(0) if self._refusals else self._refusal:
            _sent(handler, *refusal)
        elif self._quirks.wrong_key:
            said = f"Incorrect API key provided: {handler.headers['Authorization']}"
            _sent(handler, *self._error(401, said))
        elif refused := _refused(self._quirks, body):
            _sent(handler, *self._error(self._quirks.refusal_status, f"{refused}: not supported"))
        else:
            _sent(handler, 200, json.dumps(self._completion(body)))

    def _error(self, status: int, message: str) -> tuple[int, str]:
        if self._quirks.errors_with_200:
            return 200, json.dumps({"code": 10005, "message": message, "sid": "cht000"})
        return _openai_error(status, message)

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        message, finish = self._message(body)
        completion: dict[str, Any] = {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        }
        if self._quirks.errors_with_200:
            completion |= {"code": 0, "message": "Success", "sid": "cht000"}
        if self._quirks.reports_usage:
            completion["usage"] = self._usage(body, message["content"])
        return completion

    def _message(self, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
        text, finish, thinks = self._answer(body), "stop", self._quirks.thinks
        if self._quirks.fences_json and text.startswith("{"):
            text = f"Here you are:\n```json\n{text}\n```"
        limit = self._quirks.output_limit
        if limit and len(text) > limit:
            text, finish = text[:limit], "length"
        if thinks == "tag":
            text = f"<think>\n{THOUGHT}\n</think>\n\n{text}"
        elif thinks == "unopened":
            text = f"{THOUGHT}\n</think>\n\n{text}"
        message = {"role": "assistant", "content": text}
        return message | ({thinks: THOUGHT} if thinks.startswith("reasoning") else {}), finish

    def _usage(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        asked = sum(len(message["content"]) for message in body["messages"]) // 4 + 1
        usage: dict[str, Any] = {"prompt_tokens": asked, "completion_tokens": len(text) // 4 + 1}
        if self._quirks.cached == "details":
            usage["prompt_tokens_details"] = {"cached_tokens": asked // 2}
        elif self._quirks.cached == "hit":
            usage["prompt_cache_hit_tokens"] = asked // 2
        return usage | {"total_tokens": usage["prompt_tokens"] + usage["completion_tokens"]}


def _openai_error(status: int, message: str, code: str = "invalid") -> tuple[int, str]:
    return status, json.dumps({"error": {"message": message, "code": code}})


def _refused(quirks: Quirks, body: dict[str, Any]) -> str:
    kind = body.get("response_format", {}).get("type", "")
    for name in quirks.refuses:
        if name in body:
            return f"Unsupported parameter {name}"
        if name == kind:
            return f"response_format type {kind} is unavailable now"
    return ""


def _trouble(trouble: Trouble) -> tuple[int, str, dict[str, str]]:
    slow = json.dumps({"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}})
    return {
        "429": (429, slow, {"Retry-After": "20"}),
        "429 date": (429, slow, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}),
        "busy 200": (200, json.dumps({"code": 11202, "message": "AppIdQpsOverFlow"}), {}),
        "500": (500, json.dumps({"error": {"message": "boom"}}), {}),
        "html": (200, HTML, {"Content-Type": "text/html"}),
        "not json": (200, "data: [DONE]", {}),
        "empty": (200, json.dumps({"id": "1", "choices": []}), {}),
    }[trouble]


def _sent(
    handler: BaseHTTPRequestHandler, status: int, text: str, headers: dict[str, str] | None = None
) -> None:
    data = text.encode()
    sent = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    handler.send_response(status)
    for name, value in (sent | (headers or {})).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)


def _handler(server: QuirkyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return None

        def do_POST(self) -> None:
            server.handle(self)

    return Handler

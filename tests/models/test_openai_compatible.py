"""The client of OpenAI-compatible endpoints, against servers on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from softfactory.errors import ModelRefused, ModelUnavailable, UsageError
from softfactory.models.openai_compatible import OpenAICompatible
from softfactory.models.port import Request
from softfactory.state.documents import Review

SECRET = "sk-very-secret"
REQUEST = Request("write_code_review", "", [{"role": "user", "content": "Hello"}])
FORMATTED = Request("write_code_review", "", REQUEST.messages, schema=Review.model_json_schema())


class Scripted:
    """Sends given answers, a status and a body each, and keeps what was asked."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.answers = list(answers)
        self.bodies: list[dict[str, Any]] = []
        self.url = ""


@contextmanager
def serving(scripted: Scripted) -> Iterator[Scripted]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return None

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            scripted.bodies.append(json.loads(self.rfile.read(length)))
            status, body = scripted.answers.pop(0)
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scripted.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield scripted
    server.shutdown()
    server.server_close()


def completion(text: str, **message: str) -> tuple[int, dict[str, Any]]:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, **message},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    head = {"id": "1", "object": "chat.completion", "created": 0, "model": "m-1"}
    return 200, {**head, "choices": [choice], "usage": usage}


def refusal(status: int, message: str) -> tuple[int, dict[str, Any]]:
    return status, {"error": {"message": message}}


async def test_text_tokens_and_thinking_come_back() -> None:
    with serving(Scripted(completion("Hi", reasoning_content="Hmm"))) as server:
        reply = await OpenAICompatible("m", server.url, SECRET).reply(REQUEST)
    assert (reply.text, reply.thinking, reply.model) == ("Hi", "Hmm", "m-1")
    assert (reply.input_tokens, reply.output_tokens) == (7, 3)


async def test_a_refused_response_format_is_lowered_once_and_remembered() -> None:
    no = refusal(400, "response_format json_schema is not supported")
    with serving(Scripted(no, completion("{}"), completion("{}"))) as server:
        model = OpenAICompatible("m", server.url, SECRET)
        await model.reply(FORMATTED)
        await model.reply(FORMATTED)
    formats = [body["response_format"]["type"] for body in server.bodies]
    assert formats == ["json_schema", "json_object", "json_object"]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_not_repeated_and_never_tells_the_key(status: int) -> None:
    with (
        serving(Scripted(refusal(status, "model m does not exist"))) as server,
        pytest.raises(ModelRefused, match=r"does not exist") as caught,
    ):
        await OpenAICompatible("m", server.url, SECRET).reply(REQUEST)
    assert len(server.bodies) == 1
    assert SECRET not in str(caught.value)


async def test_passing_trouble_is_tried_again() -> None:
    busy = refusal(503, "busy")
    with serving(Scripted(busy, completion("Hi"))) as server:
        reply = await OpenAICompatible("m", server.url, SECRET).reply(REQUEST)
    assert reply.text == "Hi"


async def test_an_endpoint_that_is_not_there_pauses_the_run() -> None:
    model = OpenAICompatible("m", "http://127.0.0.1:9/v1", SECRET, retries=0)
    with pytest.raises(ModelUnavailable, match="can't be reached"):
        await model.reply(REQUEST)


async def test_no_key_is_said_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        await OpenAICompatible("m", "", "").reply(REQUEST)

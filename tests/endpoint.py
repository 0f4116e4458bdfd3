"""A chat-completions endpoint on loopback that answers from a script and counts questions."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from softfactory.models.port import estimated_tokens
from softfactory.models.scripted import written
from tests.calculator import Script

Asked = Callable[[int], None]


class Endpoint:
    """Answers each skill with its next scripted answer; the last one again and again.

    A question that was asked before gets the answer it got before, as a replay would.
    """

    def __init__(self, script: Script, seconds: float = 0.0) -> None:
        self._script = {skill: list(answers) for skill, answers in script.items()}
        self._seconds = seconds
        self._lock = threading.Lock()
        self._given: dict[str, str] = {}
        self.asked: list[str] = []
        """Skills, in the order of their questions."""
        self.models: list[str] = []
        """The model that each question was for."""
        self.answered: list[str] = []
        """Digest of each question whose answer was sent to a living client."""
        self.client = 0
        """Number of the client; a test that kills one counts on."""
        self.on_question: Asked = lambda _: None
        """Called with the number of the question before it is answered."""
        handler = _handler(self)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> "Endpoint":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """The completion for a request."""
        words = "\n".join(message["content"] for message in body["messages"])
        skill = (re.findall(r"^# Task: (\w+)", words, re.MULTILINE) or ["azure_tts"])[-1]
        question = hashlib.sha256(words.encode()).hexdigest()
        with self._lock:
            self.asked.append(skill)
            self.models.append(body["model"])
            number = len(self.asked)
        self.on_question(number)
        time.sleep(self._seconds)
        with self._lock:
            if question not in self._given:
                answers = self._script[skill]
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                self._given[question] = written(answer)
            text = self._given[question]
        usage = {"prompt_tokens": len(words) // 4, "completion_tokens": estimated_tokens(text)}
        usage["total_tokens"] = sum(usage.values())
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "scripted",
            "choices": [choice],
            "usage": usage,
            "question": question,
        }


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return None

        def do_POST(self) -> None:
            client = endpoint.client
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = endpoint.answer(body)
            data = json.dumps(reply).encode()
            try:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                return
            if client == endpoint.client:
                endpoint.answered.append(reply["question"])

    return Handler

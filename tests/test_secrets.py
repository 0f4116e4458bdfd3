"""Keys never reach anything that is written or said."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import calculator
from tests.command import Terminal
from tests.endpoint import Endpoint

pytestmark = pytest.mark.slow

CANARIES = {
    "SOFTFACTORY_API_KEY": "sk-canary-of-ours-11111",
    "OPENAI_API_KEY": "sk-canary-of-openai-22222",
    "DASHSCOPE_API_KEY": "sk-canary-of-dashscope-33333",
    "TAVILY_API_KEY": "tvly-canary-44444",
    "AZURE_SPEECH_KEY": "canary-speech-55555",
    "AZURE_SPEECH_REGION": "westeurope",
}


@contextmanager
def echoing() -> Iterator[str]:
    """An endpoint that refuses every request and tells the key it was given."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return None

        def do_POST(self) -> None:
            key = self.headers["Authorization"]
            data = json.dumps({"error": {"message": f"Incorrect API key provided: {key}"}}).encode()
            self.send_response(401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_no_key_is_found_in_anything_a_run_leaves_or_says(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with Endpoint(calculator.eventful()) as endpoint:
        options = ["--yes", "--model", "m", "--base-url", endpoint.url]
        done = terminal.run("build", calculator.IDEA, *options, **CANARIES)
    assert done.code == 0, done.err
    with echoing() as url:
        options = ["--yes", "--model", "m", "--base-url", url, "--out", "refused"]
        refused = terminal.run("build", calculator.IDEA, *options, **CANARIES)
    assert refused.code == 1
    assert "Incorrect API key provided" in refused.out
    said = done.out + done.err + refused.out + refused.err
    keys = [value for name, value in CANARIES.items() if name.endswith("KEY")]
    assert not [key for key in keys if key in said]
    assert _files_with(tmp_path, keys) == []


def test_the_search_for_keys_would_find_one(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "some.db") as database:
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES ('a sk-canary-of-ours-11111 b')")
    assert _files_with(tmp_path, ["sk-canary-of-ours-11111"]) == ["some.db"]


def _files_with(folder: Path, keys: list[str]) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(key.encode() in path.read_bytes() for key in keys)
    ]

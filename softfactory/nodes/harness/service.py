"""Fixtures of the tests: the service, freshly started on a free port of this machine."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
START = ["START"]
PATIENCE_S = 20


@dataclass(frozen=True)
class Answer:
    """What the service answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)


@dataclass
class Service:
    """The running service; its data lies in `folder`."""

    folder: pathlib.Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request; a body that is no text is sent as JSON."""
        given = dict(headers or {})
        data = None
        if body is not None:
            data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            if not isinstance(body, str):
                given.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data, given, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
                return Answer(reply.status, dict(reply.headers), reply.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def start(self) -> None:
        """Start it with PORT and DATA_DIR set, and wait until it listens."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = [str(ROOT / word) if (ROOT / word).is_file() else word for word in START]
        words = [sys.executable if word in ("python", "python3") else word for word in words]
        known = {**os.environ, "PORT": str(self.port), "DATA_DIR": str(self.folder)}
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                words, cwd=self.folder, env=known | self.variables, stdout=log, stderr=log
            )
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        said = (self.folder / "service.log").read_text("utf-8", "replace")
        raise AssertionError(f"the service does not listen on port {self.port}: {said[-2000:]}")

    def stop(self) -> None:
        """Stop it."""
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def restart(self) -> None:
        """Stop it and start it again with the same data."""
        self.stop()
        self.start()


@pytest.fixture
def service(tmp_path: pathlib.Path) -> Iterator[Service]:
    """The service, started with empty data."""
    started = Service(tmp_path)
    try:
        started.start()
        yield started
    finally:
        started.stop()

"""A web service on the loopback that answers what it is told to, and remembers the request."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest


def handler_of(service: SimpleNamespace) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            service.requests += 1
            service.path, service.headers = self.path, self.headers
            service.received = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if service.silent:
                service.closed.wait(10)
                return
            self.send_response(service.status)
            if service.location:
                self.send_header("Location", service.location)
            self.send_header("Content-Length", str(len(service.body)))
            self.end_headers()
            self.wfile.write(service.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    for method in ("GET", "POST"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


@pytest.fixture
def service() -> Iterator[SimpleNamespace]:
    """Set its status, body, location or silent; read its path, headers, received and requests."""
    answering = SimpleNamespace(status=200, body=b"", location="", silent=False, requests=0)
    answering.closed = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(answering))
    answering.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield answering
    answering.closed.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")

"""What every request passes before anything reads it: host, origin, size and patience."""

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from softfactory.api.problems import of_error
from softfactory.api.settings import LOOPBACK_NAMES, ServerSettings
from softfactory.errors import RequestRefused

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
HOST = re.compile(r"\[?(?P<name>[\w.:-]*?)\]?(:\d+)?", re.ASCII)
OURS = ("/v1/", "/preview/", "/health", "/ready", "/metrics", "/openapi.json")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer of the API that does not say otherwise."""


@dataclass(frozen=True)
class Guard:
    """Refuses what no operation should see, and reads bodies up to their limits.

    The page that is mounted beside the API reads its own bodies: it takes uploads.
    """

    app: ASGIApp
    settings: ServerSettings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        ours = scope["path"].startswith(OURS)
        told = _with_headers(send) if ours else send
        try:
            self._refuse_foreign(scope)
            if ours and scope["type"] == "http":
                receive = await self._whole_body(scope, receive)
        except RequestRefused as error:
            await of_error(error)(scope, receive, told)
            return
        await self.app(scope, receive, told)

    def _refuse_foreign(self, scope: Scope) -> None:
        """Refuse a name that a hostile page gave to loopback, and requests of other pages."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        named = HOST.fullmatch(host)
        if not named or (self.settings.is_local and named["name"] not in LOOPBACK_NAMES):
            raise RequestRefused(
                421,
                "foreign_host",
                f"this server is localhost and not {host[:100]!r}",
            )
        origin = headers.get("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if unsafe and origin is not None and urlsplit(origin).netloc != host:
            raise RequestRefused(403, "foreign_origin", "requests of other pages are not taken")

    async def _whole_body(self, scope: Scope, receive: Receive) -> Receive:
        """The request with its body read, if there may be one."""
        if scope["method"] in SAFE_METHODS:
            return receive
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > self.settings.largest_body:
            raise self._too_large()
        try:
            body = await asyncio.wait_for(self._read(receive), self.settings.body_seconds)
        except TimeoutError as error:
            raise RequestRefused(408, "slow_body", "the body took too long to arrive") from error
        return _replay(body, receive)

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestRefused(400, "unreadable", "the client left in the middle")
            body += message.get("body", b"")
            if len(body) > self.settings.largest_body:
                raise self._too_large()
            if not message.get("more_body"):
                return bytes(body)

    def _too_large(self) -> RequestRefused:
        most = self.settings.largest_body
        return RequestRefused(413, "large_body", f"a body may have {most:,} bytes")


def _replay(body: bytes, receive: Receive) -> Receive:
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return parts.pop() if parts else await receive()

    return replayed


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return told

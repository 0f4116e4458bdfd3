"""What the page's part of the server refuses: doors it has no use for, and other servers."""

from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "/ui"
LARGEST_BODY = 1_000_000
"""In bytes. What people write into the page is much shorter."""
DOORS = ("queue/", "heartbeat/", "cancel", "reset", "startup-events", "theme.css", "app_id")
"""What the page asks of `gradio_api`; uploads, proxies, files and recordings are shut."""
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; frame-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Walls:
    """Stands around the page: nothing is asked of other servers, nothing is taken that is long."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http" or not (scope["path"] + "/").startswith(PATH + "/"):
            await self.app(scope, receive, send)
            return
        _, api, door = scope["path"].partition("/gradio_api/")
        length = Headers(scope=scope).get("content-length", "0")
        has_body = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if api and not door.startswith(DOORS):
            await PlainTextResponse("the page has no use for this", 404)(scope, receive, send)
        elif has_body and not (length.isdigit() and int(length) <= LARGEST_BODY):
            await PlainTextResponse("that is too long", 413)(scope, receive, send)
        else:
            await self.app(scope, receive, _with_headers(send))


def _with_headers(send: Send) -> Send:
    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return told

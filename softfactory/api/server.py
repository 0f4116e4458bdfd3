"""The server process: a socket, patience with slow clients, and an orderly end."""

import asyncio
import signal
import socket
from asyncio import TimerHandle, Transport
from types import FrameType

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from softfactory.errors import UsageError

PATIENCE_SECONDS = 10.0
"""How long a client may take to say what it wants; the body has a limit of its own."""
GRACE_SECONDS = 10
"""How long answers may take to end when the server does."""


class Patient(H11Protocol):
    """HTTP/1.1 that leaves a client whose request line and headers do not come to an end."""

    seconds = PATIENCE_SECONDS
    _patience: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Wait for the rest of a request that has begun."""
        super().handle_events()
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._patience is None and self.timeout_keep_alive_task is None:
            self._wait()

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self.seconds, self._leave)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._patience = None

    def _leave(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """Lets everybody go who follows a run before it waits for answers to end."""

    def __init__(self, app: FastAPI, greeting: str = "", protocol: type[Patient] = Patient) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                log_level="warning",
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._app, self._greeting = app, greeting
        self.up = asyncio.Event()
        """Set once requests are taken."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests."""
        await super().startup(sockets)
        self.up.set()
        if self._greeting:
            print(self._greeting, flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams first: they would never end by themselves."""
        self._app.state.desk.bulletin.close()
        for farewell in self._app.state.farewells:
            farewell()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End on a signal, at once on a second Ctrl-C, and without raising it again."""
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        UsageError: the address is none of this machine's, or taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # named as TCP, so that asyncio lets small answers go at once instead of after 40 ms
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--host {host!r} --port {port}: {why}; choose another one") from error
    return listening


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serve until somebody ends it, by Ctrl-C or SIGTERM."""
    host, port = listening.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    greeting = f"softfactory serves http://{name}:{port} (Ctrl-C ends it)"
    asyncio.run(Server(app, greeting).serve(sockets=[listening]))

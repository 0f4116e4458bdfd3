"""The real server in the test's own process, over a scripted company."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from softfactory.api import ServerSettings, create_app
from softfactory.api.server import Patient, Server, bound
from softfactory.config import Settings
from softfactory.models.port import ChatModel
from softfactory.service import Service, open_service
from softfactory.workplace import Outside

ALICE, BOB = "alices-token-0123456789", "bobs-token-0123456789"
TOKENS = f"alice:{ALICE},bob:{BOB}"
REST = ("waiting", "limit", "stopped", "paused", "failed", "delivered")


@dataclass(frozen=True)
class Served:
    """A running server, and a client of it."""

    url: str
    client: httpx.AsyncClient
    service: Service
    app: FastAPI

    def as_(self, token: str) -> httpx.AsyncClient:
        """Another client, with a token."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=60)

    async def create(self, **request: Any) -> str:
        """Make a run; its name."""
        answer = await self.client.post("/v1/runs", json={"idea": "A calculator"} | request)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def rest(self, run: str) -> str:
        """Wait until nobody works on a run; how it then stands."""
        follower = Follower(self.client, run)
        while not follower.ended:
            await follower.follow()
        return str((await self.client.get(f"/v1/runs/{run}")).json()["status"])

    async def answer(self, run: str, action: str, **more: Any) -> httpx.Response:
        """Answer what the run waits for."""
        gate = (await self.client.get(f"/v1/runs/{run}/gate")).json()["id"]
        body = {"gate": gate, "action": action} | more
        return await self.client.post(f"/v1/runs/{run}/gate", json=body)

    async def delivered(self, **request: Any) -> str:
        """A run on which all work is done; its name."""
        run = await self.create(gates=[], **request)
        assert await self.rest(run) == "delivered"
        return run


@asynccontextmanager
async def listening(
    app: Any, protocol: type[Patient] = Patient, at: socket.socket | None = None
) -> AsyncIterator[str]:
    """Serve an application, on a free port if none is given; its address."""
    listens = at or bound("127.0.0.1", 0)
    server = Server(app, protocol=protocol)
    task = asyncio.create_task(server.serve(sockets=[listens]))
    await server.up.wait()
    try:
        yield f"http://127.0.0.1:{listens.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listens.close()


@asynccontextmanager
async def serving(
    home: Path, model: ChatModel, settings: ServerSettings | None = None
) -> AsyncIterator[Served]:
    """A server over a data folder, with this model for every run."""
    settings = settings or served_by_default(home)
    outside = Outside(lambda *_: model, search=lambda: None, speech=lambda: None)
    async with open_service(home, outside) as service:
        app = create_app(service, settings)
        async with listening(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
            yield Served(url, client, service, app)


def defaults(home: Path) -> Settings:
    """What runs are worked on with in tests."""
    return Settings(model="scripted", folder=str(home / "served"))


def served_by_default(home: Path) -> ServerSettings:
    """A server for this machine."""
    return ServerSettings(defaults=defaults(home))


@dataclass
class Follower:
    """A client of an event stream that may leave and come back."""

    client: httpx.AsyncClient
    run: str
    seen: list[str] = field(default_factory=list)
    """The data of every message, as it came."""
    last: str = ""
    ended: bool = False

    async def follow(self, most: int | None = None) -> None:
        """Read to the end, or for so many messages; then go, and know where it was."""
        headers = {"Last-Event-ID": self.last} if self.last else {}
        path = f"/v1/runs/{self.run}/events"
        async with self.client.stream("GET", path, headers=headers) as stream:
            read = 0
            async for message in messages(stream):
                if message.get("event") == "end":
                    self.ended = True
                    return
                self.seen.append(message["data"])
                self.last = message["id"]
                read += 1
                if read == most:
                    return


async def messages(stream: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The messages of an event stream, by their fields; comments are left out."""
    message: dict[str, str] = {}
    async for line in stream.aiter_lines():
        if not line:
            if "data" in message:
                yield message
            message = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            message[name] = value


def codes(answers: Sequence[httpx.Response]) -> list[str]:
    """How answers went: their status, or the code of their problem."""
    return [
        str(answer.status_code) if answer.is_success else answer.json()["code"]
        for answer in answers
    ]

"""The event stream of a run: a client that comes back misses nothing and sees nothing twice."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BeforeValidator, Field

from softfactory.api.access import TheDesk, TheRun, TheSettings
from softfactory.api.problems import responses
from softfactory.api.schemas import End, EventView, Sent
from softfactory.desk import Desk
from softfactory.errors import UnknownRun
from softfactory.persistence.events import LoggedEvent

router = APIRouter(prefix="/v1/runs/{run}", tags=["events"])
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One message per event: its `seq` as `id`, the event as JSON in `data` "
        "(see EventView). Comment lines while nothing happens. A last message of type `end`, "
        "without an id, when nobody works on the run any more: close then, or you come back.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "itemSchema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {
                        "id": {"type": "string"},
                        "event": {"type": "string"},
                        "data": {
                            "type": "string",
                            "contentMediaType": "application/json",
                            "contentSchema": {
                                "anyOf": [
                                    {"$ref": "#/components/schemas/EventView"},
                                    {"$ref": "#/components/schemas/End"},
                                ]
                            },
                        },
                    },
                },
                "example": 'id: 3\ndata: {"seq": 3, "kind": "call", "role": "Architect"}\n\n',
            }
        },
    }
}
LINE_ENDS = str.maketrans({end: json.dumps(end)[1:-1] for end in "\x85\u2028\u2029"})
"""What JSON may hold as it is and some clients take for the end of a line."""


class Stream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


def _plain(value: object) -> object:
    """Refuse the many other words for yes and no that a query could be read as."""
    if isinstance(value, str) and value not in ("true", "false"):
        raise ValueError("true or false")
    return value


class Heard(Sent):
    """Which events a client wants."""

    after: int = Field(default=0, ge=0, le=2**53, description="only events after this number")
    stay: Annotated[bool, BeforeValidator(_plain)] = Field(
        default=False, description="also while nobody works on the run"
    )


@router.get("/events", response_class=Stream, responses=STREAM | responses(404, 422))
async def follow_events(
    run: TheRun,
    desk: TheDesk,
    settings: TheSettings,
    heard: Annotated[Heard, Query()],
    last: Annotated[
        int | None, Header(alias="Last-Event-ID", ge=0, le=2**53, description="goes before `after`")
    ] = None,
) -> Stream:
    """What happens in the run, live."""
    after = heard.after if last is None else last
    return Stream(_messages(desk, Follow(run.id, after, heard.stay, settings.stream_seconds)))


@dataclass(frozen=True)
class Follow:
    """What a client wants to hear."""

    run: str
    after: int
    stays: bool
    seconds: float
    """For how long at most."""


async def _messages(desk: Desk, wish: Follow) -> AsyncIterator[str]:
    yield ": hello\nretry: 1000\n\n"
    deadline = time.monotonic() + wish.seconds
    following = desk.bulletin.follow(wish.run, wish.after, stays=wish.stays)
    async with aclosing(following) as events:
        async for logged in events:
            yield _message(logged) if logged else ": still here\n\n"
            if time.monotonic() > deadline:
                return
    if not desk.bulletin.closed:
        with suppress(UnknownRun):  # it was deleted meanwhile
            end = End(status=(await desk.service.runs.get(wish.run)).status)
            yield f"event: end\ndata: {end.model_dump_json()}\n\n"


def _message(logged: LoggedEvent) -> str:
    told = json.dumps(EventView.of(logged).model_dump(), ensure_ascii=False)
    return f"id: {logged.seq}\ndata: {told.translate(LINE_ENDS)}\n\n"

"""What a run tells about itself while it works: one line of its log."""

from collections.abc import Awaitable, Callable
from typing import Literal

from pydantic import Field, JsonValue

from softfactory.state.documents import Document

RoleName = Literal[
    "Product Manager",
    "Architect",
    "Project Manager",
    "Engineer",
    "Code Reviewer",
    "QA Engineer",
    "Human",
    "Company",
]
EventKind = Literal[
    "run", "work", "call", "answer", "named", "finding", "test", "gate", "commit", "note", "said"
]


class Event(Document):
    """Something that happened in a run, told by the role it happened to."""

    kind: EventKind
    role: RoleName
    text: str
    data: dict[str, JsonValue] = Field(default_factory=dict)


Tell = Callable[[Event], Awaitable[None]]

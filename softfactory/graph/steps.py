"""The steps of a run: the checkpoints of its thread along the line that it is on now."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from langgraph.types import StateSnapshot

from softfactory.state.company import CompanyState

HUMAN = "human"
AFTER = "softfactory_after"
"""In the metadata of a checkpoint that was not made by a node: the node it stands behind."""
UNDONE = "softfactory_undone"
"""In the metadata of a checkpoint to which the thread went back: what that undid."""
QUIET = {"integration", "__start__"}
"""Nodes whose turn is no step of its own."""


@dataclass(frozen=True)
class Step:
    """A place in a run to which one can go back.

    `number` counts from 0, the beginning; `by` are the nodes that worked, or "human"; `next` those
    whose turn it is. `time` is in seconds since 1970.
    """

    number: int
    by: tuple[str, ...]
    next: tuple[str, ...]
    time: float
    checkpoint: str


@dataclass(frozen=True)
class Undone:
    """A step that was taken back, and the product's newest commit when that began."""

    summary: str
    commit: str

    @property
    def mark(self) -> str:
        """Both in one: metadata of checkpoints are strings."""
        return f"{self.commit} {self.summary}"

    @staticmethod
    def of(mark: str) -> "Undone":
        """What a mark tells."""
        commit, _, summary = mark.partition(" ")
        return Undone(summary, commit)


@dataclass(frozen=True)
class Place:
    """A checkpoint of the line, with the node that it stands behind."""

    snapshot: StateSnapshot
    by: tuple[str, ...]
    after: str

    @property
    def state(self) -> CompanyState:
        """What was known there."""
        return cast(CompanyState, self.snapshot.values)

    def step(self, number: int) -> Step:
        """The place as a step."""
        made = datetime.fromisoformat(str(self.snapshot.created_at)).timestamp()
        names = tuple(dict.fromkeys(self.snapshot.next))
        return Step(number, self.by if number else (), names, made, checkpoint_of(self.snapshot))


async def line_of(history: AsyncIterator[StateSnapshot]) -> list[Place]:
    """The places from the beginning to the newest checkpoint; tries that were left are not on it.

    Args:
        history: all checkpoints of the thread, the newest first.
    """
    snapshots = [snapshot async for snapshot in history]
    known = {checkpoint_of(snapshot): snapshot for snapshot in snapshots}
    line: list[StateSnapshot] = snapshots[:1]
    while line and (before := line[-1].parent_config):
        identity = before["configurable"]["checkpoint_id"]
        if identity not in known:
            break
        line.append(known[identity])
    places: list[Place] = []
    for snapshot in reversed(line):
        places.append(_place(snapshot, places[-1] if places else None))
    return places


def numbered(places: list[Place], open_gates: Collection[str]) -> list[tuple[Step, Place]]:
    """The places that count as steps: somebody worked, decided or changed something."""
    quiet = QUIET | {f"approve_{gate}" for gate in open_gates}
    steps: list[tuple[Step, Place]] = []
    for place in places:
        counts = bool(set(place.by) - quiet)
        if counts or (not steps and place.snapshot.next != ("__start__",)):
            steps.append((place.step(len(steps)), place))
    return steps


def checkpoint_of(snapshot: StateSnapshot) -> str:
    """The id of a snapshot's checkpoint."""
    return str(snapshot.config["configurable"]["checkpoint_id"])


def _place(snapshot: StateSnapshot, before: Place | None) -> Place:
    metadata = dict(snapshot.metadata or {})
    by = tuple(dict.fromkeys(before.snapshot.next)) if before else ()
    if metadata.get("source") == "update":
        return Place(snapshot, (HUMAN,) if before else (), str(metadata.get(AFTER, "")))
    return Place(snapshot, by, by[0] if by else "")

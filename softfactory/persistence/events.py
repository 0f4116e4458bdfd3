"""The event log of runs: what happened, in order, for everybody who watches."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from softfactory.persistence.database import Database, Row
from softfactory.state.events import Event, EventKind


@dataclass(frozen=True)
class LoggedEvent:
    """An event with its place in the log. `time` is in seconds since 1970."""

    seq: int
    time: float
    event: Event


class Events:
    """The table of events. It only grows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, run: str, event: Event) -> None:
        """Put an event behind the others of its run."""
        await self._database.write(
            """INSERT INTO events (run, seq, time, event)
               SELECT ?, coalesce(max(seq), 0) + 1, ?, ? FROM events WHERE run = ?""",
            (run, time.time(), event.model_dump_json(), run),
            run=run,
        )

    async def newest(self, runs: Collection[str]) -> dict[str, int]:
        """The number of the last event of each run that there is; 0 where it has none."""
        wanted = ", ".join("?" for _ in runs)
        rows = await self._database.rows(
            "SELECT id, (SELECT max(seq) FROM events WHERE run = runs.id) AS seq "  # noqa: S608
            f"FROM runs WHERE id IN ({wanted})",
            tuple(runs),
        )
        return {row["id"]: row["seq"] or 0 for row in rows}

    async def after(self, run: str, seq: int) -> list[LoggedEvent]:
        """Events of a run with a number above `seq`."""
        rows = await self._database.rows(
            "SELECT seq, time, event FROM events WHERE run = ? AND seq > ? ORDER BY seq",
            (run, seq),
        )
        return [_logged(row) for row in rows]

    async def of_kind(self, run: str, kind: EventKind) -> list[LoggedEvent]:
        """Events of a run of one kind."""
        rows = await self._database.rows(
            "SELECT seq, time, event FROM events WHERE run = ? AND event LIKE ? ORDER BY seq",
            (run, f'{{"kind":"{kind}"%'),
        )
        return [_logged(row) for row in rows]


def _logged(row: Row) -> LoggedEvent:
    return LoggedEvent(row["seq"], row["time"], Event.model_validate_json(row["event"]))

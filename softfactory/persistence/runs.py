"""Runs as they are kept, and the lease by which one process at a time owns a run."""

import os
import secrets
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from sqlite3 import Row
from typing import Literal

from softfactory.config import Settings
from softfactory.errors import RunBusy, UnknownRun
from softfactory.persistence.database import Database

Status = Literal["working", "waiting", "limit", "stopped", "paused", "failed", "delivered"]
"""working: a process is on it (or died); waiting: at a gate; limit: rounds are used up, a human
is asked; stopped: by a human; paused: the model can't be reached; failed: see the reason."""

LEASE_SECONDS = 20.0
ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"


@dataclass(frozen=True)
class Run:
    """One idea on its way through the company. `created` is in seconds since 1970."""

    id: str
    parent: str | None
    idea: str
    settings: Settings
    graph: str
    status: Status
    reason: str
    title: str
    out: str
    created: float
    worked_s: float
    owner: str | None
    lease_until: float | None

    @property
    def owned(self) -> bool:
        """Whether a living process holds the lease."""
        return bool(self.owner) and (self.lease_until or 0) > time.time() and not _dead(self.owner)


@dataclass(frozen=True)
class Choice:
    """Which runs are meant; None: whatever it is."""

    holder: str | None = None
    status: Status | None = None
    words: str | None = None
    """Somewhere in the idea or the title."""


class Runs:
    """The table of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    async def add(
        self, idea: str, settings: Settings, graph: str, parent: str | None = None, name: str = ""
    ) -> Run:
        """Make the row of a new run: before its first step, so that no run can vanish."""
        run = name or new_name()
        await self._database.write(
            """INSERT INTO runs (id, parent, idea, settings, graph, status, created)
               VALUES (?, ?, ?, ?, ?, 'stopped', ?)""",
            (run, parent, idea, settings.model_dump_json(), graph, time.time()),
        )
        return await self.get(run)

    async def ensure(self, run: str, idea: str, settings: Settings, graph: str) -> Run:
        """The row of a run whose name was given from outside (a thread of a LangGraph server)."""
        await self._database.write(
            """INSERT OR IGNORE INTO runs (id, idea, settings, graph, status, created)
               VALUES (?, ?, ?, ?, 'working', ?)""",
            (run, idea, settings.model_dump_json(), graph, time.time()),
        )
        return await self.get(run)

    async def get(self, run: str) -> Run:
        """A run by its id or by the unambiguous beginning of it."""
        rows = await self._database.rows(
            "SELECT * FROM runs WHERE id = ? OR substr(id, 1, length(?)) = ? LIMIT 3",
            (run, run, run),
        )
        exact = [row for row in rows if row["id"] == run] or rows
        if len(exact) != 1 or not run:
            names = ", ".join(row["id"] for row in rows)
            kind = (
                f"is the beginning of several runs ({names} ...)" if run and rows else "is no run"
            )
            raise UnknownRun(f"{run!r} {kind}; `softfactory runs` lists them")
        return _run(exact[0])

    async def all(self) -> list[Run]:
        """All runs, the newest first."""
        return [
            _run(row)
            for row in await self._database.rows("SELECT * FROM runs ORDER BY created DESC")
        ]

    async def page(self, choice: Choice, before: tuple[float, str], most: int) -> list[Run]:
        """Chosen runs made before a moment and, at that moment, of a lesser name; newest first."""
        rows = await self._database.rows(
            """SELECT * FROM runs
               WHERE (:holder IS NULL OR json_extract(settings, '$.holder') = :holder)
                 AND (:status IS NULL OR status = :status)
                 AND (:words IS NULL OR instr(lower(idea || title), lower(:words)) > 0)
                 AND (created, id) < (:created, :id)
               ORDER BY created DESC, id DESC LIMIT :most""",
            asdict(choice) | {"created": before[0], "id": before[1], "most": most},
        )
        return [_run(row) for row in rows]

    async def set_status(self, run: str, status: Status, reason: str = "") -> None:
        """Say where the run stands and why."""
        await self._database.write(
            "UPDATE runs SET status = ?, reason = ? WHERE id = ?", (status, reason, run)
        )

    async def set_product(self, run: str, title: str, out: Path) -> None:
        """Say what is being made and where it lands."""
        await self._database.write(
            "UPDATE runs SET title = ?, out = ? WHERE id = ?", (title, str(out), run)
        )

    async def set_settings(self, run: str, settings: Settings) -> None:
        """Change what the user chose, for the work still to come."""
        await self._database.write(
            "UPDATE runs SET settings = ? WHERE id = ?", (settings.model_dump_json(), run)
        )

    async def add_worked(self, run: str, seconds: float) -> None:
        """Count time in which the company was at work, not waiting for anybody."""
        await self._database.write(
            "UPDATE runs SET worked_s = worked_s + ? WHERE id = ?", (seconds, run)
        )

    async def request_stop(self, run: str) -> None:
        """Ask the process that owns the run to drain."""
        await self._database.write("UPDATE runs SET stop_requested = 1 WHERE id = ?", (run,))

    async def acquire(self, run: Run) -> None:
        """Become the owner of a run nobody works on.

        Raises:
            RunBusy: another process holds a lease that has not expired and is alive.

        """
        current = await self.get(run.id)
        if current.owned:
            host, pid, _ = str(current.owner).split(":")
            raise RunBusy(
                f"run {run.id} is being worked on (process {pid} on {host}); "
                f"`softfactory log {run.id} --follow` watches it"
            )
        changed = await self._database.write(
            """UPDATE runs SET owner = ?, lease_until = ?, status = 'working', reason = '',
               stop_requested = 0 WHERE id = ? AND owner IS ? AND lease_until IS ?""",
            (
                self._owner,
                time.time() + LEASE_SECONDS,
                run.id,
                current.owner,
                current.lease_until,
            ),
        )
        if changed != 1:
            raise RunBusy(f"run {run.id} was just taken up by another process")

    async def heartbeat(self, run: str) -> Literal["owned", "stop", "lost"]:
        """Extend the lease; whether it is still ours, and whether somebody asks to stop."""
        changed = await self._database.write(
            "UPDATE runs SET lease_until = ? WHERE id = ? AND owner = ?",
            (time.time() + LEASE_SECONDS, run, self._owner),
        )
        if changed != 1:
            return "lost"
        row = await self._database.row("SELECT stop_requested FROM runs WHERE id = ?", (run,))
        return "stop" if row and row["stop_requested"] else "owned"

    async def release(self, run: str) -> None:
        """Give the lease back."""
        await self._database.write(
            "UPDATE runs SET owner = NULL, lease_until = NULL WHERE id = ? AND owner = ?",
            (run, self._owner),
        )


def new_name() -> str:
    """A name that no run has had, as good as surely."""
    return "".join(secrets.choice(ALPHABET) for _ in range(6))


def _run(row: Row) -> Run:
    kept = {name: row[name] for name in Run.__dataclass_fields__}
    return Run(**{**kept, "settings": Settings.model_validate_json(row["settings"])})


def _dead(owner: str | None) -> bool:
    """Whether the owner was a process of this machine that is gone."""
    host, pid, _ = (owner or "::").split(":")
    return host == socket.gethostname() and not Path(f"/proc/{pid}").exists()

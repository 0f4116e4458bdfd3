"""Runs as they are kept, and the lease by which one process at a time owns a run."""

import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from softfactory.config import Settings
from softfactory.errors import RunBusy, UnknownRun
from softfactory.persistence.database import Database, Row, Transaction

Status = Literal["working", "waiting", "limit", "stopped", "paused", "failed", "delivered"]
"""working: a process is on it (or died); waiting: at a gate; limit: rounds are used up, a human
is asked; stopped: by a human; paused: the model can't be reached; failed: see the reason."""

LEASE_SECONDS = 20.0
ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"
EXTEND = "UPDATE runs SET lease_until = ? WHERE id = ? AND owner = ? RETURNING stop_requested"


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
        """Whether a living process holds the lease.

        A lease that ends later than any could was taken before the clock went back: nobody's.
        """
        left = (self.lease_until or 0) - time.time()
        return bool(self.owner) and 0 < left <= 2 * LEASE_SECONDS and not _dead(self.owner)


@dataclass(frozen=True)
class Choice:
    """Which runs are meant; None: whatever it is."""

    holder: str | None = None
    status: Status | None = None
    words: str | None = None
    """Somewhere in the idea or the title."""

    def terms(self) -> Iterator[tuple[str, str]]:
        """Conditions of SQL, each with its value."""
        if self.holder is not None:
            yield "settings LIKE ? ESCAPE '!'", f'%"holder":{_literally(json.dumps(self.holder))}%'
        if self.status is not None:
            yield "status = ?", self.status
        if self.words is not None:
            words = f"%{_literally(self.words.lower())}%"
            yield "lower(idea || ' ' || title) LIKE ? ESCAPE '!'", words


class Runs:
    """The table of runs."""

    def __init__(self, database: Database, lease_s: float = LEASE_SECONDS) -> None:
        self._database = database
        self._lease_s = lease_s
        self._held: dict[str, str] = {}
        """By run: the owner's name under which it was acquired here."""

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
            """INSERT INTO runs (id, idea, settings, graph, status, created)
               VALUES (?, ?, ?, ?, 'working', ?) ON CONFLICT DO NOTHING""",
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
        terms, values = ["(created < ? OR (created = ? AND id < ?))"], [before[0], *before]
        for term, value in choice.terms():
            terms.append(term)
            values.append(value)
        rows = await self._database.rows(
            f"SELECT * FROM runs WHERE {' AND '.join(terms)} "  # noqa: S608 -- terms are ours
            "ORDER BY created DESC, id DESC LIMIT ?",
            (*values, most),
        )
        return [_run(row) for row in rows]

    async def set_status(self, run: str, status: Status, reason: str = "") -> None:
        """Say where the run stands and why."""
        await self._database.write(
            "UPDATE runs SET status = ?, reason = ? WHERE id = ?", (status, reason, run), run=run
        )

    async def set_product(self, run: str, title: str, out: Path) -> None:
        """Say what is being made and where it lands."""
        await self._database.write(
            "UPDATE runs SET title = ?, out = ? WHERE id = ?", (title, str(out), run), run=run
        )

    async def set_settings(self, run: str, settings: Settings) -> None:
        """Change what the user chose, for the work still to come."""
        await self._database.write(
            "UPDATE runs SET settings = ? WHERE id = ?", (settings.model_dump_json(), run), run=run
        )

    async def set_graph(self, run: str, graph: str) -> None:
        """Say which version of the graph the run goes on with."""
        await self._database.write("UPDATE runs SET graph = ? WHERE id = ?", (graph, run), run=run)

    async def add_worked(self, run: str, seconds: float) -> None:
        """Count time in which the company was at work, not waiting for anybody."""
        await self._database.write(
            "UPDATE runs SET worked_s = worked_s + ? WHERE id = ?", (seconds, run), run=run
        )

    async def request_stop(self, run: str) -> None:
        """Ask the process that owns the run to drain."""
        await self._database.write("UPDATE runs SET stop_requested = 1 WHERE id = ?", (run,))

    async def acquire(self, run: Run, *, to_work: bool = True) -> None:
        """Become the owner of a run nobody works on; if not to work on it, it stands as it stood.

        Raises:
            RunBusy: another process holds a lease that has not expired and is alive.

        """
        current = await self.get(run.id)
        if current.owned or run.id in self._database.fences:
            host, pid, _ = str(current.owner or f"here:{os.getpid()}:").split(":")
            raise RunBusy(
                f"run {run.id} is being worked on (process {pid} on {host}); "
                f"`softfactory log {run.id} --follow` watches it"
            )
        name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        changed = await self._database.write(
            """UPDATE runs SET owner = ?, lease_until = ?, stop_requested = 0,
               status = coalesce(?, status), reason = coalesce(?, reason)
               WHERE id = ? AND coalesce(owner, '') = ? AND coalesce(lease_until, 0) = ?""",
            (
                name,
                time.time() + self._lease_s,
                *(("working", "") if to_work else (None, None)),
                run.id,
                current.owner or "",
                current.lease_until or 0.0,
            ),
        )
        if changed != 1:
            raise RunBusy(f"run {run.id} was just taken up by another process")
        self._held[run.id] = self._database.fences[run.id] = name

    async def heartbeat(self, run: str) -> Literal["owned", "stop", "lost"]:
        """Extend the lease; whether it is still ours, and whether somebody asks to stop."""
        values = (time.time() + self._lease_s, run, self._held.get(run, ""))

        async def work(transaction: Transaction) -> list[Row]:
            return (await transaction.run(EXTEND, values))[1]

        rows = await self._database.transact(work)
        if not rows:
            return "lost"
        return "stop" if rows[0]["stop_requested"] else "owned"

    async def check(self, run: str) -> None:
        """Turn away who works on a run that another process has taken over.

        Raises:
            LeaseLost: it has.
        """
        await self._database.check(run)

    async def release(self, run: str) -> None:
        """Give the lease back."""
        name = self._held.pop(run, "")
        if self._database.fences.get(run) == name:
            del self._database.fences[run]
        await self._database.write(
            "UPDATE runs SET owner = NULL, lease_until = NULL WHERE id = ? AND owner = ?",
            (run, name),
        )


def _literally(words: str) -> str:
    """Words as a pattern that is for nothing but them."""
    return re.sub(r"([!%_])", r"!\1", words)


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

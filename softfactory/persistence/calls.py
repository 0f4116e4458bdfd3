"""Model calls as they are kept: the ledger's table."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from softfactory.persistence.database import Database, Row

Outcome = Literal[
    "discarded",
    "review passed",
    "review failed",
    "tests passed",
    "tests failed",
    "human edited",
]
DISCARDED: Outcome = "discarded"
"""The answer and all tries to have it repaired were unusable: the question may be asked anew."""


@dataclass(frozen=True)
class Call:
    """One answered model call.

    `key` identifies what was asked; `fit` does so too, but leaves out what running programs
    printed. `reply` holds text, thinking, model and tokens. `price` is in US dollars, None where
    it is unknown.
    """

    run: str
    key: str
    fit: str
    skill: str
    role: str
    subject: str
    attempt: int
    messages: list[dict[str, str]]
    reply: dict[str, Any]
    price: float | None
    seconds: float


class Calls:
    """The table of answered model calls. It only grows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, run: str, key: str) -> Call | None:
        """The answer to a question of this run, or of a run it was forked from."""
        row = await self._database.row(
            """WITH RECURSIVE lineage(id) AS (
                   SELECT CAST(? AS TEXT)
                   UNION
                   SELECT parent FROM runs JOIN lineage USING (id) WHERE parent IS NOT NULL
               )
               SELECT * FROM calls
               WHERE key = ? AND run IN (SELECT id FROM lineage) AND NOT EXISTS (
                   SELECT 1 FROM outcomes WHERE call = calls.id AND outcome = ?
               ) LIMIT 1""",
            (run, key, DISCARDED),
        )
        return _call(row) if row else None

    async def add(self, call: Call) -> None:
        """Keep an answer."""
        await self._database.write(
            """INSERT INTO calls
               (run, key, fit, skill, role, subject, attempt, messages, reply, price, seconds,
                created)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                call.run,
                call.key,
                call.fit,
                call.skill,
                call.role,
                call.subject,
                call.attempt,
                json.dumps(call.messages, ensure_ascii=False),
                json.dumps(call.reply, ensure_ascii=False),
                call.price,
                call.seconds,
                time.time(),
            ),
            run=call.run,
        )

    async def judge(self, run: str, outcome: Outcome, keys: Iterable[str]) -> None:
        """Say what became of answers: it stands beside them for good."""
        for key in keys:
            await self._database.write(
                """INSERT INTO outcomes (call, outcome, created)
                   SELECT max(id), ?, ? FROM calls WHERE run = ? AND key = ?
                   HAVING max(id) IS NOT NULL""",
                (outcome, time.time(), run, key),
                run=run,
            )

    async def latest_key(self, run: str, skill: str, subject: str) -> str | None:
        """The key of a skill's newest answer on a subject."""
        row = await self._database.row(
            """SELECT key FROM calls WHERE run = ? AND skill = ? AND subject LIKE ? || '%'
               ORDER BY id DESC LIMIT 1""",
            (run, skill, subject),
        )
        return str(row["key"]) if row else None

    async def outcomes(self, run: str) -> dict[str, list[str]]:
        """What became of the answers of a run, by key."""
        found: dict[str, list[str]] = {}
        for row in await self._database.rows(
            """SELECT key, outcome FROM outcomes JOIN calls ON call = calls.id
               WHERE run = ? ORDER BY outcomes.created, call""",
            (run,),
        ):
            found.setdefault(row["key"], []).append(row["outcome"])
        return found

    async def of_run(self, run: str) -> list[Call]:
        """All calls of a run, in the order in which they were answered."""
        rows = await self._database.rows("SELECT * FROM calls WHERE run = ? ORDER BY id", (run,))
        return [_call(row) for row in rows]


def _call(row: Row) -> Call:
    kept = {name: row[name] for name in Call.__dataclass_fields__}
    return Call(
        **{**kept, "messages": json.loads(row["messages"]), "reply": json.loads(row["reply"])}
    )

"""Model calls as they are kept: the ledger's table."""

import json
import time
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from softfactory.persistence.database import Database


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
                   VALUES (?)
                   UNION
                   SELECT parent FROM runs JOIN lineage USING (id) WHERE parent IS NOT NULL
               )
               SELECT * FROM calls WHERE key = ? AND run IN lineage LIMIT 1""",
            (run, key),
        )
        return _call(row) if row else None

    async def add(self, call: Call) -> None:
        """Keep an answer; a second answer to the same question is dropped."""
        await self._database.write(
            """INSERT OR IGNORE INTO calls
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
        )

    async def of_run(self, run: str) -> list[Call]:
        """All calls of a run, in the order in which they were answered."""
        rows = await self._database.rows("SELECT * FROM calls WHERE run = ? ORDER BY id", (run,))
        return [_call(row) for row in rows]


def _call(row: Row) -> Call:
    kept = {name: row[name] for name in Call.__dataclass_fields__}
    return Call(
        **{**kept, "messages": json.loads(row["messages"]), "reply": json.loads(row["reply"])}
    )

"""The rows of a run, taken down whole, put back whole, or thrown away."""

from functools import partial
from typing import Any

from softfactory.errors import UsageError
from softfactory.persistence.database import Database, Row, Transaction

COLUMNS = {
    "runs": (
        *("id", "parent", "idea", "settings", "graph", "status", "reason", "title", "out"),
        *("created", "worked_s"),
    ),
    "events": ("run", "seq", "time", "event"),
    "heard": ("run", "step", "upto"),
    "calls": (
        *("run", "key", "fit", "skill", "role", "subject", "attempt", "messages", "reply"),
        *("price", "seconds", "created"),
    ),
    "outcomes": ("call", "outcome", "created"),
}
"""What belongs to a run; who owns it does not."""


class Shelf:
    """Rows of all tables by run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, run: str) -> dict[str, Any]:
        """All rows of a run, and those of the runs whose answers it uses."""
        rows: dict[str, Any] = {"runs": [], "calls": []}
        name: str | None = run
        while name and (row := await self._one("runs", "id", name)):
            rows["runs"].append(row[0])
            rows["calls"] += await self._calls(name)
            name = row[0]["parent"]
        for table in ("events", "heard"):
            rows[table] = await self._one(table, "run", run)
        return rows

    async def refuse_known(self, rows: dict[str, Any]) -> None:
        """Refuse to put a run back that is here.

        Raises:
            UsageError: it is.
        """
        run = str(rows["runs"][0]["id"])
        if await self._one("runs", "id", run):
            raise UsageError(f"run {run} is here already; `softfactory delete {run}` forgets it")

    async def put(self, rows: dict[str, Any]) -> None:
        """Put a run back.

        Raises:
            UsageError: it is here already, or these are no rows of ours.
        """
        await self._database.transact(partial(_put, rows))

    async def remove(self, run: str) -> None:
        """Throw all rows of a run away."""

        async def work(transaction: Transaction) -> None:
            await transaction.run(
                "DELETE FROM outcomes WHERE call IN (SELECT id FROM calls WHERE run = ?)", (run,)
            )
            for table, column in (
                ("calls", "run"),
                ("events", "run"),
                ("heard", "run"),
                ("runs", "id"),
            ):
                await transaction.run(f"DELETE FROM {table} WHERE {column} = ?", (run,))  # noqa: S608

        await self._database.transact(work)

    async def _one(self, table: str, column: str, run: str) -> list[Row]:
        columns = ", ".join(COLUMNS[table])
        return await self._database.rows(
            f"SELECT {columns} FROM {table} WHERE {column} = ?",  # noqa: S608 - names of ours
            (run,),
        )

    async def _calls(self, run: str) -> list[dict[str, Any]]:
        found = await self._database.rows("SELECT * FROM calls WHERE run = ? ORDER BY id", (run,))
        return [
            {
                "call": {name: row[name] for name in COLUMNS["calls"]},
                "outcomes": await self._database.rows(
                    "SELECT outcome, created FROM outcomes WHERE call = ? ORDER BY created",
                    (row["id"],),
                ),
            }
            for row in found
        ]


async def _put(rows: dict[str, Any], transaction: Transaction) -> None:
    run = str(rows["runs"][0]["id"])
    here = {row["id"] for row in (await transaction.run("SELECT id FROM runs"))[1]}
    if run in here:
        raise UsageError(f"run {run} is here already; `softfactory delete {run}` forgets it")
    for row in rows["calls"]:
        if row["call"]["run"] not in here:
            await _add(transaction, "calls", row["call"])
            await _add_outcomes(transaction, row["call"], row["outcomes"])
    for table in ("events", "heard"):
        for row in rows[table]:
            await _add(transaction, table, row)
    for row in reversed(rows["runs"]):
        if row["id"] not in here:
            await _add(transaction, "runs", row)


async def _add_outcomes(transaction: Transaction, call: Row, outcomes: list[Row]) -> None:
    _, newest = await transaction.run(
        "SELECT max(id) AS id FROM calls WHERE run = ? AND key = ?", (call["run"], call["key"])
    )
    for outcome in outcomes:
        await _add(transaction, "outcomes", {**outcome, "call": newest[0]["id"]})


async def _add(transaction: Transaction, table: str, row: Row) -> None:
    if set(row) != set(COLUMNS[table]):
        raise UsageError(f"this is no archive of this softfactory: its {table} differ")
    names, marks = ", ".join(COLUMNS[table]), ", ".join("?" * len(row))
    values = [row[name] for name in COLUMNS[table]]
    await transaction.run(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608

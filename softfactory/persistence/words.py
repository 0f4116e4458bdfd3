"""What a human says to the company while it works, and who hears it when."""

from softfactory.persistence.database import Database, Row, Transaction
from softfactory.persistence.events import Events
from softfactory.state.events import Event, EventKind

SAID: EventKind = "said"


class Words:
    """Words stand in the event log; a step heeds those that were said before it began."""

    def __init__(self, database: Database, events: Events) -> None:
        self._database = database
        self._events = events

    async def say(self, run: str, words: str, to: str = "") -> None:
        """Put a word into the record.

        Args:
            run: whose company it is for.
            words: what is said.
            to: the role that it is for, as `engineer`; empty: everybody.
        """
        await self._events.append(run, Event(kind=SAID, role="Human", text=words, data={"to": to}))

    async def heard(self, run: str, step: str, role: str) -> str:
        """What a role is to heed in a step. Repeated after a crash, the step hears the same."""
        said = f'{{"kind":"{SAID}"%'

        async def work(transaction: Transaction) -> list[Row]:
            await transaction.run(
                """INSERT INTO heard (run, step, upto)
                   SELECT ?, ?, coalesce(max(seq), 0) FROM events WHERE run = ? AND event LIKE ?
                   ON CONFLICT DO NOTHING""",
                (run, step, run, said),
            )
            _, rows = await transaction.run(
                """SELECT event FROM events WHERE run = ? AND event LIKE ?
                   AND seq <= (SELECT upto FROM heard WHERE run = ? AND step = ?) ORDER BY seq""",
                (run, said, run, step),
            )
            return rows

        rows = await self._database.transact(work, run=run)
        events = [Event.model_validate_json(row["event"]) for row in rows]
        names = ("", role.lower().replace(" ", "_"))
        return "\n".join(event.text for event in events if event.data.get("to") in names)

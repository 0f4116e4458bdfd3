"""What a human says to the company while it works, and who hears it when."""

from softfactory.persistence.database import Database
from softfactory.persistence.events import Events
from softfactory.state.events import Event


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
        await self._events.append(
            run, Event(kind="said", role="Human", text=words, data={"to": to})
        )

    async def heard(self, run: str, step: str, role: str) -> str:
        """What a role is to heed in a step. Repeated after a crash, the step hears the same."""
        said = await self._events.of_kind(run, "said")
        await self._database.write(
            "INSERT INTO heard (run, step, upto) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (run, step, said[-1].seq if said else 0),
            run=run,
        )
        row = await self._database.row(
            "SELECT upto FROM heard WHERE run = ? AND step = ?", (run, step)
        )
        upto, name = (row["upto"] if row else 0), role.lower().replace(" ", "_")
        return "\n".join(
            logged.event.text
            for logged in said
            if logged.seq <= upto and logged.event.data.get("to") in ("", name)
        )

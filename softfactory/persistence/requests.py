"""Requests for a run that carried a key, so that a request sent twice makes one run."""

from softfactory.errors import KeyReused
from softfactory.persistence.database import Database


class Requests:
    """The table of such requests."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, holder: str, key: str, digest: str, run: str) -> str:
        """The name that the run of this request has or shall have: `run`, if it is the first.

        Raises:
            KeyReused: the key came with another request before.
        """
        await self._database.write(
            """INSERT INTO requests (holder, key, digest, run) VALUES (?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            (holder, key, digest, run),
        )
        row = await self._database.row(
            "SELECT digest, run FROM requests WHERE holder = ? AND key = ?", (holder, key)
        )
        if row is None or row["digest"] != digest:
            raise KeyReused(f"the key {key!r} came with another request before; choose another")
        return str(row["run"])

    async def forget(self, holder: str, key: str) -> None:
        """Let a key be used anew whose request was refused."""
        await self._database.write(
            "DELETE FROM requests WHERE holder = ? AND key = ?", (holder, key)
        )

"""What was learned of endpoints: which parameters they take."""

import json
from typing import Any

from softfactory.persistence.database import Database


class Endpoints:
    """The table of what endpoints and their models were found to be capable of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def recall(self, endpoint: str, model: str) -> dict[str, Any] | None:
        """What is known of a model at an endpoint."""
        row = await self._database.row(
            "SELECT capabilities FROM endpoints WHERE endpoint = ? AND model = ?",
            (endpoint, model),
        )
        known: dict[str, Any] | None = json.loads(row["capabilities"]) if row else None
        return known

    async def remember(self, endpoint: str, model: str, capabilities: dict[str, Any]) -> None:
        """Keep what was found out."""
        await self._database.write(
            """INSERT INTO endpoints (endpoint, model, capabilities) VALUES (?, ?, ?)
               ON CONFLICT (endpoint, model) DO UPDATE SET capabilities = excluded.capabilities""",
            (endpoint, model, json.dumps(capabilities, sort_keys=True)),
        )

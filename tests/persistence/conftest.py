"""What is kept is tested with both databases."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from softfactory.persistence.database import Database, open_database
from tests.databases import KINDS, database_of


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """An empty database of each kind."""
    with database_of(request.param, tmp_path) as place:
        yield place


@pytest.fixture
async def database(place: Path | str) -> AsyncIterator[Database]:
    """The same, opened."""
    async with open_database(place) as opened:
        yield opened

"""Servers for the tests of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from softfactory.models.scripted import ScriptedModel
from tests import calculator
from tests.served import Served, serving


@pytest.fixture
async def served(home: Path) -> AsyncIterator[Served]:
    """A server for this machine, over a company in which nothing goes wrong."""
    async with serving(home, ScriptedModel(calculator.straight())) as one:
        yield one

"""What all tests share: a data folder of their own and a service with a scripted model."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.service import Service, open_service
from softfactory.workplace import Outside
from tests.calculator import Script
from tests.endpoint import Endpoint

Opened = Callable[[ScriptedModel], AbstractAsyncContextManager[Service]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A data folder that no other test uses."""
    return tmp_path / "home"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A run that asks no questions and lands in the test's folder."""
    return Settings(model="scripted", gates=(), folder=str(tmp_path))


@pytest.fixture
def opened(home: Path) -> Opened:
    """Opens the service over the test's data folder with a scripted model."""

    @asynccontextmanager
    async def opening(model: ScriptedModel) -> AsyncIterator[Service]:
        outside = Outside(lambda *_: model, search=lambda: None, speech=lambda: None)
        async with open_service(home, outside) as service:
            yield service

    return opening


@pytest.fixture
def endpoint() -> Callable[[Script], Endpoint]:
    """Makes scripted endpoints; each is used as a context manager."""
    return Endpoint

"""What all tests share: a data folder of their own and a service with a scripted model."""

import asyncio
import time
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


async def appears(file: Path) -> None:
    """Wait for a file that somebody is about to write."""
    deadline = time.monotonic() + 30
    while not await asyncio.to_thread(file.exists):
        assert time.monotonic() < deadline, f"{file} never appeared"
        await asyncio.sleep(0.05)

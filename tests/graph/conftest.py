"""What tests of a run's past begin with: a run that was delivered."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.runs import Run
from softfactory.service import Service
from tests import calculator
from tests.calculator import Script
from tests.conftest import Opened

Delivered = Callable[..., AbstractAsyncContextManager[tuple[Service, ScriptedModel, Run]]]


@pytest.fixture
def delivered(opened: Opened, settings: Settings) -> Delivered:
    """Opens the service over a delivered run, with the model that was asked for it."""

    @asynccontextmanager
    async def opening(
        script: Script | None = None,
    ) -> AsyncIterator[tuple[Service, ScriptedModel, Run]]:
        model = ScriptedModel(script or calculator.straight())
        async with opened(model) as service:
            run = await service.start(calculator.IDEA, settings)
            yield service, model, await service.work(run.id)

    return opening

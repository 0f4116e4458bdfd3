"""Which chat model a run asks, and which of them each role."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from softfactory.config import Settings
from softfactory.models.port import ChatModel, Reply, Request
from softfactory.models.presets import PRESETS, preset_for
from softfactory.models.recorded import RecordedModel, read_recording
from softfactory.persistence.endpoints import Endpoints

RECORDING = "recording:"


@dataclass(frozen=True)
class ModelPerRole:
    """Asks each role's own model, and one model for all other roles."""

    usual: ChatModel
    own: Mapping[str, ChatModel] = field(default_factory=dict)

    def ready(self, idea: str) -> None:
        """Whether every model of the run is."""
        for model in (self.usual, *self.own.values()):
            model.ready(idea)

    def model_for(self, role: str) -> str:
        """The name of the model that answers the role."""
        return self.own.get(role, self.usual).model_for(role)

    async def reply(self, request: Request) -> Reply:
        """Ask the model of the role that asks."""
        return await self.own.get(request.role, self.usual).reply(request)


def chat_model(settings: Settings, memory: Endpoints | None = None) -> ChatModel:
    """The models that the settings name. Nothing is connected before the first question.

    Args:
        settings: name the model of the run, and of each role that has one of its own.
        memory: what was learned of endpoints before, and keeps what is learned now.

    Raises:
        UsageError: a recording that can't be read, or an unknown provider.
    """
    own = {
        _role(key): _one(name, _address(name, settings), memory)
        for key, name in settings.roles.items()
    }
    return ModelPerRole(_one(settings.model, settings.base_url, memory), own)


def _address(name: str, settings: Settings) -> str:
    """The run's address, but for a role that names a provider: its key goes nowhere else."""
    return "" if name.partition(":")[0] in PRESETS else settings.base_url


def _one(name: str, base_url: str, memory: Endpoints | None) -> ChatModel:
    if name.startswith(RECORDING):
        return RecordedModel(read_recording(Path(name.removeprefix(RECORDING))))
    from softfactory.models.openai_compatible import OpenAICompatible  # takes half a second

    return OpenAICompatible(preset_for(name, base_url, os.environ), memory)


def _role(key: str) -> str:
    """A role's name as roles say it themselves."""
    return key.replace("_", " ").title().replace("Qa ", "QA ")

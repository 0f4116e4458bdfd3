"""Which chat model a run asks."""

import os
from collections.abc import Mapping
from pathlib import Path

from softfactory.config import Settings, api_key
from softfactory.models.port import ChatModel
from softfactory.models.recorded import RecordedModel, read_recording

RECORDING = "recording:"


def chat_model(settings: Settings, environment: Mapping[str, str] | None = None) -> ChatModel:
    """The model that the settings name. Nothing is connected before the first question.

    Raises:
        UsageError: the settings name a recording that can't be read.
    """
    if settings.model.startswith(RECORDING):
        return RecordedModel(read_recording(Path(settings.model.removeprefix(RECORDING))))
    from softfactory.models.openai_compatible import OpenAICompatible  # takes half a second

    known = os.environ if environment is None else environment
    return OpenAICompatible(settings.model, settings.base_url, api_key(settings, known))

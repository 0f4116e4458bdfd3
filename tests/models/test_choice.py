"""Which model each role asks, and which key goes where."""

import pytest

from softfactory.config import Settings, models_of
from softfactory.errors import UsageError
from softfactory.models.choice import ModelPerRole, chat_model
from softfactory.models.openai_compatible import OpenAICompatible


def chosen(model: object) -> tuple[str, str, str]:
    assert isinstance(model, OpenAICompatible)
    return model.chosen.model, model.chosen.base_url, model.chosen.api_key


def test_a_role_with_a_provider_of_its_own_goes_there_and_not_to_the_relay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOFTFACTORY_API_KEY", "relay-key")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "deepseek-key")
    names = ["usual", "engineer=deepseek:deepseek-chat", "qa_engineer=other"]
    model = chat_model(Settings(**models_of(names), base_url="http://relay.example/v1"))
    assert isinstance(model, ModelPerRole)
    assert chosen(model.usual) == ("usual", "http://relay.example/v1", "relay-key")
    assert chosen(model.own["QA Engineer"])[:2] == ("other", "http://relay.example/v1")
    name, address, key = chosen(model.own["Engineer"])
    assert (name, key) == ("deepseek-chat", "deepseek-key")
    assert "deepseek.com" in address
    assert model.model_for("Engineer") == "deepseek-chat"
    assert model.model_for("Architect") == "usual"


def test_an_unknown_provider_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="unknown provider 'nonesuch'"):
        chat_model(Settings(model="nonesuch:model"))

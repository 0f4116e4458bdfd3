"""What a model's name means: provider, address and key."""

import pytest

from softfactory.errors import UsageError
from softfactory.models.presets import PRESETS, Chosen, missing_key, preset_for
from tests.models.quirky_server import QUIRKS

KEYS = {
    "OPENAI_API_KEY": "sk-openai",
    "ZAI_API_KEY": "sk-zai",
    "AZURE_OPENAI_ENDPOINT": "https://mine.openai.azure.com/",
}


def chosen(model: str, base_url: str = "", **environment: str) -> Chosen:
    return preset_for(model, base_url, KEYS | environment)


@pytest.mark.parametrize(
    ("model", "base_url", "preset", "name", "address"),
    [
        ("gpt-5", "", "openai", "gpt-5", "https://api.openai.com/v1"),
        ("zhipu:glm-5", "", "zhipu", "glm-5", "https://open.bigmodel.cn/api/paas/v4/"),
        ("azure:mine", "", "azure", "mine", "https://mine.openai.azure.com/openai/v1/"),
        ("ollama:llama3.1:8b", "", "ollama", "llama3.1:8b", "http://localhost:11434/v1"),
        ("openrouter:z-ai/glm:free", "", "openrouter", "z-ai/glm:free", ""),
        ("llama3.1:8b", "http://10.0.0.1/v1", "relay", "llama3.1:8b", "http://10.0.0.1/v1"),
        ("llama3.1:8b", "http://127.0.0.1:11434/v1", "ollama", "llama3.1:8b", ""),
        ("qwen:7b", "http://gpu:8000/v1", "relay", "qwen:7b", "http://gpu:8000/v1"),
        ("glm-5", "https://api.z.ai/api/paas/v4/", "zhipu", "glm-5", ""),
        ("m", "https://other.openai.azure.com/openai/v1/", "azure", "m", ""),
        ("zhipu:glm-5", "https://relay.example/v1", "zhipu", "glm-5", "https://relay.example/v1"),
        ("relay:m", "https://relay.example/v1", "relay", "m", "https://relay.example/v1"),
        ("ft:gpt-4o:me::1", "", "openai", "ft:gpt-4o:me::1", "https://api.openai.com/v1"),
    ],
)
def test_a_model_is_named_with_its_provider_or_found_by_the_address(
    model: str, base_url: str, preset: str, name: str, address: str
) -> None:
    found = chosen(model, base_url)
    assert (found.preset.name, found.model) == (preset, name)
    assert found.base_url == address or not address


def test_an_address_in_the_environment_counts_for_plain_names_only() -> None:
    moved = {"OPENAI_BASE_URL": "https://relay.example/v1"}
    assert chosen("gpt-5", **moved).base_url == "https://relay.example/v1"
    assert chosen("ollama:m", **moved).base_url == "http://localhost:11434/v1"


def test_an_unknown_provider_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'antropic'.*--base-url.*zhipu.*deepseek"):
        chosen("antropic:claude")


@pytest.mark.parametrize(
    ("model", "base_url", "words"),
    [
        ("zhipu:", "", "zhipu:MODEL"),
        ("", "", "--model"),
        ("relay:m", "", "--base-url"),
        ("m", "localhost:8000/v1", "https://"),
        ("m", "http://", "https://"),
    ],
)
def test_what_is_missing_is_named(model: str, base_url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        chosen(model, base_url)


def test_azure_asks_for_its_endpoint() -> None:
    with pytest.raises(UsageError, match="AZURE_OPENAI_ENDPOINT"):
        preset_for("azure:m", "", {})


def test_a_providers_own_keys_come_first_in_order_then_ours() -> None:
    assert chosen("zhipu:glm-5").api_key == "sk-zai"
    assert chosen("zhipu:glm-5", ZHIPUAI_API_KEY=" sk-zhipu\n").api_key == "sk-zhipu"
    assert chosen("zhipu:glm-5", SOFTFACTORY_API_KEY="sk-own").api_key == "sk-zai"
    assert chosen("deepseek:m", SOFTFACTORY_API_KEY="sk-own").api_key == "sk-own"
    ours = {"SOFTFACTORY_API_KEY": "sk-own", "OPENAI_API_KEY": "sk-openai"}
    assert preset_for("m", "http://relay.example/v1", ours).api_key == "sk-own"


def test_a_key_never_goes_to_another_provider_unasked() -> None:
    assert chosen("deepseek:m").api_key == ""
    assert chosen("ollama:m").api_key == "none"
    assert chosen("vllm:m").api_key == "none"


def test_an_address_of_ones_own_needs_no_key_whatever_it_speaks_like() -> None:
    found = preset_for("openai:m", "http://127.0.0.1:9/v1", {})
    assert (found.model, found.preset.response_format) == ("m", "json_schema")
    assert missing_key(found) == ""
    assert missing_key(preset_for("openai:m", "https://api.openai.com/v1", {})) != ""


def test_a_missing_key_is_no_error_before_the_model_is_asked() -> None:
    found = preset_for("dashscope:qwen-plus", "", {})
    assert "DASHSCOPE_API_KEY or SOFTFACTORY_API_KEY" in missing_key(found)
    assert missing_key(chosen("gpt-5")) == ""


def test_a_key_that_can_not_be_sent_is_refused_without_being_shown() -> None:
    said = missing_key(chosen("gpt-5", OPENAI_API_KEY="sk-\u201cquoted\u201d"))
    assert "OPENAI_API_KEY" in said
    assert "quoted" not in said


def test_the_key_is_not_shown() -> None:
    assert "sk-openai" not in repr(chosen("gpt-5"))


def test_every_preset_says_where_its_facts_are_from_and_has_an_imitation() -> None:
    assert all(preset.facts for preset in PRESETS.values())
    assert set(QUIRKS) == set(PRESETS)

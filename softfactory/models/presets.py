"""Providers of language models, as data: addresses, keys, and which parameters suit them.

Where `facts` says [MEM], the line was written from memory and not looked up again. A wrong
line costs one refused request: the client lowers what an endpoint does not take.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from softfactory.errors import UsageError

OWN_KEY = "SOFTFACTORY_API_KEY"
NO_KEY = "none"
Format = Literal["json_schema", "json_object", "none"]
LimitParameter = Literal["max_tokens", "max_completion_tokens", ""]


@dataclass(frozen=True)
class Preset:
    """One provider."""

    name: str
    base_url: str
    """May hold `{endpoint}`, which the variable of that name fills."""
    keys: tuple[str, ...]
    """Environment variables that hold the key, the preferred one first."""
    facts: str
    """Where the line is from."""
    response_format: Format = "json_object"
    limit_parameter: LimitParameter = "max_tokens"
    output_limit: int = 0
    """Tokens that are asked for; 0: unknown, nothing is sent."""
    context: int = 0
    """Tokens that prompt and answer may have together; 0: unknown, or different by model."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    needs_key: bool = True
    endpoint: str = ""
    """Environment variable that holds the address of the customer's own endpoint."""
    hosts: tuple[str, ...] = ()
    """Other addresses of the provider; one that begins with a dot is an ending."""


@dataclass(frozen=True)
class Chosen:
    """A model at an address. The key may be missing: it is needed when the model is asked."""

    preset: Preset
    model: str
    base_url: str
    api_key: str = field(repr=False)


_TABLE = (
    Preset(
        "openai",
        "https://api.openai.com/v1",
        ("OPENAI_API_KEY",),
        "platform.openai.com; reasoning models refuse max_tokens",
        response_format="json_schema",
        limit_parameter="max_completion_tokens",
    ),
    Preset(
        "azure",
        "{endpoint}/openai/v1/",
        ("AZURE_OPENAI_API_KEY",),
        "learn.microsoft.com, Azure OpenAI v1 API: no api-version, model is the deployment",
        response_format="json_schema",
        limit_parameter="max_completion_tokens",
        endpoint="AZURE_OPENAI_ENDPOINT",
        hosts=(".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"),
    ),
    Preset(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai/",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        "ai.google.dev/gemini-api/docs/openai; takes a subset of JSON schema [MEM]",
        response_format="json_schema",
    ),
    Preset(
        "ollama",
        "http://localhost:11434/v1",
        (),
        "docs.ollama.com/api/openai-compatibility: response_format, max_tokens; key ignored; "
        "the window is what the model was loaded with (num_ctx), small by default [MEM]",
        response_format="json_schema",
        needs_key=False,
        hosts=("127.0.0.1:11434",),
    ),
    Preset(
        "vllm",
        "http://localhost:8000/v1",
        ("VLLM_API_KEY",),
        "docs.vllm.ai: guided decoding; thinking comes as reasoning, once reasoning_content",
        response_format="json_schema",
        needs_key=False,
        hosts=("127.0.0.1:8000",),
    ),
    Preset(
        "qianfan",
        "https://qianfan.baidubce.com/v2",
        ("QIANFAN_API_KEY",),
        "cloud.baidu.com, Chat V2 (address); PaddlePaddle's demo on huggingface.co (parameter); "
        "response_format and 12288 of ERNIE 4.5 Turbo [MEM], older models take 2048 [MEM]",
        limit_parameter="max_completion_tokens",
        output_limit=12_288,
    ),
    Preset(
        "dashscope",
        "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ("DASHSCOPE_API_KEY",),
        "alibabacloud.com/help/model-studio, structured output: JSON schema for some models "
        "only, no JSON mode while thinking, the prompt must say JSON",
        extra_body={"enable_thinking": False},
        hosts=("dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"),
    ),
    Preset(
        "spark",
        "https://spark-api-open.xf-yun.com/v1",
        ("SPARK_API_PASSWORD", "SPARK_API_KEY"),
        "docs.iflyaicloud.com/doc/237: max_tokens 1 to 8192, 4096 if not said; errors come with "
        "status 200 [MEM]; X1 answers under /v2 (xfyun.cn/doc/spark/X1http.html): --base-url",
        response_format="none",
        output_limit=8192,
        hosts=("spark-api-open-preview.xf-yun.com",),
    ),
    Preset(
        "zhipu",
        "https://open.bigmodel.cn/api/paas/v4/",
        ("ZHIPUAI_API_KEY", "ZAI_API_KEY", "GLM_API_KEY"),
        "docs.bigmodel.cn, GLM-4.5: 128K, thinking.type, on by default; AgentScope's notes on "
        "GLM: response_format json_object and max_tokens only",
        context=128_000,
        extra_body={"thinking": {"type": "disabled"}},
        hosts=("api.z.ai",),
    ),
    Preset(
        "deepseek",
        "https://api.deepseek.com/v1",
        ("DEEPSEEK_API_KEY",),
        "api-docs.deepseek.com/quick_start/pricing: V4 has 1M and gives up to 384K; JSON output, "
        "no JSON schema; V3 gave 4K if not told more, and took at most 8K",
        output_limit=65_536,
        context=128_000,
    ),
    Preset(
        "moonshot",
        "https://api.moonshot.cn/v1",
        ("MOONSHOT_API_KEY", "KIMI_API_KEY"),
        "AgentScope's notes on Kimi: max_completion_tokens; 256K for K2 (promptfoo.dev), less "
        "for moonshot-v1; json_object [MEM]",
        limit_parameter="max_completion_tokens",
        hosts=("api.moonshot.ai",),
    ),
    Preset(
        "openrouter",
        "https://openrouter.ai/api/v1",
        ("OPENROUTER_API_KEY",),
        "openrouter.ai/docs: json_schema where the model takes it, max_tokens; errors while "
        "answering come with status 200",
        response_format="json_schema",
    ),
    Preset(
        "relay",
        "",
        ("OPENAI_API_KEY",),
        "any other address: what it takes is found out by asking",
        response_format="json_schema",
        needs_key=False,
    ),
)
PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _TABLE}


def preset_for(model: str, base_url: str, environment: Mapping[str, str]) -> Chosen:
    """What PROVIDER:MODEL, or a plain NAME with or without an address, means.

    Raises:
        UsageError: the provider is unknown, or the address or the model's name is missing or
            wrong.
    """
    provider, colon, rest = model.partition(":")
    if colon and provider in PRESETS:
        preset, name = PRESETS[provider], rest
        if base_url and _preset_at(base_url) is not preset:
            preset = replace(preset, needs_key=False)  # speaks like the provider, is another
    else:
        base_url = base_url or environment.get("OPENAI_BASE_URL", "").strip()
        preset, name = _preset_at(base_url) if base_url else _without_address(model), model
    if not name:
        raise UsageError(f"no model is named in {model!r}: say --model {preset.name}:MODEL")
    address = base_url or _own_address(preset, environment)
    if not re.match(r"https?://[^/\s]+[^\s]*$", address):
        raise UsageError(f"{address!r} is no address: it begins with https:// or http://")
    return Chosen(preset, name, address, _key(preset, environment))


def key_variables(preset: Preset) -> tuple[str, ...]:
    """Environment variables that may hold the key, the preferred one first.

    A provider's own key goes before ours, so that two providers in one run get one key each; an
    address of the user's gets ours.
    """
    is_named = preset.name != "relay"
    return (*preset.keys, OWN_KEY) if is_named else (OWN_KEY, *preset.keys)


def any_key(environment: Mapping[str, str]) -> bool:
    """Whether there is a key for any provider."""
    return any(environment.get(name) for preset in _TABLE for name in key_variables(preset))


def missing_key(chosen: Chosen) -> str:
    """What to do about a key that is missing or damaged; empty if there is a good one."""
    variables = " or ".join(key_variables(chosen.preset))
    if not chosen.api_key:
        return (
            f"no key for {chosen.preset.name}, where {chosen.model!r} would be asked: set "
            f"{variables}, or give --base-url of an endpoint that needs none; `softfactory demo` "
            "needs neither"
        )
    if not chosen.api_key.isascii() or not chosen.api_key.isprintable():
        return f"the key for {chosen.preset.name} has characters no key has: look at {variables}"
    return ""


def _preset_at(base_url: str) -> Preset:
    host = urlsplit(base_url).netloc.rpartition("@")[2].lower()
    for preset in _TABLE:
        known = (urlsplit(preset.base_url).netloc, *preset.hosts)
        if any(host == name or (name[:1] == "." and host.endswith(name)) for name in known):
            return preset
    return PRESETS["relay"]


def _without_address(model: str) -> Preset:
    provider, colon, _ = model.partition(":")
    is_tuned = provider == "ft"  # OpenAI names tuned models ft:MODEL:OWNER:...
    if colon and not is_tuned and re.fullmatch(r"[A-Za-z][A-Za-z_-]*", provider):
        raise UsageError(
            f"unknown provider {provider!r}: give --base-url, or one of {', '.join(PRESETS)}"
        )
    return PRESETS["openai"]


def _own_address(preset: Preset, environment: Mapping[str, str]) -> str:
    if not preset.base_url:
        raise UsageError(f"{preset.name}: needs the address of its endpoint: give --base-url")
    if not preset.endpoint:
        return preset.base_url
    endpoint = environment.get(preset.endpoint, "").strip().rstrip("/")
    if not endpoint:
        raise UsageError(f"{preset.name}: needs an address: set {preset.endpoint} or --base-url")
    return preset.base_url.format(endpoint=endpoint.removesuffix("/openai/v1"))


def _key(preset: Preset, environment: Mapping[str, str]) -> str:
    found = (environment.get(name, "").strip() for name in key_variables(preset))
    return next(filter(None, found), "" if preset.needs_key else NO_KEY)

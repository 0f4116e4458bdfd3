"""Settings of a run, and where things are kept. Reading them has no effect and needs no key."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

OptionalGate = Literal["prd", "design", "plan", "delivery"]

REVIEW_ROUNDS = 4
"""How often an engineer answers for one package before a human is asked."""
QA_ROUNDS = 3
"""How often the tests are run before a human is asked."""


class Price(BaseModel):
    """Price of a million tokens, in US dollars."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class Settings(BaseModel):
    """What the user chose for one run; kept with it, so that `resume` needs no flags.

    Secrets are never in here: keys are read from the environment when a model is asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="", description="name of the model, or recording:FILE")
    base_url: str = Field(default="", description="address of an OpenAI-compatible endpoint")
    price: Price | None = Field(default=None, description="None: unknown, and said to be unknown")
    gates: tuple[OptionalGate, ...] = Field(default=("prd",), description="where a human decides")
    thorough: bool = Field(default=False, description="second readings for small products too")
    speak: bool = Field(default=False, description="a spoken summary at delivery")
    unsafe_local: bool = Field(default=False, description="run generated code without isolation")
    out: str = Field(default="", description="folder of the product; empty: named after it")
    folder: str = Field(default="", description="where the command was given")


def home(environment: Mapping[str, str] | None = None) -> Path:
    """The data folder: `SOFTFACTORY_HOME`, or the platform's place for such data."""
    chosen = (os.environ if environment is None else environment).get("SOFTFACTORY_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path  # slow enough to keep out of --help

    return user_data_path("softfactory")


def api_key(settings: Settings, environment: Mapping[str, str] | None = None) -> str:
    """The key for the model's endpoint; "none" for an endpoint of the user's that needs none."""
    known = os.environ if environment is None else environment
    found = known.get("SOFTFACTORY_API_KEY") or known.get("OPENAI_API_KEY")
    return found or ("none" if settings.base_url else "")

"""Settings of a run, and where things are kept. Reading them has no effect and needs no key."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from softfactory.errors import UsageError

RoleKey = Literal[
    "product_manager",
    "architect",
    "project_manager",
    "engineer",
    "code_reviewer",
    "qa_engineer",
]
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
    cached: float | None = Field(default=None, ge=0, description="None: as other input")


class Budget(BaseModel):
    """What a run may use up: dollars or tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: float = Field(gt=0)
    unit: Literal["dollars", "tokens"]

    def __str__(self) -> str:
        return f"${self.amount:.2f}" if self.unit == "dollars" else f"{self.amount:,.0f} tokens"


def budget_of(text: str) -> Budget:
    """A budget as people write it: 3.00, $3, 200k, 1.5M.

    Raises:
        ValueError: it is none of these.
    """
    word = text.strip().removeprefix("$")
    scale = {"k": 1_000, "m": 1_000_000}.get(word[-1:].lower())
    if scale:
        return Budget(amount=float(word[:-1]) * scale, unit="tokens")
    return Budget(amount=float(word), unit="dollars")


class Settings(BaseModel):
    """What the user chose for one run; kept with it, so that `resume` needs no flags.

    Secrets are never in here: keys are read from the environment when a model is asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="", description="name of the model, or recording:FILE")
    base_url: str = Field(default="", description="address of an OpenAI-compatible endpoint")
    roles: dict[RoleKey, str] = Field(default_factory=dict, description="a role's own model")
    price: Price | None = Field(default=None, description="None: as the tables of prices say")
    budget: Budget | None = Field(default=None, description="None: without limit")
    gates: tuple[OptionalGate, ...] = Field(default=("prd",), description="where a human decides")
    thorough: bool = Field(default=False, description="second readings for small products too")
    speak: bool = Field(default=False, description="a spoken summary at delivery")
    unsafe_local: bool = Field(default=False, description="run generated code without isolation")
    out: str = Field(default="", description="folder of the product; empty: named after it")
    folder: str = Field(default="", description="where the command was given")
    holder: str = Field(default="", description="whose run it is on a server with tokens")


def models_of(names: Sequence[str]) -> dict[str, Any]:
    """The settings that `--model` names: of the run, and of roles as `engineer=NAME`.

    Raises:
        UsageError: a role is unknown.
    """
    found: dict[str, Any] = {"model": "", "roles": {}}
    for name in names:
        role, equals, model = name.partition("=")
        if not equals:
            found["model"] = name
        elif role in get_args(RoleKey):
            found["roles"][role] = model
        else:
            raise UsageError(f"{role!r} is no role; {', '.join(get_args(RoleKey))} are")
    return found


def home(environment: Mapping[str, str] | None = None) -> Path:
    """The data folder: `SOFTFACTORY_HOME`, or the platform's place for such data."""
    chosen = (os.environ if environment is None else environment).get("SOFTFACTORY_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path  # slow enough to keep out of --help

    return user_data_path("softfactory")


def database_url(environment: Mapping[str, str] | None = None) -> str:
    """The PostgreSQL database to use instead of files: `SOFTFACTORY_DATABASE_URL`; often empty.

    Raises:
        UsageError: it is the address of something else.
    """
    url = (os.environ if environment is None else environment).get("SOFTFACTORY_DATABASE_URL", "")
    if url and not url.startswith(("postgresql://", "postgres://")):
        raise UsageError("SOFTFACTORY_DATABASE_URL is no address of PostgreSQL: postgresql://...")
    return url

"""Settings of a run, and where things are kept. Reading them has no effect and needs no key."""

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

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

SETTINGS_FILE = "softfactory.toml"
FILE_KEYS = ("model", "base_url", "roles", "price", "budget", "gates", "thorough", "speak", "out")
"""What a file may decide: a folder from elsewhere must not switch the sandbox off."""
WHOM_TO_ASK = frozenset({"model", "roles", "base_url"})
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


def _budget(typed: Any) -> Any:
    is_number = isinstance(typed, int | float) and not isinstance(typed, bool)
    if not is_number and not isinstance(typed, str):
        return typed
    try:
        return budget_of(str(typed))
    except ValueError as error:
        raise ValueError(f"{typed!r} is none; 3.00 and 200k are") from error


class Settings(BaseModel):
    """What the user chose for one run; kept with it, so that `resume` needs no flags.

    Secrets are never in here: keys are read from the environment when a model is asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="", description="name of the model, or recording:FILE")
    base_url: str = Field(default="", description="address of an OpenAI-compatible endpoint")
    roles: dict[RoleKey, str] = Field(default_factory=dict, description="a role's own model")
    price: Price | None = Field(default=None, description="None: as the tables of prices say")
    budget: Annotated[Budget | None, BeforeValidator(_budget)] = Field(
        default=None, description="None: without limit"
    )
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


def settings_file(*folders: Path) -> Path | None:
    """The settings file in the first of the folders that has one."""
    files = (folder / SETTINGS_FILE for folder in folders)
    return next((file for file in files if file.is_file()), None)


def read_settings(file: Path) -> dict[str, Any]:
    """The settings that a file decides.

    Raises:
        UsageError: it can't be read, or a key is unknown or wrong.
    """
    try:
        kept = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"settings file {str(file)!r} can't be read: {error}") from error
    for name in kept:
        if name not in FILE_KEYS:
            raise UsageError(
                f"settings file {str(file)!r}: {name!r} is no key of it; {', '.join(FILE_KEYS)} are"
            )
    try:
        Settings.model_validate(kept)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise UsageError(f"settings file {str(file)!r}: {key}: {first['msg']}") from error
    return kept


def settings_of(given: Mapping[str, Any], kept: Mapping[str, Any]) -> Settings:
    """What was typed or set in the environment; else what the settings file says.

    Who names a model names the address too, or leaves it to the provider: a key is never sent to
    an address that was meant for another model.

    Args:
        given: None or empty text where nothing was given.
        kept: what a file decides, as `read_settings` returns it.
    """
    said = {name: value for name, value in given.items() if value not in (None, "")}
    if "model" in said:
        kept = {name: value for name, value in kept.items() if name not in WHOM_TO_ASK}
    roles = {**kept.get("roles", {}), **said.get("roles", {})}
    return Settings.model_validate({**kept, **said, "roles": roles})


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

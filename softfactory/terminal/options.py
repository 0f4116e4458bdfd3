"""Options of the command line, read; what can't be read is a UsageError that names it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from softfactory.config import (
    Budget,
    Price,
    Settings,
    budget_of,
    read_settings,
    settings_file,
    settings_of,
)
from softfactory.errors import UsageError


def settings_from(given: Mapping[str, Any]) -> Settings:
    """What was typed, completed by the settings file, which is named: it says who is asked."""
    gates = given.get("gates")
    read = {
        "price": price_from(given.get("price", "")),
        "budget": budget_from(given.get("budget", "")),
        "gates": gates_from(gates) if gates else gates,
    }
    from platformdirs import user_config_path  # slow enough to keep out of --help

    file = settings_file(Path.cwd(), user_config_path("softfactory"))
    if file:
        print(f"settings: {file}", file=sys.stderr)
    settings = settings_of({**given, **read}, read_settings(file) if file else {})
    out = str(Path(settings.out).expanduser().absolute()) if settings.out else ""
    return settings.model_copy(update={"out": out, "folder": str(Path.cwd())})


def idea_from(idea: str, file: Path | None) -> str:
    """The idea that was typed, or the file's contents."""
    if file is None:
        return idea
    if idea:
        raise UsageError("give the idea or --file, not both")
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--file {str(file)!r} can't be read: {error}") from error


def gates_from(names: str) -> tuple[Any, ...]:
    """Gates by their names, separated by commas."""
    known = ("prd", "design", "plan", "delivery")
    chosen = tuple(filter(None, (name.strip() for name in names.split(","))))
    for name in chosen:
        if name not in known:
            raise UsageError(f"--gates {name!r} is no gate; {', '.join(known)} are")
    return chosen


def budget_from(text: str) -> Budget | None:
    """A budget, or None where nothing was typed."""
    if not text:
        return None
    try:
        return budget_of(text)
    except ValueError as error:
        raise UsageError(f"--budget {text!r} is none; 3.00 and 200k are") from error


def price_from(text: str) -> Price | None:
    """A price as IN/OUT, or None where nothing was typed."""
    if not text:
        return None
    try:
        given, taken = map(float, text.split("/"))
        return Price(input=given, output=taken)
    except ValueError as error:
        raise UsageError(f"--price {text!r} is not IN/OUT, as 0.15/0.60") from error

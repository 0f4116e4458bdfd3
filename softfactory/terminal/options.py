"""Options of the command line, read; what can't be read is a UsageError that names it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from softfactory.config import Budget, Price, budget_of
from softfactory.errors import UsageError

Name = Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its name.")]
Model = Annotated[
    list[str] | None,
    typer.Option(
        envvar="SOFTFACTORY_MODEL",
        help="NAME, PROVIDER:NAME or recording:FILE; ROLE=... for one role; repeatable.",
    ),
]
BaseUrl = Annotated[
    str,
    typer.Option(
        envvar="SOFTFACTORY_BASE_URL", help="An OpenAI-compatible endpoint; default: OpenAI's."
    ),
]
PriceOption = Annotated[
    str, typer.Option(metavar="IN/OUT", help="US dollars per million tokens, as 0.15/0.60.")
]
Json = Annotated[bool, typer.Option("--json", help="Print events as JSON lines.")]
Step = Annotated[int | None, typer.Argument(metavar="STEP", help="Its number in `log`.")]


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


def edits_from(given: list[str]) -> dict[Any, dict[str, Any]]:
    """Edited documents by their gate, from options like prd=FILE."""
    return dict(_edit(text) for text in given)


def _edit(text: str) -> tuple[str, dict[str, Any]]:
    import yaml  # slow enough to keep out of --help

    gate, equals, name = text.partition("=")
    if not equals or gate not in ("prd", "design", "plan"):
        raise UsageError(f"--edit {text!r} is not prd=FILE, design=FILE or plan=FILE")
    try:
        document = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"--edit {name!r} can't be read: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"--edit {name!r} holds no document: YAML or JSON with named fields")
    return gate, document

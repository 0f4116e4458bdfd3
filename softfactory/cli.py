"""The command line. Commands import what they need when they run: `--help` must be quick."""

import asyncio
import io
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from softfactory import __version__
from softfactory.config import Settings, home, models_of
from softfactory.errors import SoftfactoryError, UsageError
from softfactory.serving import serve
from softfactory.terminal import past, store
from softfactory.terminal.options import (
    BaseUrl,
    Json,
    Model,
    Name,
    PriceOption,
    budget_from,
    edits_from,
    gates_from,
    idea_from,
    price_from,
)

T = TypeVar("T")

app = typer.Typer(
    help="A software company in a box: one idea in, a working, tested repository out.",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(past.app)
app.add_typer(store.app)


@app.command()
def build(
    idea: Annotated[str, typer.Argument(help="What shall be built, in any language.")] = "",
    file: Annotated[Path | None, typer.Option(help="Read the idea from a file.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the product.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Open all gates: ask no questions.")] = False,
    gates: Annotated[
        str, typer.Option(help="Where to ask you: prd, design, plan, delivery.")
    ] = "prd",
    model: Model = None,
    base_url: BaseUrl = "",
    price: PriceOption = "",
    budget: Annotated[str, typer.Option(help="What it may cost: 3.00, or 200k tokens.")] = "",
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough", help="Second readings of requirements and design for small products too."
        ),
    ] = False,
    speak: Annotated[bool, typer.Option("--speak", help="A spoken summary at delivery.")] = False,
    unsafe_local: Annotated[
        bool, typer.Option("--unsafe-local", help="Run what is written without isolation.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Build a product from an idea."""
    if yes and gates != "prd":
        raise UsageError("--yes opens all gates, --gates closes some: give one of them")
    settings = Settings(
        **models_of(model or []),
        base_url=base_url,
        price=price_from(price),
        budget=budget_from(budget),
        gates=() if yes else gates_from(gates),
        thorough=thorough,
        speak=speak,
        unsafe_local=unsafe_local,
        out=str(out.expanduser().absolute()) if out else "",
        folder=str(Path.cwd()),
    )
    _begin(idea_from(idea, file), settings, as_json=as_json)


@app.command()
def demo(
    name: Annotated[str, typer.Argument(help="Which one; --list names them.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder of the product.")] = None,
    show: Annotated[bool, typer.Option("--list", help="List the recorded runs.")] = False,
    as_json: Json = False,
) -> None:
    """Replay a recorded run: no key and no network, everything else is real."""
    from softfactory.terminal.demos import demo_settings, print_demos

    if show:
        print_demos()
        return
    idea, settings = demo_settings(name, out)
    _begin(idea, settings, as_json=as_json)


@app.command()
def answer(
    name: Name,
    decision: Annotated[str, typer.Argument(help="approve, edit, revise, retry or stop.")],
    words: Annotated[str, typer.Argument(help="With revise: what to change, or a hint.")] = "",
    reply: Annotated[
        list[str] | None, typer.Option(help="To the open questions, in their order; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer what a run waits for, and go on with it."""
    from softfactory.terminal.answering import Spoken, decision_for
    from softfactory.terminal.attend import attend

    run, decided = decision_for(home(), name, Spoken(decision, words, tuple(reply or ())))
    raise typer.Exit(attend(home(), run, decided, as_json=as_json))


@app.command()
def resume(
    name: Name,
    model: Annotated[list[str] | None, typer.Option(help="Go on with another model.")] = None,
    base_url: Annotated[str, typer.Option(help="Go on at another endpoint.")] = "",
    budget: Annotated[str, typer.Option(help="Go on with another budget.")] = "",
    as_json: Json = False,
) -> None:
    """Go on with a run that was stopped, paused, failed or killed."""
    from softfactory.terminal.answering import resumable
    from softfactory.terminal.attend import attend

    changes = {**models_of(model or []), "base_url": base_url, "budget": budget_from(budget)}
    run = resumable(home(), name, {key: value for key, value in changes.items() if value})
    raise typer.Exit(attend(home(), run, as_json=as_json))


@app.command()
def fork(
    name: Name,
    at: Annotated[
        str, typer.Option(metavar="STEP", help="A step's number, or prd, design, plan, delivery.")
    ] = "prd",
    edit: Annotated[
        list[str] | None,
        typer.Option(metavar="DOC=FILE", help="Go on with this prd, design or plan (YAML)."),
    ] = None,
    model: Annotated[list[str] | None, typer.Option(help="Go on with another model.")] = None,
    base_url: Annotated[str, typer.Option(help="Go on at another endpoint.")] = "",
    hint: Annotated[str, typer.Option(help="A word to the company.")] = "",
    as_json: Json = False,
) -> None:
    """Begin a new run where another one stood, files and all; only what differs is paid."""
    from softfactory.history import ForkChange
    from softfactory.terminal.attend import attend, forked

    settings = {**models_of(model or []), "base_url": base_url}
    changed = {key: value for key, value in settings.items() if value}
    change = ForkChange(edits_from(edit or []), changed, hint)
    raise typer.Exit(attend(home(), forked(home(), name, at, change), as_json=as_json))


@app.command()
def stop(name: Name) -> None:
    """Stop a run, wherever it is being worked on; it can be resumed."""
    from softfactory.terminal.attend import print_stop

    _run(print_stop(home(), name))


@app.command()
def runs() -> None:
    """List all runs."""
    from softfactory.terminal.listing import print_runs

    _run(print_runs(home()))


@app.command()
def show(name: Name) -> None:
    """Show where a run stands and what it waits for."""
    from softfactory.terminal.listing import print_run

    _run(print_run(home(), name))


@app.command()
def cost(name: Name) -> None:
    """Show what a run has cost, by role and skill."""
    from softfactory.terminal.bill import print_cost

    _run(print_cost(home(), name))


@app.command()
def models() -> None:
    """List providers of models, which keys are there, and known prices."""
    from softfactory.terminal.bill import print_models

    print_models(home())


@app.command()
def doctor(model: Model = None, base_url: BaseUrl = "") -> None:
    """Check in a few seconds what this machine lacks for a real run, and how to mend it."""
    from softfactory.terminal.doctor import diagnose

    settings = Settings(**models_of(model or []), base_url=base_url)
    raise typer.Exit(_run(diagnose(home(), settings)))


@app.command()
def log(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the run rests.")] = False,
    as_json: Json = False,
) -> None:
    """Print what has happened in a run."""
    from softfactory.terminal.listing import print_log

    _run(print_log(home(), name, follow=follow, as_json=as_json))


@app.command()
def graph() -> None:
    """Print the company's process as a Mermaid diagram."""
    from softfactory.studio import picture

    print(_run(picture()))


app.command()(serve)


@app.callback()
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        print(f"softfactory {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line; errors of ours are one line and an exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        app()
    except SoftfactoryError as error:
        print(f"softfactory: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _begin(idea: str, settings: Settings, *, as_json: bool) -> None:
    from softfactory.terminal.attend import attend, begun

    raise typer.Exit(attend(home(), _run(begun(home(), idea, settings)), as_json=as_json))


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)

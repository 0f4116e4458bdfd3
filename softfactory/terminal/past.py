"""Commands about what a run has done: one step back, differences, words to the company."""

import asyncio
import sys
from typing import Annotated, cast, get_args

import typer

from softfactory.config import RoleKey, home
from softfactory.errors import UsageError
from softfactory.terminal.options import Name, Step

app = typer.Typer()


@app.command()
def undo(name: Name) -> None:
    """Go one step back; what was done stays in the product's history."""
    asyncio.run(_undo(name))


@app.command()
def diff(name: Name, first: Step = None, second: Step = None) -> None:
    """Show what the last step changed, or one step, or all between two."""
    asyncio.run(_diff(name, first, second))


@app.command()
def say(
    name: Name,
    words: Annotated[str, typer.Argument(help="What the company is to heed from now on.")],
    to: Annotated[str, typer.Option(metavar="ROLE", help="Only to one role, as engineer.")] = "",
) -> None:
    """Say something to the company while it works: it is heard at the next step."""
    if to and to not in get_args(RoleKey):
        raise UsageError(f"--to {to!r} is no role; {', '.join(get_args(RoleKey))} are")
    asyncio.run(_say(name, words, cast(RoleKey, to) if to else None))


async def _undo(name: str) -> None:
    from softfactory.service import open_service  # slow enough to keep out of --help
    from softfactory.terminal.attend import next_step
    from softfactory.terminal.screens import words_of_step

    async with open_service(home()) as service:
        step = await service.undo(name)
        run = await service.runs.get(name)
    print(f"Run {run.id} stands at {words_of_step(step)}\n{next_step(run)}")


async def _diff(name: str, first: int | None, second: int | None) -> None:
    from rich.console import Console  # slow enough to keep out of --help
    from rich.syntax import Syntax

    from softfactory.service import open_service

    async with open_service(home()) as service:
        text = await service.diff(name, first, second)
    if sys.stdout.isatty() and text:
        Console().print(Syntax(text, "diff", background_color="default", word_wrap=True))
    else:
        print(text, end="")


async def _say(name: str, words: str, to: RoleKey | None) -> None:
    from softfactory.service import open_service  # slow enough to keep out of --help

    async with open_service(home()) as service:
        await service.say(name, words, to)
        run = await service.runs.get(name)
    heard = "it is heard at the next step" if run.owned else "it is heard when the run goes on"
    print(f"Noted for run {run.id}: {heard}")

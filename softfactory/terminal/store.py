"""Commands about what is kept of runs."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from softfactory.config import home
from softfactory.terminal.options import Name

app = typer.Typer()
ToWrite = Annotated[Path, typer.Argument(help="File to write.")]


@app.command()
def export(
    name: Name,
    recording: Annotated[Path, typer.Option(help="File to write.")],
    about: Annotated[str, typer.Option(help="One line about it.")] = "",
) -> None:
    """Write a run's model calls as a recording that replays without a model."""
    asyncio.run(_export(name, recording, about))


@app.command()
def archive(name: Name, file: ToWrite) -> None:
    """Write all that is kept of a run into one file, for another machine."""
    asyncio.run(_archive(name, file))


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="What `archive` wrote.")]) -> None:
    """Bring an archived run back; its product lands in this folder."""
    asyncio.run(_restore(file))


@app.command()
def delete(name: Name) -> None:
    """Forget a run and all that is kept of it, but for the product's folder."""
    asyncio.run(_delete(name))


@app.command()
def gc() -> None:
    """Shrink what is kept of finished runs; they can still be shown, forked and exported."""
    asyncio.run(_gc())


async def _export(name: str, recording: Path, about: str) -> None:
    from softfactory.service import open_service  # slow enough to keep out of --help

    async with open_service(home()) as service:
        print(f"{await service.export(name, recording, about)} calls in {recording}")


async def _archive(name: str, file: Path) -> None:
    from softfactory.service import open_service  # slow enough to keep out of --help

    async with open_service(home()) as service:
        await service.archive(name, file)
    print(f"Written: `softfactory restore {file}` brings it back")


async def _restore(file: Path) -> None:
    from softfactory.service import open_service  # slow enough to keep out of --help
    from softfactory.terminal.attend import next_step

    async with open_service(home()) as service:
        run = await service.restore(file, await asyncio.to_thread(Path.cwd))
    print(next_step(run))


async def _delete(name: str) -> None:
    from softfactory.service import open_service  # slow enough to keep out of --help

    async with open_service(home()) as service:
        run = await service.runs.get(name)
        await service.delete(run.id)
    kept = f"; {run.out} is left as it is" if run.out else ""
    print(f"Run {run.id} is forgotten{kept}")


async def _gc() -> None:
    from softfactory.service import open_service  # slow enough to keep out of --help

    async with open_service(home()) as service:
        print(f"{await service.gc():,} bytes freed")

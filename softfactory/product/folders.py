"""The user's folder of a product: which one it is, and that it is nobody else's."""

import asyncio
import os
from itertools import count
from pathlib import Path

from softfactory.errors import FolderTaken
from softfactory.product.git import git


async def refuse_foreign(folder: Path, run: str) -> None:
    """Refuse a folder that holds anything but this run's product, or can't be written.

    Raises:
        FolderTaken: it is a file, not empty and not published by the run, or out of reach.
    """
    trouble = await asyncio.to_thread(_trouble, folder)
    if trouble and not (run and await _run_of(folder) == run):
        raise FolderTaken(f"{str(folder)!r} {trouble}; choose another folder with --out")


async def free_folder(base: Path, name: str, run: str) -> Path:
    """The folder of this name in `base`, or else the first one with a number behind it."""
    for number in count(1):
        folder = base / (name if number == 1 else f"{name}-{number}")
        trouble = await asyncio.to_thread(_trouble, folder)
        if trouble != "is not empty" or await _run_of(folder) == run:
            return folder
    raise AssertionError("there is no last number")


def _trouble(folder: Path) -> str:
    """Why nothing can be put there; empty if it can."""
    if folder.is_dir() and any(folder.iterdir()):
        return "is not empty"
    return out_of_reach(folder)


def out_of_reach(folder: Path) -> str:
    """Why nothing can be written there; empty if it can."""
    if folder.exists() and not folder.is_dir():
        return "is a file"
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return "" if os.access(existing, os.W_OK | os.X_OK) else f"can't be made in {str(existing)!r}"


async def _run_of(folder: Path) -> str:
    """The run that a folder was published from; empty if none."""
    if not await asyncio.to_thread((folder / ".git").exists):
        return ""
    return (await git(folder, "config", "softfactory.run", may_fail=True) or b"").decode().strip()

"""The user's folder of a product: which one it is, and that it is nobody else's."""

import asyncio
from itertools import count
from pathlib import Path

from softfactory.errors import FolderTaken
from softfactory.product.git import git


async def refuse_foreign(folder: Path, run: str) -> None:
    """Refuse a folder that holds anything but this run's product.

    Raises:
        FolderTaken: it is not empty, and was not published by the run.
    """
    is_free = await asyncio.to_thread(_is_free, folder)
    if not is_free and (not run or await _run_of(folder) != run):
        raise FolderTaken(f"{str(folder)!r} is not empty; choose another folder with --out")


async def free_folder(base: Path, name: str, run: str) -> Path:
    """The folder of this name in `base`, or else the first one with a number behind it."""
    for number in count(1):
        folder = base / (name if number == 1 else f"{name}-{number}")
        try:
            await refuse_foreign(folder, run)
        except FolderTaken:
            continue
        return folder
    raise AssertionError("there is no last number")


def _is_free(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


async def _run_of(folder: Path) -> str:
    """The run that a folder was published from; empty if none."""
    if not await asyncio.to_thread((folder / ".git").exists):
        return ""
    return (await git(folder, "config", "softfactory.run", may_fail=True) or b"").decode().strip()

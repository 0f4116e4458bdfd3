"""A private HOME for every run, thrown away with it."""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from softfactory.sandbox.identity import own

_PREFIX = "softfactory-run-"


@asynccontextmanager
async def scratch(uid: int | None) -> AsyncIterator[Path]:
    """Make a folder with ``tmp`` and ``shm`` for the program's user, and remove it afterwards."""
    folder = await asyncio.to_thread(_make, uid)
    try:
        yield folder
    finally:
        await asyncio.to_thread(discard, folder)


def discard(folder: Path) -> None:
    """Remove a folder that generated code filled, however it closed or nested its folders."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        for words in (("chmod", "-R", "u+rwX", "--"), ("rm", "-rf", "--")):
            subprocess.run([*words, str(folder)], capture_output=True, check=False)


def sweep(place: Path, pattern: str, older_s: float) -> None:
    """Discard folders that nobody came back for, because their process was killed."""
    for path in place.glob(pattern):
        try:
            found = path.lstat()
        except OSError:
            continue
        if found.st_uid == os.geteuid() and time.time() - found.st_mtime > older_s:
            discard(path)


def sweep_runs() -> None:
    """Discard what runs of more than a day ago left behind."""
    sweep(Path(tempfile.gettempdir()), f"{_PREFIX}*", 24 * 3600)


def _make(uid: int | None) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    folder.chmod(0o755)
    for name in ("tmp", "shm"):
        (folder / name).mkdir()
        own(folder / name, uid)
    return folder

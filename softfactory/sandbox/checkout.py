"""A folder for one product and one try: filled by us, run in the sandbox, read with care, gone."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from softfactory.sandbox.collect import read_collected, read_pictures
from softfactory.sandbox.scratch import discard


@dataclass(frozen=True)
class Checkout:
    """The folder."""

    folder: Path

    async def put(self, files: Mapping[str, str]) -> None:
        """Write files into it."""
        await asyncio.to_thread(_put, self.folder, files)

    async def collected(self, name: str, limit_bytes: int) -> bytes:
        """What was left behind in a file; nothing if it is none, or larger than the limit."""
        try:
            return await asyncio.to_thread(read_collected, self.folder, name, limit_bytes)
        except OSError:
            return b""

    async def pictures(self, below: str) -> dict[str, bytes]:
        """The PNG files that were left behind in a folder of it, by name."""
        return await asyncio.to_thread(read_pictures, self.folder, below)


@asynccontextmanager
async def checkout() -> AsyncIterator[Checkout]:
    """A new one, empty, that is thrown away afterwards."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="softfactory-"))
    try:
        yield Checkout(folder)
    finally:
        await asyncio.to_thread(discard, folder)


def _put(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")

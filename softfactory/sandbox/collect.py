"""Reading what generated code left behind, without following its tricks."""

import os
import re
import stat
from pathlib import Path, PurePosixPath

PICTURE_BYTES = 2 << 20
PICTURES = 64
_PNG = b"\x89PNG\r\n\x1a\n"
_PICTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}\.png")
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_collected(checkout: Path, relative: str, limit_bytes: int) -> bytes:
    """Read a file below the checkout that generated code may have tampered with.

    Raises OSError for links at any place of the path, for anything but a plain file with one
    name, and for more than ``limit_bytes``. Blocks as any file does, but never on a FIFO.
    """
    descriptor = _open_below(checkout, _parts(relative))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise OSError(f"{relative!r} is not a plain file with one name")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            data = file.read(limit_bytes + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit_bytes:
        raise OSError(f"{relative!r} is larger than {limit_bytes} bytes")
    return data


def read_pictures(checkout: Path, folder: str) -> dict[str, bytes]:
    """Read the PNG files right in a folder of the checkout, by name; none if there is no folder.

    What is no plain PNG file with a plain name is left out, and so is what comes after the first
    ``PICTURES``, by name, or is larger than ``PICTURE_BYTES``. Blocks as reading files does.
    """
    try:
        names = _names_in(checkout, folder)
    except OSError:
        return {}
    found: dict[str, bytes] = {}
    for name in sorted(filter(_PICTURE.fullmatch, names))[:PICTURES]:
        try:
            data = read_collected(checkout, f"{folder}/{name}", PICTURE_BYTES)
        except OSError:
            continue
        if data.startswith(_PNG):
            found[name] = data
    return found


def _names_in(checkout: Path, folder: str) -> list[str]:
    descriptor = _open_below(checkout, _parts(folder))
    try:
        return os.listdir(descriptor)  # noqa: PTH208 - of a folder that nobody can exchange
    finally:
        os.close(descriptor)


def _parts(relative: str) -> tuple[str, ...]:
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in relative:
        raise OSError(f"{relative!r} is not a path below the checkout")
    return path.parts


def _open_below(checkout: Path, parts: tuple[str, ...]) -> int:
    current = os.open(checkout, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for place, name in enumerate(parts, start=1):
        folder = 0 if place == len(parts) else os.O_DIRECTORY
        try:
            following = os.open(name, _OPEN | folder, dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current

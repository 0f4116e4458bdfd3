"""Reading what generated code left behind, without following its tricks."""

import os
import stat
from pathlib import Path, PurePosixPath

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_collected(checkout: Path, relative: str, limit_bytes: int) -> bytes:
    """Read a file below the checkout that generated code may have tampered with.

    Raises OSError for links at any place of the path, for anything but a plain file with one
    name, and for more than ``limit_bytes``. Blocks as any file does, but never on a FIFO.
    """
    descriptor = _open_below(checkout, relative)
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


def _open_below(checkout: Path, relative: str) -> int:
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in relative:
        raise OSError(f"{relative!r} is not a path below the checkout")
    current = os.open(checkout, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for place, name in enumerate(path.parts, start=1):
        folder = 0 if place == len(path.parts) else os.O_DIRECTORY
        try:
            following = os.open(name, _OPEN | folder, dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current

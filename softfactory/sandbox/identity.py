"""Who generated code runs as, and what that user can reach.

Limits on the number of processes don't bind root, so under root every program becomes nobody.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

NOBODY = 65534


def program_uid() -> int | None:
    """Return the user a program must become, or None where it can stay who we are."""
    return NOBODY if os.geteuid() == 0 else None


def reachable(path: Path, uid: int) -> bool:
    """Tell whether this user, without groups of its own, can read and enter the path."""
    real = path.resolve()
    try:
        return all(_grants(p, uid, 0o1) for p in real.parents) and _grants(real, uid, 0o5)
    except OSError:
        return False


def own(folder: Path, uid: int | None) -> None:
    """Give the folder and what is in it to this user; with None only make it usable.

    Files with several names stay as they are: their other names may lie outside.
    """
    folder.chmod(0o700)
    if uid is None:
        return
    for path in _everything(folder):
        try:
            _give(path, uid)
        except OSError:
            continue  # a path too long to be named: the program made it and can keep it


def tasks_of(uid: int) -> int:
    """Count the processes and threads of a user, because RLIMIT_NPROC counts them all."""
    count = 0
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and folder.stat().st_uid == uid:
                count += len(list((folder / "task").iterdir()))
        except OSError:
            continue
    return count


def _grants(path: Path, uid: int, bits: int) -> bool:
    found = path.stat()
    shift = 6 if found.st_uid == uid else 3 if found.st_gid == uid else 0
    return (found.st_mode >> shift) & bits == bits


def _give(path: Path, uid: int) -> None:
    found = path.lstat()
    several = stat.S_ISREG(found.st_mode) and found.st_nlink > 1
    if found.st_uid != uid and not several:
        os.chown(path, uid, uid, follow_symlinks=False)


def _everything(folder: Path) -> Iterator[Path]:
    """Walk without recursion: generated code may have nested folders by the thousand."""
    todo = [folder]
    while todo:
        path = todo.pop()
        yield path
        try:
            if not path.is_symlink() and path.is_dir():
                todo += path.iterdir()
        except OSError:
            continue

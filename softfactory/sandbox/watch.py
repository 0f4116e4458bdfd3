"""The watchdog's eyes: what a tree of processes uses, and whether that is too much."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from softfactory.sandbox.interface import Limits, Reason
from softfactory.sandbox.launcher import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512
_OVERHEAD = 2  # bubblewrap itself, outside and inside
_PATIENCE = 20  # looks at a folder that cannot be looked into before that counts as hiding


@dataclass(frozen=True)
class Usage:
    """One look at a run; ``hidden`` says that a folder could not be looked into."""

    rss: int = 0
    processes: int = 0
    disk: int = 0
    files: int = 0
    hidden: bool = False


class Watch:
    """Looks at one run again and again, remembering the peak."""

    def __init__(self, pid: int, folders: tuple[Path, ...], limits: Limits) -> None:
        self.peak_rss = 0
        self._pid = pid
        self._folders = folders
        self._limits = limits
        self._blind = 0

    def look(self) -> Reason | None:
        """Return the limit that is broken now, if any; blocks for some milliseconds."""
        pids = descendants(self._pid)
        usage = measure(pids, self._folders)
        self.peak_rss = max(self.peak_rss, usage.rss)
        self._blind = self._blind + 1 if usage.hidden else 0
        if usage.processes > self._limits.processes + _OVERHEAD:
            return "processes"
        if usage.rss > self._limits.memory_bytes and self._really_too_much(pids):
            return "memory"
        full = usage.disk > self._limits.disk_bytes or usage.files > self._limits.files
        return "disk" if full or self._blind > _PATIENCE else None

    def _really_too_much(self, pids: list[int]) -> bool:
        """Count shared pages once: slower, so only asked when the quick sum is too high."""
        return sum(map(_proportional, pids)) > self._limits.memory_bytes


def measure(pids: list[int], folders: Iterable[Path]) -> Usage:
    """Add up the memory of the processes and the files they can fill the disk with."""
    nameless = dict(pair for pid in pids for pair in _nameless_files(pid))
    disk, files, hidden = sum(nameless.values()), len(nameless), False
    todo = [str(folder) for folder in folders]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    files += 1
                    disk += _size(entry)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # gone in the meantime
        except OSError:
            hidden = True  # closed, or nested too deep
    return Usage(sum(map(_resident, pids)), len(pids), disk, files, hidden)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_blocks * _BLOCK
    except OSError:
        return 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return _resident(pid)
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line[:4] == "Pss:")


def _nameless_files(pid: int) -> list[tuple[tuple[int, int], int]]:
    """Find open files without a name, deleted or never named: no folder shows their bytes."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 - many times a second
    except OSError:
        return []
    found = []
    for name in names:
        try:
            status = os.stat(f"{folder}/{name}")  # noqa: PTH116 - many times a second
        except OSError:
            continue  # closed in the meantime
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
            found.append(((status.st_dev, status.st_ino), status.st_blocks * _BLOCK))
    return found

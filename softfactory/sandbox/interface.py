"""What the rest of the program knows about a sandbox: a command goes in, a result comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

WORKSPACE = "/workspace"
MIB = 1 << 20

Reason = Literal["exit", "timeout", "cpu", "memory", "disk", "processes", "output"]


@dataclass(frozen=True)
class Limits:
    """What one run of generated code may use; times in seconds, sizes in bytes.

    ``cpu_s`` and ``file_bytes`` are per process and per file, ``output_bytes`` per stream (kept;
    more is dropped). Everything else is for the whole tree of processes: ``disk_bytes`` and
    ``files`` count the checkout together with the private HOME.
    """

    wall_s: float = 60
    cpu_s: int = 60
    memory_bytes: int = 1024 * MIB
    processes: int = 128
    file_bytes: int = 64 * MIB
    disk_bytes: int = 256 * MIB
    files: int = 5000
    output_bytes: int = MIB
    open_files: int = 512


@dataclass(frozen=True)
class Command:
    """One program to run, with the one folder it may write to.

    ``readable`` are further folders it may read, by their own names. Name files of the checkout by
    relative paths: the working directory is the checkout, whatever it is called inside.
    """

    argv: tuple[str, ...]
    checkout: Path
    limits: Limits = Limits()
    env: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    stdin: str = ""


@dataclass(frozen=True)
class RunResult:
    """How a run ended; ``exit_code`` is None when it was killed for the ``reason``.

    A program that died of signal n has exit code 128 + n. ``peak_rss`` is the highest sum of
    resident memory seen over the whole tree, in bytes, sampled every tenth of a second.
    """

    exit_code: int | None
    stdout: str
    stderr: str
    truncated: bool
    reason: Reason
    wall_s: float
    peak_rss: int
    isolation: str


class Sandbox(Protocol):
    """A place where generated code can run and do no harm."""

    @property
    def isolation(self) -> str:
        """Say what holds the program: "bubblewrap", "landlock", "docker" or "none"."""
        ...

    @property
    def offers_loopback(self) -> bool:
        """Tell whether programs of one run can reach each other through sockets, and only them.

        Without isolation they can, and reach everything else as well.
        """
        ...

    async def run(self, command: Command) -> RunResult:
        """Run the command to its end; afterwards none of its processes is left.

        Raises SandboxUnavailable when the walls could not be put up: then nothing was run.
        """
        ...

"""The interpreter below every product's environment: never softfactory's own environment."""

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path

from softfactory.errors import EnvironmentFailed
from softfactory.sandbox.identity import program_uid, reachable

_OTHERS = ("/usr/bin/python3", "/usr/local/bin/python3")
_OLDEST = (3, 11)
_ASK = (
    "import json, sys; "
    "print(json.dumps([list(sys.version_info[:3]), sys.base_prefix, sys.implementation.cache_tag]))"
)


@dataclass(frozen=True)
class BasePython:
    """An interpreter outside of any environment; ``prefix`` holds its standard library."""

    executable: Path
    version: tuple[int, ...]
    prefix: Path

    @property
    def readable(self) -> tuple[Path, ...]:
        """What a sandbox must show besides /usr for this interpreter to start."""
        return () if self.prefix.is_relative_to("/usr") else (self.prefix,)

    @property
    def label(self) -> str:
        """Name the interpreter so that two of them never share an environment."""
        return f"{'.'.join(map(str, self.version))} {self.executable}"


_chosen: list[BasePython] = []
"""At most one: looking starts interpreters, and none that answered goes away."""


async def base_python() -> BasePython:
    """Return the interpreter for products, looked for once in the life of this process."""
    if not _chosen:
        _chosen.append(await find_base_python())
    return _chosen[0]


async def find_base_python() -> BasePython:
    """Return the interpreter for products: ours, or one the program's user can reach.

    Under root programs run as nobody, who can't enter root's home; then the system's interpreter
    serves if it is 3.11 or newer. Raises EnvironmentFailed if no interpreter answers.
    """
    own = str(getattr(sys, "_base_executable", "") or sys.executable)
    found = [base for path in (own, *_OTHERS) if (base := await _ask(Path(path)))]
    if not found:
        raise EnvironmentFailed(f"no Python of version 3.11 or newer: {own!r} doesn't answer")
    uid = program_uid()
    if uid is not None:
        return next((base for base in found if _open_to(base, uid)), found[0])
    return found[0]


def _open_to(base: BasePython, uid: int) -> bool:
    return reachable(base.executable, uid) and reachable(base.prefix, uid)


async def _ask(path: Path) -> BasePython | None:
    real = await asyncio.to_thread(path.resolve)
    try:
        process = await asyncio.create_subprocess_exec(
            *(str(real), "-I", "-S", "-c", _ASK), stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
        )
        answer, _ = await process.communicate()
        version, prefix, _ = json.loads(answer)
    except (OSError, ValueError):
        return None
    if tuple(version) < _OLDEST:
        return None
    return BasePython(real, tuple(version), await asyncio.to_thread(Path(prefix).resolve))

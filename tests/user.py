"""A sandbox as an ordinary user has it, for tests that run as root."""

import asyncio
import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import softfactory
from softfactory.sandbox import Command, RunResult, Sandbox

SOMEBODY = 12345
DRIVER = """
import asyncio, dataclasses, json, sys
from pathlib import Path
from softfactory.sandbox import Command, Limits
from softfactory.sandbox.bubblewrap import Bubblewrap
from softfactory.sandbox.landlock import Landlock, Unconfined
told = json.load(sys.stdin)
kinds = {"bubblewrap": Bubblewrap, "landlock": Landlock, "none": Unconfined}
sandbox = kinds[told.pop("sandbox")]()
told["argv"] = tuple(told["argv"])
told["checkout"] = Path(told["checkout"])
told["readable"] = tuple(map(Path, told["readable"]))
told["limits"] = Limits(**told["limits"])
print(json.dumps(dataclasses.asdict(asyncio.run(sandbox.run(Command(**told))))))
"""


class AsUser:
    """Hands every command to a process of that user."""

    def __init__(self, inner: Sandbox, python: Path, library: Path) -> None:
        self.isolation = inner.isolation
        self.offers_loopback = inner.offers_loopback
        self._python = python
        self._library = library

    async def run(self, command: Command) -> RunResult:
        """Run the command as that user runs it."""
        for path in (command.checkout, *command.checkout.rglob("*")):
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
        told = {**dataclasses.asdict(command), "sandbox": self.isolation}
        process = await asyncio.create_subprocess_exec(
            *("setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"),
            *(str(self._python), "-c", DRIVER),
            env={**os.environ, "PYTHONPATH": str(self._library), "HOME": "/nonexistent"},
            cwd="/",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(json.dumps(told, default=str).encode())
        answer: dict[str, Any] = json.loads(said)
        return RunResult(**answer)


def copy_library(target: Path) -> None:
    """Put as much of the package as a sandbox needs where every user can read it."""
    source = Path(softfactory.__path__[0])
    shutil.copytree(source / "sandbox", target / "softfactory" / "sandbox")
    for file in ("__init__.py", "errors.py"):
        shutil.copy(source / file, target / "softfactory")
    target.chmod(0o755)

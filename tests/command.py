"""The real command in a process of its own, as a user starts it."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

PROGRAM = (
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from softfactory.cli import main; main()",
)
"""The command, heeding Ctrl-C even if a shell that runs the tests in the background ignores it."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Terminal:
    """A folder and a data folder in which commands are typed."""

    folder: Path

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start a command and leave it running."""
        known = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        known["SOFTFACTORY_HOME"] = str(self.folder / "home")
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=known | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> Done:
        """Run a command to its end."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=120)
        return Done(process.returncode, out, err)

    def kill(self, process: "subprocess.Popen[str]") -> None:
        """End a command as a power cut would, with all that it started."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        process.wait()

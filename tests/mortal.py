"""Kills a run at every point of its life, one after another, until it has outlived them all.

    python -m tests.mortal FOLDER PLACE [PHASES [POINT [LIFE]]]

A warm process forks children that work on the run. A child dies by SIGKILL at the first point at
which no child has died before, the next one goes on; with a POINT only there. Points are seen by
the interpreter's profiler, nothing is patched: whenever one of the functions below begins, is
suspended for the first time, or ends (the phases before, during and after). Of a LIFE that is
"undone" two steps are taken back; one that is "isolated" has the real sandbox.
"""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from softfactory.config import Settings
from softfactory.service import open_service
from softfactory.workplace import Outside
from tests import calculator
from tests.workshop import LastingModel

WATCHED: dict[str, Callable[[dict[str, Any]], str]] = {
    "LastingModel.reply": lambda f: f["request"].skill + " " + f["request"].subject,
    "Ledger.record": lambda f: f["request"].skill + " " + f["request"].subject,
    "Repository.commit": lambda f: f["change"].summary,
    "Repository.put": lambda f: "",
    "Repository.tag": lambda f: "",
    "Folder.publish": lambda f: "",
    "Laboratory.examine": lambda f: "",
    "Fenced.aput": lambda f: _node(f["config"]),
    "Fenced.aput_writes": lambda f: f"{_node(f['config'])} {[name for name, _ in f['writes']]}",
    "Runs.set_status": lambda f: f["status"],
    "Runs.add_worked": lambda f: "",
    "Runs.set_product": lambda f: "",
    "Engineer.__call__": lambda f: "",
    "StaticCheck.__call__": lambda f: "",
    "CodeReviewer.__call__": lambda f: "",
    "ProductManager.__call__": lambda f: "",
    "Architect.__call__": lambda f: "",
    "ProjectManager.__call__": lambda f: "",
    "Integration.__call__": lambda f: "",
    "QAEngineer.__call__": lambda f: "",
    "Deliver.__call__": lambda f: "",
    "Gate.__call__": lambda f: "",
}
"""By function: what tells one of its calls from another, beside the answers given so far."""
UNDOING: dict[str, Callable[[dict[str, Any]], str]] = {
    "History.undo": lambda f: "",
    "Undoing.complete": lambda f: "",
    "Thread.go_back": lambda f: f["undone"].summary,
}
"""What is watched, too, of a life that is undone."""


LEFT_STEPS = 9
"""How many are left of a life that is undone: two less than it has."""


class Death:
    """Waits for the next point that is new."""

    def __init__(self, folder: Path, phases: str, only: str) -> None:
        self._file = folder / "deaths.json"
        self._phases = phases
        self._only = only
        self._answers = folder / "asked.json"
        self._size = self._asked = 0
        self._suspended: set[int] = set()
        self._watched = WATCHED
        self.known: list[str] = json.loads(self._file.read_text()) if self._file.exists() else []

    def watch_undoing(self) -> None:
        """See more, from now on."""
        self._watched = WATCHED | UNDOING

    def __call__(self, frame: FrameType, event: str, result: Any) -> None:
        """Called by the interpreter at every call and return."""
        name = frame.f_code.co_qualname
        if name not in self._watched or event not in ("call", "return"):
            return
        if event == "call":
            phase = "" if id(frame) in self._suspended else "before"
        elif isinstance(result, asyncio.Future):
            phase = "" if id(frame) in self._suspended else "during"
            self._suspended.add(id(frame))
        else:
            phase = "after"
            self._suspended.discard(id(frame))
        if phase and phase in self._phases:
            self._perhaps(
                f"{phase} {name} {self._watched[name](frame.f_locals)} {self._progress()}"
            )

    def _progress(self) -> int:
        """How many questions were asked: a step that comes again later is another one."""
        size = self._answers.stat().st_size if self._answers.exists() else 0
        if size != self._size:
            self._size = size
            self._asked = len({key for key, _, _ in json.loads(self._answers.read_text())})
        return self._asked

    def _perhaps(self, point: str) -> None:
        if point in self.known or (self._only and (self.known or self._only not in point)):
            return
        self._file.write_text(json.dumps([*self.known, point]))
        os.kill(os.getpid(), signal.SIGKILL)


def _node(config: Any) -> str:
    return re.sub(r":[0-9a-f-]+", "", config["configurable"].get("checkpoint_ns", ""))


async def live(folder: Path, place: str, life: str) -> None:
    """Work on the run of the folder, which is begun where there is none."""
    model, url = LastingModel(folder), place if "://" in place else ""
    outside = Outside(lambda *_: model, lambda: None, lambda: None, database=lambda: url)
    async with open_service(folder / "home", outside) as service:
        runs = await service.runs.all()
        unsafe = life != "isolated"
        settings = Settings(model="scripted", gates=(), folder=str(folder), unsafe_local=unsafe)
        run = runs[0] if runs else await service.start(calculator.IDEA, settings)
        if life == "undone" and not (folder / "undone").exists():
            while len(await service.steps(run.id)) > LEFT_STEPS:
                await service.undo(run.id)
            (folder / "undone").touch()
            sys.setprofile(None)
            run = await service.runs.get(run.id)
        if run.status != "delivered":
            run = await service.work(run.id)
        (folder / "status").write_text(f"{run.status} {run.reason}".strip())


def main(
    folder: Path, place: str, phases: str = "before during after", only: str = "", life: str = ""
) -> None:
    """Fork and bury until a child comes to its end."""
    while True:
        child = os.fork()
        if child == 0:
            if phases:
                death = Death(folder, phases, only)
                sys.setprofile(death)
                if life == "undone":
                    death.watch_undoing()
            asyncio.run(live(folder, place, life))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 0:
            return
        if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
            sys.exit(f"a child ended with {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

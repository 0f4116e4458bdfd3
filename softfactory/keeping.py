"""What is kept of runs: forgotten, shrunk, packed into a file and brought back."""

import asyncio
import shutil
from dataclasses import dataclass
from pathlib import Path

from softfactory.errors import RunBusy, UsageError
from softfactory.persistence.runs import Run
from softfactory.workplace import Workplace


@dataclass(frozen=True)
class Keeping:
    """Looks after the data folder."""

    workplace: Workplace

    async def delete(self, run: Run) -> None:
        """Forget a run."""
        records = self.workplace.records
        _refuse_busy(run)
        forks = [other.id for other in await records.runs.all() if other.parent == run.id]
        if forks:
            raise UsageError(f"run {run.id} has forks that need its answers: {', '.join(forks)}")
        await records.checkpoints.adelete_thread(run.id)
        await records.runs.remove(run.id)
        await asyncio.to_thread(shutil.rmtree, self.workplace.kept(run.id), ignore_errors=True)

    async def shrink(self) -> int:
        """Shrink what is kept of finished runs."""
        raise NotImplementedError

    async def archive(self, run: Run, file: Path) -> None:
        """Pack a run into a file."""
        raise NotImplementedError

    async def restore(self, file: Path, folder: Path) -> Run:
        """Bring a run back."""
        raise NotImplementedError


def _refuse_busy(run: Run) -> None:
    if run.owned:
        raise RunBusy(f"run {run.id} is being worked on; `softfactory stop {run.id}` first")

"""What is kept of runs: forgotten, shrunk, packed into a file and brought back."""

import asyncio
import json
import shutil
import tempfile
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, CheckpointTuple

from softfactory.config import Settings
from softfactory.errors import RunBusy, StorageTrouble, UsageError
from softfactory.persistence.runs import Run
from softfactory.product.folders import free_folder
from softfactory.product.git import output
from softfactory.workplace import Workplace

ROWS, PRODUCT = "run.json", "product.bundle"
FORMAT = 1


@dataclass(frozen=True)
class Keeping:
    """Looks after the data folder."""

    workplace: Workplace

    async def delete(self, run: Run) -> None:
        """Forget a run."""
        records, kept = self.workplace.records, self.workplace.kept(run.id)
        async with self._held(run):
            forks = [other.id for other in await records.runs.all() if other.parent == run.id]
            if forks:
                needed = f"run {run.id} has forks that need its answers: {', '.join(forks)}"
                raise UsageError(needed)
            await asyncio.to_thread(shutil.rmtree, kept, ignore_errors=True)
            await records.checkpoints.adelete_thread(run.id)
            await records.shelf.remove(run.id)  # last: while it is there, this can be repeated

    async def shrink(self) -> int:
        """Forget what finished runs did on the way; their lines, answers and products stay."""
        before = await asyncio.to_thread(_size, self.workplace.home)
        for run in await self.workplace.records.runs.all():
            if run.status == "delivered":
                with suppress(RunBusy):
                    await self._shrink(run)
        return before - await asyncio.to_thread(_size, self.workplace.home)

    async def _shrink(self, run: Run) -> None:
        async with self._held(run) as current:
            if current.status != "delivered":
                return
            line = await self.workplace.thread(run).places()
            kept = [place.step(0).checkpoint for place in line]
            await self.workplace.records.checkpoints.thin(run.id, kept)
            if await asyncio.to_thread(self.workplace.kept(run.id).exists):
                await output(self.workplace.kept(run.id), "gc", "--quiet", "--no-prune")

    async def archive(self, run: Run, file: Path) -> None:
        """Pack a run into a file."""
        async with self._held(run):
            await self._archive(run, file)

    async def _archive(self, run: Run, file: Path) -> None:
        rows = await self.workplace.records.shelf.take(run.id)
        saver = self.workplace.thread(run).saver
        config: RunnableConfig = {"configurable": {"thread_id": run.id}}
        rows["checkpoints"] = [_packed(saver, found) async for found in saver.alist(config)]
        rows["format"] = FORMAT
        with tempfile.TemporaryDirectory() as folder:
            bundle, product = Path(folder, PRODUCT), self.workplace.product(run)
            if dossier := (await self.workplace.thread(run).state()).get("dossier"):
                await product.put(await product.text(dossier))  # older runs had it loose
            if await asyncio.to_thread(self.workplace.kept(run.id).exists):
                everything = ("bundle", "create", "--quiet", str(bundle), "--all")
                await output(self.workplace.kept(run.id), *everything)
            await asyncio.to_thread(_write, file, rows, bundle)

    async def restore(self, file: Path, folder: Path) -> Run:
        """Bring a run back, as it was when it was archived; its row last, so it can be repeated."""
        with tempfile.TemporaryDirectory() as temporary, _archive_of(file):
            rows = await asyncio.to_thread(_read, file, Path(temporary))
            await self.workplace.records.shelf.refuse_known(rows)
            run = _kept_run(rows["runs"][0], folder)
            thread = self.workplace.thread(run)
            for packed in reversed(rows["checkpoints"]):
                await _unpack(thread.saver, run.id, packed)
            await self._bring_product(run, Path(temporary, PRODUCT))
            prd = (await thread.state()).get("prd")
            out = str(await free_folder(folder, prd.name, run.id)) if prd else ""
            for row in rows["runs"]:
                row["out"] = out if row["id"] == run.id else ""
            rows["runs"][0]["settings"] = run.settings.model_dump_json()
            await self.workplace.records.shelf.put(rows)
        await self.workplace.publishing.now(run.id)
        return await self.workplace.records.runs.get(run.id)

    @asynccontextmanager
    async def _held(self, run: Run) -> AsyncIterator[Run]:
        """Keep everybody from working on a run meanwhile; the run as it stands.

        Raises:
            RunBusy: somebody does.
        """
        runs = self.workplace.records.runs
        await runs.acquire(run, to_work=False)
        try:
            yield await runs.get(run.id)
        finally:
            await runs.release(run.id)

    async def _bring_product(self, run: Run, bundle: Path) -> None:
        kept = self.workplace.kept(run.id)
        if await asyncio.to_thread(bundle.exists):
            await asyncio.to_thread(kept.mkdir, parents=True, exist_ok=True)
            await output(kept, "init", "--quiet", "--bare", "--initial-branch=main")
            await output(kept, "fetch", "--quiet", str(bundle), "+refs/*:refs/*")


def _kept_run(row: dict[str, Any], folder: Path) -> Run:
    """The run of a row, as it will be in a folder of this machine."""
    settings = Settings.model_validate_json(row["settings"])
    here = settings.model_copy(update={"out": "", "folder": str(folder)})
    return Run(**{**row, "settings": here, "owner": None, "lease_until": None})


def _packed(saver: BaseCheckpointSaver[str], found: CheckpointTuple) -> dict[str, Any]:
    inner = found.config["configurable"]
    parent = found.parent_config
    return {
        "ns": inner.get("checkpoint_ns", ""),
        "parent": parent["configurable"]["checkpoint_id"] if parent else None,
        "checkpoint": _text(saver, found.checkpoint),
        "metadata": found.metadata,
        "writes": [[task, name, _text(saver, value)] for task, name, value in _writes(found)],
    }


def _writes(found: CheckpointTuple) -> list[tuple[str, str, Any]]:
    return list(found.pending_writes or [])


async def _unpack(saver: BaseCheckpointSaver[str], run: str, packed: dict[str, Any]) -> None:
    checkpoint = _value(saver, packed["checkpoint"])
    place = {"thread_id": run, "checkpoint_ns": packed["ns"]}
    before = {"checkpoint_id": packed["parent"]} if packed["parent"] else {}
    config: RunnableConfig = {"configurable": {**place, **before}}
    versions = checkpoint["channel_versions"]
    config = await saver.aput(config, checkpoint, packed["metadata"], versions)
    for task, group in groupby(packed["writes"], key=lambda write: write[0]):
        values = [(name, _value(saver, text)) for _, name, text in group]
        await saver.aput_writes(config, values, str(task))


def _text(saver: BaseCheckpointSaver[str], value: Any) -> list[str]:
    kind, data = saver.serde.dumps_typed(value)
    return [kind, b64encode(data).decode()]


def _value(saver: BaseCheckpointSaver[str], text: list[str]) -> Any:
    return saver.serde.loads_typed((text[0], b64decode(text[1])))


def _write(file: Path, rows: dict[str, Any], bundle: Path) -> None:
    draft = file.with_name(f".{file.name}.softfactory")
    try:
        with ZipFile(draft, "w", ZIP_DEFLATED) as archive:
            archive.writestr(ROWS, json.dumps(rows, ensure_ascii=False))
            if bundle.exists():
                archive.write(bundle, PRODUCT)
        draft.replace(file)
    except OSError as error:
        raise UsageError(f"{str(file)!r} can't be written: {error}") from error


def _read(file: Path, folder: Path) -> dict[str, Any]:
    with ZipFile(file) as archive:
        rows: dict[str, Any] = json.loads(archive.read(ROWS))
        if PRODUCT in archive.namelist():
            archive.extract(PRODUCT, folder)
    if rows.get("format") != FORMAT:
        raise UsageError(f"{str(file)!r} is an archive of another softfactory: install that one")
    return rows


@contextmanager
def _archive_of(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, BadZipFile, KeyError, ValueError, IndexError, TypeError) as error:
        raise UsageError(f"{str(file)!r} is no archive that can be read: {error!r}") from error


def _size(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except OSError as error:
        raise StorageTrouble(f"{str(folder)!r} can't be read: {error}") from error

"""What the human changes by hand in the product's folder: noticed, committed, never overwritten.

The folder is a clone whose ref `PUBLISHED` says which commit it was last brought up to. What
differs from that commit, and from the newest one, was changed by hand. While something was, in a
file that the company has changed, too, the folder stays as it is.
"""

import asyncio
import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from softfactory.errors import ProductError
from softfactory.product.git import git, output
from softfactory.product.objects import Objects
from softfactory.product.repository import (
    BRANCH,
    BY_HAND,
    UNDECIDED,
    Change,
    Repository,
    blob_id,
)
from softfactory.state.company import Tree
from softfactory.state.gates import GateQuestion, conflict_question

PUBLISHED = "refs/softfactory/published"
COMING = "refs/softfactory/coming"
"""The commit that was being brought when the folder was last written to: perhaps in part."""
TAGS = "refs/tags/"
DRAFT = ".git/softfactory-draft"
"""Where a file is written before it takes its place: out of sight, should that be interrupted."""
LEFT_ALONE = ("__pycache__", "*.pyc", ".pytest_cache", ".venv", "venv", "node_modules", ".DS_Store")
"""Never taken for a change of the product."""
LARGEST_FILE = 1 << 20
SHOWN_LINES = 60


@dataclass(frozen=True)
class Meeting:
    """Files that the human changed by hand and the company changed, too."""

    mine: Mapping[str, bytes | None]
    """The human's contents by path; None: deleted."""
    theirs: Mapping[str, bytes | None]
    """The company's, of the same paths."""

    def question(self) -> GateQuestion:
        """What the human is asked: the differences, from their files to the company's."""
        paths = sorted(self.mine)
        return conflict_question(paths, "\n\n".join(self._shown(path) for path in paths))

    def _shown(self, path: str) -> str:
        mine, theirs = _lines(self.mine[path]), _lines(self.theirs.get(path))
        diff = difflib.unified_diff(mine, theirs, f"{path} (yours)", f"{path} (the company's)")
        lines = [line.rstrip("\n") for line in diff]
        if len(lines) > SHOWN_LINES:
            lines = [*lines[:SHOWN_LINES], f"... {len(lines) - SHOWN_LINES} more lines"]
        return "\n".join([f"`{path}`", "", "````diff", *lines, "````"])


@dataclass(frozen=True)
class Folder:
    """The user's folder of a product."""

    repository: Repository
    out: Path

    async def publish(self) -> list[str]:
        """Bring the folder up to the newest commit; what the human changed in it is left alone.

        Not to be called twice at the same time.

        Returns:
            paths that were left alone though the company has changed them.

        Raises:
            LeaseLost: another process has taken the run over.
        """
        await self.repository.may_write()
        return await asyncio.to_thread(self._publish)

    def _publish(self) -> list[str]:
        mine, product = Objects(self.out), Objects(self.repository.folder)
        self._create(mine)
        commit, refs = product.commit_of(BRANCH), mine.refs()
        mine.fetch(product, commit, refs)
        _bring_tags(product, mine, refs)
        if refs.get(PUBLISHED) == commit:
            return []
        old, coming = _last(product, refs)
        new = product.tree(commit)
        wanted = {p: new.get(p) for p in {*old, *new} if old.get(p) != new.get(p)}
        now = _read(self.out, set(wanted))
        left = [
            path
            for path, blob in sorted(wanted.items())
            if _id(now.get(path)) not in (blob, old.get(path), coming.get(path))
        ]
        if left or not mine.follows(refs.get("HEAD"), refs.get(PUBLISHED), commit):
            return left or sorted(wanted)
        mine.point(COMING, commit)
        _write(self.out, wanted, product.contents({p: b for p, b in wanted.items() if b}))
        mine.stand_at(commit)
        mine.point(PUBLISHED, commit)
        return []

    async def edits(self) -> tuple[dict[str, bytes | None], list[str]]:
        """Contents that the human changed, by path, None if deleted.

        And the paths of those that the company has changed, too.
        """
        await asyncio.to_thread(self._create, Objects(self.out))
        excluded = [f"--exclude={name}" for name in LEFT_ALONE]
        names = await output(
            self.out, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *excluded
        )
        return await asyncio.to_thread(self._edits, {*map(os.fsdecode, names.split(b"\0"))} - {""})

    def _edits(self, paths: set[str]) -> tuple[dict[str, bytes | None], list[str]]:
        product = Objects(self.repository.folder)
        old, coming = _last(product, Objects(self.out).refs())
        new = product.tree(BRANCH)
        paths |= set(old)
        now = _read(self.out, paths)
        edits = {
            path: now.get(path)
            for path in sorted(paths)
            if _id(now.get(path)) not in (old.get(path), coming.get(path), new.get(path))
            and _fits(now.get(path))
        }
        return edits, [path for path in edits if old.get(path) != new.get(path)]

    async def own_commits(self) -> str:
        """The human's newest own commit, fetched; empty if there is none."""
        refs, kept = await asyncio.to_thread(Objects(self.out).refs), self.repository.folder
        commit = refs.get("HEAD", "")
        if not commit or commit == refs.get(PUBLISHED):
            return ""
        await output(kept, "fetch", "--quiet", str(self.out), "+HEAD:refs/softfactory/hand")
        known = await git(kept, "merge-base", "--is-ancestor", commit, BRANCH, may_fail=True)
        return commit if known is None else ""

    def _create(self, mine: Objects) -> None:
        mine.create(bare=False)
        mine.remember("softfactory.run", self.repository.run)


@dataclass(frozen=True)
class Hands:
    """Brings the human's changes and the company's together."""

    repository: Repository
    folder: Folder | None
    """None: there is no folder yet."""

    async def busy(self) -> bool:
        """Whether the human has changed or committed anything that is not taken in yet."""
        if self.folder is None:
            return False
        return bool((await self.folder.edits())[0] or await self.folder.own_commits())

    async def take_in(self) -> Tree:
        """Commit what the human changed; the product's files then."""
        if self.folder:
            edits, own = (await self.folder.edits())[0], await self.folder.own_commits()
            await self._commit(f"{BY_HAND} {_named(edits)}", edits, own)
            await self.folder.publish()
        return await self.repository.tree()

    async def meeting(self) -> Meeting | None:
        """What the human has to decide; None if nothing."""
        if self.folder is None:
            return None
        undecided = await self.repository.tree(UNDECIDED)
        if undecided:
            head = await self.repository.tree()
            paths = [p for p in undecided if undecided[p] != head.get(p)]
            own = await self.repository.contents({p: head[p] for p in paths if p in head})
            theirs = await self.repository.contents({p: undecided[p] for p in paths})
            return Meeting({p: own.get(p) for p in paths}, theirs)
        edits, meeting = await self.folder.edits()
        head = await self.repository.tree()
        theirs = await self.repository.contents({p: head[p] for p in meeting if p in head})
        mine = {path: edits[path] for path in meeting}
        return Meeting(mine, {p: theirs.get(p) for p in meeting}) if meeting else None

    async def settle(self, *, keep: bool) -> Tree:
        """Let the human's files stand, or the company's; both stay in the history."""
        meeting = await self.meeting()
        if meeting is None:
            return await self.repository.tree()
        paths = _named(meeting.mine)
        undecided = await self.repository.tree(UNDECIDED)
        if undecided:
            if keep:
                await self.repository.keep(meeting.mine)
            await self.repository.decide_nothing()
        else:
            await self.take_in()
        if not keep:
            await self._commit(f"Take the company's {paths}", meeting.theirs, "")
        if self.folder:
            await self.folder.publish()
        return await self.repository.tree()

    async def _commit(self, summary: str, files: Mapping[str, bytes | None], own: str) -> None:
        await self.repository.commit(Change("Human", summary, files), merged=own)


def _bring_tags(product: Objects, mine: Objects, refs: Mapping[str, str]) -> None:
    for name, commit in product.refs().items():
        if name.startswith(TAGS) and refs.get(name) != commit:
            mine.point(name, commit)


def _last(product: Objects, refs: Mapping[str, str]) -> tuple[Tree, Tree]:
    """The files of the folder as they were last brought there, and as they were about to be."""
    old = _first_of(product, refs.get(PUBLISHED), refs.get("HEAD"))
    coming = refs.get(COMING)
    return old, old if coming == refs.get(PUBLISHED) else _first_of(product, coming)


def _first_of(product: Objects, *commits: str | None) -> Tree:
    """The files of the first of the commits that is one of the product's."""
    known = (commit for commit in commits if commit and product.has(commit))
    return product.tree(next(known, ""))


def _named(files: Mapping[str, object]) -> str:
    names = sorted(files)
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _id(content: bytes | None) -> str | None:
    return None if content is None else blob_id(content)


def _fits(content: bytes | None) -> bool:
    return content is None or len(content) <= LARGEST_FILE


def _lines(content: bytes | None) -> list[str]:
    return (content or b"").decode(errors="replace").splitlines(keepends=True)


def _read(folder: Path, paths: set[str]) -> dict[str, bytes]:
    files = {path: folder / path for path in paths}
    return {
        path: file.read_bytes()
        for path, file in files.items()
        if file.is_file() and not file.is_symlink()
    }


def _write(folder: Path, wanted: Mapping[str, str | None], contents: Mapping[str, bytes]) -> None:
    for path, blob in sorted(wanted.items()):
        if path not in contents:
            (folder / path).unlink(missing_ok=True)
            _remove_empty((folder / path).parent, folder)
        elif _id(_read(folder, {path}).get(path)) != blob:
            _replace(folder / path, contents[path], folder / DRAFT)


def _remove_empty(folder: Path, end: Path) -> None:
    while folder != end and folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _replace(file: Path, content: bytes, draft: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(content)
        if file.exists():
            draft.chmod(file.stat().st_mode)
        draft.replace(file)
    except OSError as error:
        raise ProductError(f"{str(file)!r} can't be written: {error.strerror}") from error

"""The product of one run, in a bare git repository that generated code never sees."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from softfactory.errors import EditConflict
from softfactory.product.git import git, output
from softfactory.product.objects import Entry, Objects
from softfactory.state.company import Tree
from softfactory.state.events import RoleName

BRANCH = "refs/heads/main"
KEPT = "refs/softfactory/kept"
"""Files that a human chose to keep as they made them, against a role's change."""
UNDECIDED = "refs/softfactory/undecided"
"""A role's change that a human has to decide about."""
BY_HAND = "Edit by hand:"
"""How the summary of a human's commit begins."""


@dataclass(frozen=True)
class Change:
    """A role's step: files it writes, and one line that says what for."""

    role: RoleName
    summary: str
    files: Mapping[str, str | bytes | None]
    """Contents by path; None: the file is removed."""
    seen: Tree | None = None
    """Blobs that the role worked from; None: it knows what it replaces."""


Saved = Callable[[Change], Awaitable[None]]


async def _ignore(_: Change) -> None:
    return None


async def _anybody() -> None:
    return None


@dataclass(frozen=True)
class Repository:
    """Contents by blob id, commits by role. Saving what is there already changes nothing."""

    folder: Path
    run: str
    saved: Saved = field(default=_ignore)
    """Told of every commit."""
    may_write: Callable[[], Awaitable[None]] = field(default=_anybody)
    """Asked before every commit: whoever has lost the run is turned away."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def save(self, change: Change) -> Tree:
        """Store files and commit them as the role's; blob id by path.

        Repeating a step that was committed before a crash makes no second commit.

        Raises:
            EditConflict: the role would replace what a human changed by hand and it has not seen.
        """
        unseen = {} if change.seen is None else await asyncio.to_thread(self._unseen, change)
        kept = await self._kept_by_hand(change, unseen) if unseen else {}
        files = {path: content for path, content in change.files.items() if path not in kept}
        await self.commit(Change(change.role, change.summary, files))
        tree = {path: blob_id(_bytes(text)) for path, text in files.items() if text is not None}
        return {**tree, **kept}

    async def commit(self, change: Change, *, merged: str = "") -> None:
        """Commit files, and a commit of the human's as a second parent; nothing if nothing differs.

        Paths whose content is None are removed.
        """
        contents = {p: None if c is None else _bytes(c) for p, c in change.files.items()}
        async with self._turn:
            await self.may_write()
            changed = await asyncio.to_thread(self._commit_changed, change, contents, merged)
        if changed:
            await self.saved(change)

    def _commit_changed(
        self, change: Change, contents: Mapping[str, bytes | None], merged: str
    ) -> bool:
        """Commit what differs from the newest commit; whether anything does."""
        objects = self._objects
        objects.create(bare=True)
        newest = objects.commit_of(BRANCH)
        head = objects.tree(newest)
        ids = {path: None if c is None else blob_id(c) for path, c in contents.items()}
        changed = {p: c for p, c in contents.items() if head.get(p) != ids[p]}
        if changed or merged:
            parents = [parent for parent in (newest, merged) if parent]
            objects.commit(self._entry(change), changed, BRANCH, parents)
        return bool(changed)

    async def decide_nothing(self) -> None:
        """Forget a change that a human had to decide about."""
        await asyncio.to_thread(self._objects.forget, UNDECIDED)

    async def keep(self, files: Mapping[str, bytes | None]) -> None:
        """Remember that these files stay as the human made them."""
        kept = await asyncio.to_thread(self._objects.commit_of, KEPT)
        change = Change("Human", "Keep what was edited by hand", {})
        await self._commit(KEPT, change, files, [kept] if kept else [])

    def _unseen(self, change: Change) -> dict[str, bytes]:
        """What the role would write over contents that it has not seen."""
        self._objects.create(bare=True)
        head, seen = self._objects.tree(BRANCH), change.seen or {}
        contents = {p: _bytes(c) for p, c in change.files.items() if p in head and c is not None}
        return {
            path: content
            for path, content in contents.items()
            if head[path] not in (seen.get(path), blob_id(content))
        }

    async def _kept_by_hand(self, change: Change, unseen: Mapping[str, bytes]) -> Tree:
        """Files that stay as a human made them though the role would write them anew.

        Raises:
            EditConflict: a human has yet to decide about some.
        """
        by_hand = {path: c for path, c in unseen.items() if await self._is_by_hand(path)}
        head, kept = await self.tree(), await self.tree(KEPT)
        open_ones = {path: c for path, c in by_hand.items() if kept.get(path) != head[path]}
        if open_ones:
            await self._commit(UNDECIDED, change, open_ones, [])
            names = ", ".join(sorted(open_ones))
            raise EditConflict(f"Your changes and the company's meet in {names}")
        return {path: head[path] for path in by_hand}

    async def _is_by_hand(self, path: str) -> bool:
        newest = ("log", "-1", "--format=%an: %s", BRANCH, "--", path)
        return (await output(self.folder, *newest)).startswith(f"Human: {BY_HAND}".encode())

    async def _commit(
        self, ref: str, change: Change, files: Mapping[str, bytes | None], parents: list[str]
    ) -> None:
        await self.may_write()
        await asyncio.to_thread(self._objects.commit, self._entry(change), files, ref, parents)

    def _entry(self, change: Change) -> Entry:
        mail = f"{change.role.lower().replace(' ', '-')}@softfactory.invalid"
        return Entry(change.role, mail, f"{change.summary}\n\nSoftfactory-Run: {self.run}\n")

    async def newest(self) -> str:
        """The newest commit; empty if there is none."""
        return await asyncio.to_thread(self._objects.commit_of, BRANCH)

    async def put(self, text: str) -> str:
        """Store a text outside of any tree; its blob id."""
        async with self._turn:
            return await asyncio.to_thread(self._objects.put, text.encode())

    async def text(self, blob: str) -> str:
        """A blob as text; bytes that are no UTF-8 are replaced."""
        return (await self.texts({"a text": blob}))["a text"]

    async def texts(self, tree: Tree) -> dict[str, str]:
        """All files of a tree as text."""
        contents = await self.contents(tree)
        return {path: content.decode(errors="replace") for path, content in contents.items()}

    async def contents(self, tree: Tree) -> dict[str, bytes]:
        """All files of a tree."""
        return await asyncio.to_thread(self._objects.contents, tree) if tree else {}

    async def tree(self, commit: str = BRANCH) -> Tree:
        """The files of a commit or a ref, by default the newest ones; empty if there is none."""
        return await asyncio.to_thread(self._objects.tree, commit)

    async def history(self) -> list[tuple[str, str]]:
        """Every commit's id with the id of its files, the oldest first."""
        form = ("log", "--reverse", "--first-parent", "--format=%H %T", BRANCH)
        lines = (await git(self.folder, *form, may_fail=True) or b"").decode().splitlines()
        return [(commit, tree) for commit, tree in map(str.split, lines)]

    async def give(self, other: "Repository", commit: str) -> None:
        """Have another product begin with this one's history up to a commit."""
        await asyncio.to_thread(other._objects.create, bare=True)
        await output(self.folder, "push", "--quiet", str(other.folder), f"{commit}:{BRANCH}")

    async def checkout(self, tree: Tree, folder: Path) -> None:
        """Write a tree into an empty folder, with no git in it."""
        await asyncio.to_thread(self._check_out, tree, folder)

    async def tag(self, name: str) -> None:
        """Name the newest commit; a name given before moves."""
        await asyncio.to_thread(self._objects.point, f"refs/tags/{name}", BRANCH)

    def _check_out(self, tree: Tree, folder: Path) -> None:
        for path, content in self._objects.contents(tree).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    @cached_property
    def _objects(self) -> Objects:
        return Objects(self.folder)


def blob_id(content: bytes) -> str:
    """The id git gives to a content."""
    return _object_id(b"blob", content)


def tree_id(tree: Tree) -> str:
    """The id git gives to a tree of ordinary files."""
    inner: dict[str, Tree] = {}
    entries = []
    for path, blob in tree.items():
        folder, slash, rest = path.partition("/")
        if slash:
            inner.setdefault(folder, {})[rest] = blob
        else:
            entries.append((path, b"100644", blob))
    entries += [(f"{folder}/", b"40000", tree_id(below)) for folder, below in inner.items()]
    lines = (
        mode + b" " + name.rstrip("/").encode() + b"\0" + bytes.fromhex(identity)
        for name, mode, identity in sorted(entries, key=lambda entry: entry[0].encode())
    )
    return _object_id(b"tree", b"".join(lines))


def _object_id(kind: bytes, content: bytes) -> str:
    return hashlib.sha1(
        b"%s %d\0%s" % (kind, len(content), content), usedforsecurity=False
    ).hexdigest()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content

"""The product of one run, in a bare git repository that generated code never sees."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from softfactory.errors import ProductError
from softfactory.product.git import git, output
from softfactory.state.company import Tree
from softfactory.state.events import RoleName

BRANCH = "refs/heads/main"


@dataclass(frozen=True)
class Change:
    """A role's step: files it writes, and one line that says what for."""

    role: RoleName
    summary: str
    files: Mapping[str, str | bytes]


Saved = Callable[[Change], Awaitable[None]]


async def _ignore(_: Change) -> None:
    return None


@dataclass(frozen=True)
class Repository:
    """Contents by blob id, commits by role. Saving what is there already changes nothing."""

    folder: Path
    run: str
    saved: Saved = field(default=_ignore)
    """Told of every commit."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def save(self, change: Change) -> Tree:
        """Store files and commit them as the role's; blob id by path.

        Repeating a step that was committed before a crash makes no second commit.
        """
        contents = {path: _bytes(content) for path, content in change.files.items()}
        tree = {path: blob_id(content) for path, content in contents.items()}
        async with self._turn:
            await self._create()
            head = await self.tree()
            changed = {p: c for p, c in contents.items() if head.get(p) != tree[p]}
            if changed:
                commit = _commit(change, self.run, changed, first=not head)
                await output(self.folder, "fast-import", "--quiet", stdin=commit)
        if changed:
            await self.saved(change)
        return tree

    async def put(self, text: str) -> str:
        """Store a text outside of any tree; its blob id."""
        async with self._turn:
            await self._create()
            blob = await output(self.folder, "hash-object", "-w", "--stdin", stdin=text.encode())
        return blob.decode().strip()

    async def text(self, blob: str) -> str:
        """A blob as text; bytes that are no UTF-8 are replaced."""
        return (await output(self.folder, "cat-file", "blob", blob)).decode(errors="replace")

    async def texts(self, tree: Tree) -> dict[str, str]:
        """All files of a tree as text."""
        contents = await self.contents(tree)
        return {path: content.decode(errors="replace") for path, content in contents.items()}

    async def contents(self, tree: Tree) -> dict[str, bytes]:
        """All files of a tree."""
        if not tree:
            return {}
        wanted = "".join(f"{blob}\n" for blob in tree.values())
        stream = await output(self.folder, "cat-file", "--batch", stdin=wanted.encode())
        found, position = {}, 0
        for path in tree:
            line = stream.index(b"\n", position)
            header = stream[position:line].split()
            if header[1] == b"missing":
                raise ProductError(f"{str(self.folder)!r} has lost the contents of {path!r}")
            start, size = line + 1, int(header[2])
            found[path] = stream[start : start + size]
            position = start + size + 1
        return found

    async def tree(self) -> Tree:
        """The files of the newest commit."""
        listed = await git(self.folder, "ls-tree", "-r", "-z", BRANCH, may_fail=True)
        entries = (entry.split(b"\t", 1) for entry in (listed or b"").split(b"\0") if entry)
        return {path.decode(): about.split()[2].decode() for about, path in entries}

    async def checkout(self, tree: Tree, folder: Path) -> None:
        """Write a tree into an empty folder, with no git in it."""
        contents = await self.contents(tree)
        await asyncio.to_thread(_write_all, folder, contents)

    async def tag(self, name: str) -> None:
        """Name the newest commit; a name given before moves."""
        await output(self.folder, "tag", "--force", name, BRANCH)

    async def publish(self, out: Path) -> None:
        """Bring the user's folder up to the newest commit, keeping what the user changed in it.

        Raises:
            ProductError: the user changed a file that a role has changed, too.

        """
        if not (out / ".git").exists():
            await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
            await output(out, "init", "--quiet", "--initial-branch=main")
            await output(out, "config", "softfactory.run", self.run)
        await output(out, "fetch", "--quiet", "--tags", "--force", str(self.folder), "main")
        merged = await git(out, "merge", "--quiet", "--ff-only", "FETCH_HEAD", may_fail=True)
        if merged is None:
            raise ProductError(
                f"{str(out)!r} has changes of yours in files that the company changed, too; it is "
                f"left as it is. Put yours aside (`git stash`), then `git pull {self.folder} main`"
            )

    async def _create(self) -> None:
        if not (self.folder / "HEAD").exists():
            await asyncio.to_thread(self.folder.mkdir, parents=True, exist_ok=True)
            await output(self.folder, "init", "--quiet", "--bare", "--initial-branch=main")


def blob_id(content: bytes) -> str:
    """The id git gives to a content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _commit(change: Change, run: str, contents: Mapping[str, bytes], *, first: bool) -> bytes:
    """The step as a stream for `git fast-import`."""
    mail = f"{change.role.lower().replace(' ', '-')}@softfactory.invalid"
    person = f"{change.role} <{mail}> {int(time.time())} +0000"
    message = f"{change.summary}\n\nSoftfactory-Run: {run}\n".encode()
    parts = [
        f"commit {BRANCH}\nauthor {person}\ncommitter {person}\n".encode(),
        b"data %d\n%s" % (len(message), message),
    ]
    if not first:
        parts.append(f"from {BRANCH}^0\n".encode())
    for path, content in contents.items():
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
    return b"".join(parts) + b"\ndone\n"


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    for path, content in contents.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

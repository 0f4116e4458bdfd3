"""A product's history, to be read: commits, what they changed, and everything as one file."""

from dataclasses import dataclass
from pathlib import Path

from softfactory.errors import NotThere
from softfactory.product.git import git, output
from softfactory.product.repository import BRANCH

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""What the first commit is compared with; git knows it without being told."""


@dataclass(frozen=True)
class Commit:
    """A step of a role. `time` is in seconds since 1970."""

    id: str
    role: str
    time: int
    summary: str
    files: list[str]


@dataclass(frozen=True)
class History:
    """The commits in a product's repository."""

    folder: Path

    async def commits(self) -> list[Commit]:
        """All commits, the newest first; none before the first file is written."""
        form = "--format=%x1e%H%x1f%an%x1f%ct%x1f%s%x1f"
        printed = await git(
            self.folder.parent,
            f"--git-dir={self.folder}",
            "log",
            "--no-show-signature",
            "--name-only",
            "-z",
            form,
            BRANCH,
            may_fail=True,
        )
        entries = (printed or b"").decode(errors="replace").split("\x1e")
        return [_commit(entry) for entry in entries if entry.strip("\0\n")]

    async def diff(self, newer: str | None = None, older: str | None = None) -> str:
        """What changed from one commit to another; by default in the newest, or in `newer`.

        Raises:
            NotThere: there is no such commit.
        """
        commits = [commit.id for commit in await self.commits()]
        for asked in filter(None, (newer, older)):
            if asked not in commits:
                raise NotThere(f"the product has no commit {asked!r}")
        if not commits:
            return ""
        newer = newer or commits[0]
        before = [*commits[commits.index(newer) + 1 :], EMPTY_TREE]
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")
        printed = await output(self.folder, "diff", *plain, older or before[0], newer, "--")
        return printed.decode(errors="replace")

    async def zipped(self, name: str) -> bytes:
        """The newest commit as a zip file with one folder of this name in it.

        Raises:
            NotThere: nothing is written yet.
        """
        if not await self.commits():
            raise NotThere("the product has no files yet")
        return await output(self.folder, "archive", "--format=zip", f"--prefix={name}/", BRANCH)


def _commit(entry: str) -> Commit:
    identity, role, time, summary, files = entry.split("\x1f")
    return Commit(
        identity, role, int(time), summary, [f for f in files.strip("\0\n").split("\0") if f]
    )

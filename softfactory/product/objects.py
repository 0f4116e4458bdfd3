"""Git's objects and refs, in this process; the user's configuration has no say in it."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock

import pygit2
from pygit2.enums import ConfigLevel, FileMode, ObjectType, ResetMode, SortMode

from softfactory.errors import ProductError
from softfactory.state.company import Tree

for _level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL, ConfigLevel.PROGRAMDATA):
    pygit2.settings.search_path[_level] = ""


@dataclass(frozen=True)
class Entry:
    """What a commit says: who made it, and why."""

    name: str
    mail: str
    message: str

    @property
    def signature(self) -> pygit2.Signature:
        """The same, at this moment."""
        return pygit2.Signature(self.name, self.mail, int(time.time()), 0)


class Objects:
    """A repository, opened at the first question, that answers one thread at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._turn = RLock()

    def create(self, *, bare: bool) -> None:
        """Make the repository if there is none, or only a part of one."""
        with suppress(ProductError), self._opened():
            return
        with self._trouble():
            self.folder.mkdir(parents=True, exist_ok=True)
            pygit2.init_repository(str(self.folder), bare=bare, initial_head="main")

    def refs(self) -> dict[str, str]:
        """Commits by the names of the refs, HEAD's among them; those of other objects, too."""
        with self._opened() as repository:
            found = {ref.name: str(ref.target) for ref in repository.references.iterator()}
            if not repository.head_is_unborn:
                found["HEAD"] = str(repository.head.target)
        return found

    def commit_of(self, ref: str) -> str:
        """The commit that a ref stands for; empty if there is none."""
        if not self.folder.exists():
            return ""
        with self._opened() as repository:
            found = repository.references.get(ref)
            return str(found.target) if found else ""

    def tree(self, name: str) -> Tree:
        """The files of a commit, or of the one a ref stands for; empty if there is none."""
        commit = self._commit_named(name)
        if not commit:
            return {}
        with self._opened() as repository:
            return dict(_files(repository[commit].peel(pygit2.Tree)))

    def has(self, identity: str) -> bool:
        """Whether there is such an object."""
        with self._opened() as repository:
            return identity in repository

    def contents(self, tree: Tree) -> dict[str, bytes]:
        """What blobs hold, by path."""
        found = {}
        with self._opened() as repository:
            for path, blob in tree.items():
                content = repository.get(blob)
                if content is None:
                    raise ProductError(
                        f"{str(self.folder)!r} has lost the contents of {path!r}: "
                        "`softfactory fork RUN --at 0` makes them again, and pays no answer again"
                    )
                found[path] = content.read_raw()
        return found

    def put(self, content: bytes) -> str:
        """Store a content outside of any tree, and keep it from being swept away."""
        self.create(bare=True)
        with self._opened() as repository:
            blob = repository.create_blob(content)
            repository.references.create(f"refs/softfactory/texts/{blob}", blob, force=True)
            return str(blob)

    def commit(
        self, entry: Entry, files: Mapping[str, bytes | None], ref: str, parents: list[str]
    ) -> None:
        """Put a commit behind its parents and have a ref stand for it.

        Raises:
            ProductError: the ref has moved away from the first parent meanwhile.
        """
        with self._opened() as repository:
            index = pygit2.Index()
            if parents:
                index.read_tree(repository[parents[0]].peel(pygit2.Tree))
            for path, content in files.items():
                if path.startswith("/"):
                    raise ValueError(f"invalid path: {path!r}")
                if content is not None:
                    blob = repository.create_blob(content)
                    index.add(pygit2.IndexEntry(path, blob, FileMode.BLOB))
                elif path in index:
                    index.remove(path)
            tree, by = index.write_tree(repository), entry.signature
            onto = ref if parents else None
            made = repository.create_commit(onto, by, by, entry.message, tree, _ids(parents))
            if not parents:
                repository.references.create(ref, made, force=True)

    def point(self, ref: str, name: str) -> None:
        """Have a ref stand for a commit, or for the one that another ref stands for."""
        commit = self._commit_named(name)
        with self._opened() as repository:
            repository.references.create(ref, pygit2.Oid(hex=commit), force=True)

    def forget(self, ref: str) -> None:
        """Remove a ref, if there is one."""
        with self._opened() as repository:
            if ref in repository.references:
                repository.references.delete(ref)

    def fetch(self, source: "Objects", commit: str, refs: Mapping[str, str]) -> None:
        """Copy a commit and all that it stands on: what it needs comes before it.

        Args:
            source: where from.
            commit: the newest to be copied.
            refs: those there are here.
        """
        with self._opened() as mine, source._opened() as theirs:
            missing = theirs.walk(pygit2.Oid(hex=commit), SortMode.TOPOLOGICAL | SortMode.REVERSE)
            for name, known in refs.items():
                if name.startswith("refs/heads/") and known in theirs:
                    missing.hide(pygit2.Oid(hex=known))
            for found in missing:
                if found.id not in mine:
                    _copy(theirs, mine, found.tree)
                    mine.write(found.type, found.read_raw())

    def follows(self, head: str | None, published: str | None, commit: str) -> bool:
        """Whether nothing was committed here that is not in a commit, too."""
        if head in (None, published, commit):
            return True
        with self._opened() as repository:
            return repository.descendant_of(pygit2.Oid(hex=commit), pygit2.Oid(hex=head))

    def stand_at(self, commit: str) -> None:
        """Move the branch and the index to a commit; the files stay as they are."""
        with self._opened() as repository:
            repository.reset(pygit2.Oid(hex=commit), ResetMode.MIXED)

    def remember(self, name: str, value: str) -> None:
        """Write into the repository's own configuration."""
        with self._opened() as repository:
            if name not in repository.config or repository.config[name] != value:
                repository.config[name] = value

    def _commit_named(self, name: str) -> str:
        return self.commit_of(name) if "/" in name else name

    @contextmanager
    def _opened(self) -> Iterator[pygit2.Repository]:
        with self._turn, self._trouble():
            yield self._repository

    @cached_property
    def _repository(self) -> pygit2.Repository:
        return pygit2.Repository(str(self.folder))

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (pygit2.GitError, OSError, KeyError, ValueError) as error:
            words = " ".join(str(error).split())
            raise ProductError(f"the repository {str(self.folder)!r} refuses: {words}") from error


def _ids(commits: list[str]) -> list[pygit2.Oid]:
    return [pygit2.Oid(hex=commit) for commit in commits]


def _files(tree: pygit2.Tree, under: str = "") -> Iterator[tuple[str, str]]:
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            yield from _files(entry, f"{under}{entry.name}/")
        elif entry.type == ObjectType.BLOB:
            yield f"{under}{entry.name}", str(entry.id)


def _copy(source: pygit2.Repository, target: pygit2.Repository, tree: pygit2.Tree) -> None:
    """Copy a tree that may be there in part."""
    if tree.id in target:
        return
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            _copy(source, target, entry)
        elif entry.type == ObjectType.BLOB and entry.id not in target:
            target.write(entry.type, entry.read_raw())
    target.write(tree.type, tree.read_raw())

"""Git's objects in this process: whole or not there, and nobody's commit is passed over."""

import subprocess
from pathlib import Path

import pytest

from softfactory.errors import ProductError
from softfactory.product.objects import Entry, Objects

BRANCH = "refs/heads/main"
BY = Entry("Engineer", "engineer@example.org", "Write")


@pytest.fixture
def product(tmp_path: Path) -> Objects:
    made = Objects(tmp_path / "product.git")
    made.create(bare=True)
    made.commit(BY, {"a.py": b"1\n", "docs/b.md": b"2\n"}, BRANCH, [])
    return made


def git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_git_finds_no_fault_in_what_was_copied_even_if_a_copy_was_broken_off(
    product: Objects, tmp_path: Path
) -> None:
    first = product.commit_of(BRANCH)
    product.commit(BY, {"a.py": None, "docs/c.md": b"3\n"}, BRANCH, [first])
    second = product.commit_of(BRANCH)
    copy = Objects(tmp_path / "copy")
    copy.create(bare=False)
    copy.put(b"2\n")  # as a copy that was killed leaves it
    copy.fetch(product, second, copy.refs())
    copy.point(BRANCH, second)
    git(copy.folder, "fsck", "--strict")
    assert copy.tree(BRANCH) == product.tree(second) == product.tree(BRANCH)
    assert set(copy.tree(first)) == {"a.py", "docs/b.md"}
    assert set(copy.tree(second)) == {"docs/b.md", "docs/c.md"}


def test_a_commit_that_another_one_overtook_is_refused(product: Objects) -> None:
    first = product.commit_of(BRANCH)
    product.commit(BY, {"a.py": b"2\n"}, BRANCH, [first])
    with pytest.raises(ProductError, match="first parent"):
        product.commit(BY, {"a.py": b"3\n"}, BRANCH, [first])
    assert product.contents(product.tree(BRANCH))["a.py"] == b"2\n"


@pytest.mark.parametrize("path", [".git/config", "../a.py", "docs/../../a.py", "/a.py"])
def test_no_path_leads_out_of_the_product(product: Objects, path: str) -> None:
    with pytest.raises(ProductError, match="refuses"):
        product.commit(BY, {path: b"1\n"}, BRANCH, [product.commit_of(BRANCH)])


def test_contents_that_are_lost_are_named_with_the_way_out(product: Objects) -> None:
    with pytest.raises(ProductError, match=r"lost the contents of 'a\.py'.*fork RUN --at 0"):
        product.contents({"a.py": "0" * 40})


def test_a_file_makes_room_for_a_folder_of_its_name(product: Objects) -> None:
    product.commit(BY, {"a.py/b.py": b"1\n"}, BRANCH, [product.commit_of(BRANCH)])
    assert set(product.tree(BRANCH)) == {"a.py/b.py", "docs/b.md"}


def test_a_repository_whose_making_was_broken_off_is_made_to_the_end(tmp_path: Path) -> None:
    half = Objects(tmp_path / "half")
    (half.folder / ".git" / "objects").mkdir(parents=True)
    half.create(bare=False)
    half.put(b"1\n")
    git(half.folder, "fsck")


def test_only_files_count_in_a_commit_of_the_users_own(product: Objects, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    git(tmp_path, "clone", "--quiet", str(product.folder), str(mine))
    link = f"160000,{product.commit_of(BRANCH)},vendored"
    git(mine, "update-index", "--add", "--cacheinfo", link)
    git(mine, "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Vendor")
    theirs = Objects(mine)
    assert set(theirs.tree(BRANCH)) == {"a.py", "docs/b.md"}
    copy = Objects(tmp_path / "copy")
    copy.create(bare=True)
    copy.fetch(theirs, theirs.commit_of(BRANCH), copy.refs())
    copy.point(BRANCH, theirs.commit_of(BRANCH))
    assert copy.tree(BRANCH) == theirs.tree(BRANCH)

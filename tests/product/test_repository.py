"""The product's repository: contents by hash, one commit a step, and the user's folder."""

import subprocess
from pathlib import Path

import pytest

from softfactory.errors import FolderTaken, ProductError
from softfactory.product.folders import free_folder, refuse_foreign
from softfactory.product.hands import Folder
from softfactory.product.repository import Change, Repository, blob_id


@pytest.fixture
def product(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "product.git", "run")


async def publish(product: Repository, out: Path) -> list[str]:
    return await Folder(product, out).publish()


def log(folder: Path) -> list[str]:
    command = ["git", "-C", str(folder), "log", "--reverse", "--format=%an: %s", "main"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


async def test_every_step_is_a_commit_of_its_role(product: Repository) -> None:
    first = await product.save(Change("Architect", "Design", {"docs/设计.md": "a\n"}))
    second = await product.save(Change("Engineer", "Write", {"a b.py": "x = 1\n"}))
    assert log(product.folder) == ["Architect: Design", "Engineer: Write"]
    assert await product.tree() == {**first, **second}
    assert await product.texts(second) == {"a b.py": "x = 1\n"}


async def test_repeating_a_step_commits_nothing(product: Repository) -> None:
    change = Change("Engineer", "Write", {"a.py": "x = 1\n"})
    assert await product.save(change) == await product.save(change)
    assert log(product.folder) == ["Engineer: Write"]


async def test_a_repository_that_died_while_it_was_made_is_used(product: Repository) -> None:
    (product.folder / "objects").mkdir(parents=True)
    (product.folder / "HEAD").touch()
    tree = await product.save(Change("Engineer", "Write", {"a.py": "x = 1\n"}, seen={}))
    assert await product.texts(tree) == {"a.py": "x = 1\n"}


async def test_any_bytes_survive(product: Repository, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    tree = await product.save(Change("QA Engineer", "Sound", {"s.wav": data, "empty": b""}))
    assert tree["s.wav"] == blob_id(data)
    assert await product.contents(tree) == {"s.wav": data, "empty": b""}
    (tmp_path / "checkout").mkdir()
    await product.checkout(tree, tmp_path / "checkout")
    assert (tmp_path / "checkout" / "s.wav").read_bytes() == data


async def test_the_folder_of_the_user_follows_and_own_files_in_it_are_kept(
    product: Repository, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    await product.save(Change("Engineer", "Write", {"a.py": "1\n"}))
    await publish(product, out)
    (out / "notes.txt").write_text("mine")
    await product.save(Change("Engineer", "Mend", {"a.py": "2\n"}))
    await publish(product, out)
    assert (out / "a.py").read_text() == "2\n"
    assert (out / "notes.txt").read_text() == "mine"
    assert log(out) == ["Engineer: Write", "Engineer: Mend"]


async def test_what_the_user_changed_is_never_overwritten(
    product: Repository, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    await product.save(Change("Engineer", "Write", {"a.py": "1\n"}))
    await publish(product, out)
    (out / "a.py").write_text("mine\n")
    await product.save(Change("Engineer", "Mend", {"a.py": "2\n"}))
    assert await publish(product, out) == ["a.py"]
    assert (out / "a.py").read_text() == "mine\n"


async def test_hooks_and_settings_of_the_user_are_not_run(
    product: Repository, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    await product.save(Change("Engineer", "Write", {"a.py": "1\n"}))
    await publish(product, out)
    hook = out / ".git" / "hooks" / "post-merge"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)
    await product.save(Change("Engineer", "Mend", {"a.py": "2\n"}))
    await publish(product, out)
    assert not (tmp_path / "ran").exists()


async def test_a_lost_repository_is_said_by_name(tmp_path: Path) -> None:
    lost = Repository(tmp_path / "gone.git", "run")
    with pytest.raises(ProductError, match=r"gone\.git"):
        await lost.text("0" * 40)


async def test_foreign_folders_are_refused_and_the_next_free_one_is_found(
    product: Repository, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "x").write_text("")
    with pytest.raises(FolderTaken, match="--out"):
        await refuse_foreign(tmp_path / "app", "run")
    assert await free_folder(tmp_path, "app", "run") == tmp_path / "app-2"
    await product.save(Change("Engineer", "Write", {"a.py": "1\n"}))
    await publish(product, tmp_path / "app-2")
    await refuse_foreign(tmp_path / "app-2", "run")
    with pytest.raises(FolderTaken):
        await refuse_foreign(tmp_path / "app-2", "another")

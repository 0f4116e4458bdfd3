"""When the user's folder follows the product."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from softfactory.errors import LeaseLost
from softfactory.product.hands import Folder
from softfactory.product.publishing import Publishing
from softfactory.product.repository import Change, Repository
from tests.conftest import appears

RUN = "run"


class Folders:
    """Where the product of the one run is, and how often somebody asked for it."""

    def __init__(self, folder: Folder | None) -> None:
        self.folder = folder
        self.asked = 0

    async def of(self, _: str) -> Folder | None:
        self.asked += 1
        return self.folder


@pytest.fixture
async def folder(tmp_path: Path) -> Folder:
    product = Repository(tmp_path / "product.git", RUN)
    await product.save(Change("Engineer", "Write", {"a.py": "1"}))
    return Folder(product, tmp_path / "out")


async def write(folder: Folder, text: str) -> None:
    await folder.repository.save(Change("Engineer", f"Write {text}", {"a.py": text}))


async def test_what_is_committed_in_a_moment_is_brought_together(folder: Folder) -> None:
    folders = Folders(folder)
    publishing = Publishing(folders.of)
    for text in ("2", "3", "4"):
        await write(folder, text)
        publishing.soon(RUN)
    assert not folder.out.exists()
    await publishing.finish(RUN)
    assert (folder.out / "a.py").read_text() == "4"
    await publishing.finish(RUN)
    assert folders.asked == 1


async def test_a_folder_follows_though_nobody_waits_for_it(folder: Folder) -> None:
    publishing = Publishing(Folders(folder).of)
    publishing.soon(RUN)
    await appears(folder.out / "a.py")
    await publishing.finish(RUN)
    assert (folder.out / "a.py").read_text() == "1"


async def test_a_rest_waits_for_what_has_begun(folder: Folder) -> None:
    publishing = Publishing(Folders(folder).of)
    begun = asyncio.create_task(publishing.now(RUN))
    await asyncio.sleep(0)
    await publishing.finish(RUN)
    assert (folder.out / "a.py").read_text() == "1"
    assert await begun == ""


async def test_nothing_is_done_before_the_folder_has_a_name(folder: Folder) -> None:
    publishing = Publishing(Folders(None).of)
    publishing.soon(RUN)
    await publishing.finish(RUN)
    assert await publishing.now(RUN) == ""
    assert not folder.out.exists()


async def test_a_folder_in_the_way_is_named_with_the_way_out(folder: Folder) -> None:
    folder.out.write_text("mine")
    told = await Publishing(Folders(folder).of).now(RUN)
    assert str(folder.out) in told
    assert f"`git clone {folder.repository.folder}`" in told
    assert folder.out.read_text() == "mine"


async def test_who_has_lost_the_run_brings_nothing(folder: Folder) -> None:
    async def lost() -> None:
        raise LeaseLost("taken over")

    other = Folder(replace(folder.repository, may_write=lost), folder.out)
    publishing = Publishing(Folders(other).of)
    with pytest.raises(LeaseLost):
        await publishing.now(RUN)
    publishing.soon(RUN)
    await publishing.finish(RUN)
    assert not folder.out.exists()

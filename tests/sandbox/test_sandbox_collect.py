import os
from pathlib import Path

import pytest

from softfactory.sandbox import read_collected, read_pictures
from softfactory.sandbox.collect import PICTURE_BYTES, PICTURES

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_plain_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "junit.xml").write_bytes(b"<x/>")
    assert read_collected(tmp_path, "reports/junit.xml", 4) == b"<x/>"


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "trick",
    ["link", "folder-link/file", "fifo", "twin", "large", "folder", "../up", "/etc/hosts", ".", ""],
)
def test_every_trick_is_refused(tmp_path: Path, trick: str) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "folder").mkdir(parents=True)
    (tmp_path / "up").write_text("up")
    (checkout / "folder" / "file").write_text("inside")
    (checkout / "large").write_bytes(bytes(1001))
    (checkout / "link").symlink_to("folder/file")
    (checkout / "folder-link").symlink_to("folder")
    os.mkfifo(checkout / "fifo")
    os.link(tmp_path / "up", checkout / "twin")
    with pytest.raises(OSError):  # noqa: PT011 - the kernel's words differ
        read_collected(checkout, trick, 1000)


@pytest.mark.timeout(5)
def test_pictures_are_plain_files_of_that_kind_and_few(tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    shots.mkdir()
    (tmp_path / "secret.png").write_bytes(PNG)
    (shots / "good.png").write_bytes(PNG + b"picture")
    (shots / "large.png").write_bytes(PNG + bytes(PICTURE_BYTES))
    (shots / "page.png").write_bytes(b"<script>")
    (shots / "good.svg").write_bytes(PNG)
    (shots / 'a" onload="x.png').write_bytes(PNG)
    (shots / "link.png").symlink_to("../secret.png")
    os.link(tmp_path / "secret.png", shots / "twin.png")
    os.mkfifo(shots / "fifo.png")
    (shots / "folder.png").mkdir()
    assert read_pictures(tmp_path, "shots") == {"good.png": PNG + b"picture"}
    for number in range(PICTURES + 9):
        (shots / f"{number}.png").write_bytes(PNG)
    assert len(read_pictures(tmp_path, "shots")) == PICTURES


def test_a_folder_of_pictures_that_leads_elsewhere_is_empty(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "one.png").write_bytes(PNG)
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "shots").symlink_to("../outside")
    for folder in ("shots", "missing", "../outside"):
        assert read_pictures(tmp_path / "checkout", folder) == {}

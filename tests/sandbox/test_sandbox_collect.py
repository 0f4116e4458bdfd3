import os
from pathlib import Path

import pytest

from softfactory.sandbox import read_collected


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

"""Desktop programs: an X server of the sandbox's own, in the same run as its client."""

import shutil
from collections.abc import Callable

import pytest

from softfactory.sandbox import Command, Sandbox

SOURCE = """
import os, socket, subprocess
reading, writing = os.pipe()
words = ("-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp")
server = subprocess.Popen(("Xvfb", *words), pass_fds=(writing,), stderr=subprocess.DEVNULL)
os.close(writing)
number = os.read(reading, 9).decode().strip()
with socket.socket(socket.AF_UNIX) as client:
    client.connect(f"/tmp/.X11-unix/X{number}")
    client.send(b"l\\0\\x0b\\0\\0\\0\\0\\0\\0\\0\\0\\0")
    print("accepted" if client.recv(1) == b"\\x01" else "refused")
server.terminate()
"""


async def test_an_x_server_serves_its_client_where_there_are_sockets(
    sandbox: Sandbox, python: Callable[..., Command]
) -> None:
    if not shutil.which("Xvfb"):
        pytest.skip("Xvfb is not installed")
    if not sandbox.offers_loopback:
        pytest.skip("there are no sockets to connect to under Landlock")
    result = await sandbox.run(python(SOURCE))
    assert (result.exit_code, result.stdout) == (0, "accepted\n"), result

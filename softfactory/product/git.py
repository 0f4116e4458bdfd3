"""Git as a program, shut off from the user's configuration and from hooks."""

import asyncio
import os
import subprocess
from pathlib import Path

from softfactory.errors import ProductError

SAFE = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.autocrlf=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "protocol.file.allow=always",
)


async def git(
    folder: Path, *arguments: str, stdin: bytes = b"", may_fail: bool = False
) -> bytes | None:
    """Run git in `folder`; what it printed, or None if it failed and may.

    Raises:
        ProductError: git is missing, or failed where it must not.

    """
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }
    try:
        done = await asyncio.to_thread(
            subprocess.run,
            ["git", *SAFE, *arguments],
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise ProductError(f"git, or the folder {str(folder)!r}, is missing") from error
    if done.returncode == 0:
        return bytes(done.stdout)
    if may_fail:
        return None
    words = done.stderr.decode(errors="replace").strip() or "no reason given"
    raise ProductError(f"git {arguments[0]} failed in {str(folder)!r}: {words[-400:]}")


async def output(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What a git command that must succeed prints."""
    return await git(folder, *arguments, stdin=stdin) or b""

"""Git as a program, shut off from the user's configuration and from hooks."""

import asyncio
import os
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
        process = await asyncio.create_subprocess_exec(
            "git",
            *SAFE,
            *arguments,
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise ProductError(f"git, or the folder {str(folder)!r}, is missing") from error
    printed, complaint = await process.communicate(stdin)
    if process.returncode == 0:
        return printed
    if may_fail:
        return None
    words = complaint.decode(errors="replace").strip() or "no reason given"
    raise ProductError(f"git {arguments[0]} failed in {str(folder)!r}: {words[-400:]}")


async def output(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What a git command that must succeed prints."""
    return await git(folder, *arguments, stdin=stdin) or b""

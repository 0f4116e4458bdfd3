"""Changing modes and times for a program under Landlock, which itself knows no rule for them.

The filter of system calls stops such a call and asks here; it is done for the program, as its
user, if the file lies in the program's own folders. What is judged is the opened file, not its
name, so that names may change in the meantime. Loaded by the launcher, so standard library only;
numbers are from the kernel's ``seccomp.h`` and ``fcntl.h``.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import struct
import time
from pathlib import Path
from typing import Any

RECEIVE, ANSWER, STILL_THERE = 0xC0502100, 0xC0182101, 0x40082102
SET_USER = {"x86_64": (116, 119, 117), "aarch64": (159, 149, 147)}  # groups, group, user
_MODE = 0o1777
_HERE, _NOT_THROUGH_LINKS, _EMPTY_PATH = -100, 0x100, 0x1000
_NOW, _OMIT = (1 << 30) - 1, (1 << 30) - 2
_ARGUMENTS = {  # which are the folder, the path, the new value and the flags; -1 for none
    "chmod": (-1, 0, 1, -1),
    "fchmod": (0, -1, 1, -1),
    "fchmodat": (0, 1, 2, -1),
    "fchmodat2": (0, 1, 2, 3),
    "utimensat": (0, 1, 2, 3),
}


def answer(listener: int, plan: dict[str, Any]) -> None:
    """Answer all that the filter asks; meant for a thread, of which alone it changes the user."""
    try:
        folders = [os.path.realpath(path) for path, kind in plan["rules"] if kind == "write"]
        if plan["uid"] is not None:
            _become(plan["uid"])
        while _heard(listener, plan["asked"], folders):
            pass
    finally:
        os.close(listener)  # the kernel then answers that there is no such call


def _heard(listener: int, asked: dict[str, str], folders: list[str]) -> bool:
    request = bytearray(80)
    try:
        fcntl.ioctl(listener, RECEIVE, request)
    except OSError as error:
        time.sleep(0.001)  # it was killed before it was heard
        return error.errno in (errno.EINTR, errno.ENOENT)
    reply = _reply(listener, request, asked, folders)
    with contextlib.suppress(OSError):  # it was killed before it was answered
        fcntl.ioctl(listener, ANSWER, struct.pack("=8sqiI", request[:8], 0, -reply, 0))
    return True


def _become(uid: int) -> None:
    """Change this thread's user, which only the bare system calls can."""
    libc = ctypes.CDLL(None, use_errno=True)
    groups, group, user = SET_USER[os.uname().machine]
    same = [ctypes.c_long(uid)] * 3
    if libc.syscall(groups, 0, None) or libc.syscall(group, *same) or libc.syscall(user, *same):
        raise OSError(ctypes.get_errno(), "the thread can't change its user")


def _reply(listener: int, request: bytearray, asked: dict[str, str], folders: list[str]) -> int:
    """Do what is asked, and return 0 or the number of the error."""
    pid, number = struct.unpack_from("=8xI4xi", request)
    call, arguments = asked[str(number)], (*struct.unpack_from("=6Q", request, 32), 0)
    at, path, value, flags = (arguments[place] for place in _ARGUMENTS[call])
    try:
        folder = _HERE if call == "chmod" else ctypes.c_int(at).value
        name = _text(pid, path) if path else b""
        if path and not name and not flags & _EMPTY_PATH:
            return errno.ENOENT
        new = _times(pid, value) if call == "utimensat" else (value & _MODE,)
        target = _opened(pid, folder, name, flags)
        try:
            fcntl.ioctl(listener, STILL_THERE, bytes(request[:8]))
            _change(Path("/proc/self/fd", str(target)), folders, new)
        finally:
            os.close(target)
    except OSError as refused:
        return refused.errno or errno.EPERM
    except (ValueError, OverflowError, struct.error):
        return errno.EINVAL
    return 0


def _opened(pid: int, folder: int, name: bytes, flags: int) -> int:
    """Hold on to what a process names, whatever becomes of the name."""
    place = f"/proc/{pid}/cwd" if folder == _HERE else f"/proc/{pid}/fd/{folder}"
    base = os.open(place, os.O_PATH | os.O_CLOEXEC)
    if not name:
        return base
    try:
        links = os.O_NOFOLLOW if flags & _NOT_THROUGH_LINKS else 0
        return os.open(name, os.O_PATH | os.O_CLOEXEC | links, dir_fd=base)
    finally:
        os.close(base)


def _change(target: Path, folders: list[str], new: tuple[int, ...]) -> None:
    place = str(target.readlink())
    if not any(place == folder or place.startswith(f"{folder}/") for folder in folders):
        raise PermissionError(errno.EPERM, "it is not the program's")
    if len(new) == 1:
        target.chmod(new[0])
        return
    found, now = target.stat(), time.time_ns()
    times = []
    for seconds, rest, before in ((*new[:2], found.st_atime_ns), (*new[2:], found.st_mtime_ns)):
        times.append({_NOW: now, _OMIT: before}.get(rest, seconds * 10**9 + rest))
    os.utime(target, ns=(times[0], times[1]))


def _text(pid: int, address: int) -> bytes:
    text, end, _ = _memory(pid, address, 4096).partition(b"\0")
    if not end:
        raise OSError(errno.ENAMETOOLONG, "the path has no end")
    return text


def _times(pid: int, address: int) -> tuple[int, ...]:
    """Read two times, each in seconds and nanoseconds."""
    return struct.unpack("=4q", _memory(pid, address, 32)) if address else (0, _NOW, 0, _NOW)


def _memory(pid: int, address: int, size: int) -> bytes:
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(memory, size, address)
    finally:
        os.close(memory)

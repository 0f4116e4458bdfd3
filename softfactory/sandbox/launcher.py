"""The process between us and a program: puts up the walls, then outlives every descendant.

Run as ``python -I -S launcher.py <plan fd> <status fd>``; standard library only, because nothing
else can be imported that way. Numbers are from the kernel's ``prctl.h`` and ``landlock.h``.
"""

import _thread
import ctypes
import json
import os
import resource
import signal
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

    Channel = tuple[socket.socket, socket.socket]

SET_DEATH_SIGNAL = 1
DROP_FROM_BOUNDING_SET = 24
SET_SUBREAPER = 36
NO_NEW_PRIVILEGES = 38
SECCOMP = {"x86_64": 317, "aarch64": 277}
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
NOT_CONFINED, NOT_EXECUTABLE = 125, 127
POLITENESS = 10  # on the scale of nice(1): who watches and who waits for a page come first
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_DEVICES, _TRUNCATE, _IOCTL = (1 << 6) | (1 << 11), 1 << 14, 1 << 15
_ON_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many rights on files a version knows; later: 16
_ACCESS = {
    "read": _EXECUTE | _READ | _LIST,
    "write": 0xFFFF & ~_DEVICES & ~_IOCTL,
    "device": _READ | _WRITE,
    "list": _LIST,
}


def descendants(root: int) -> list[int]:
    """Return the ids of all living processes below this one."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - many times a second
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - pathlib is slow
                    fields = file.read().rpartition(b")")[2].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    todo = [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def landlock_abi() -> int:
    """Return the version of Landlock this kernel offers, 0 for none."""
    return max(0, int(_libc().syscall(CREATE_RULESET, None, 0, 1)))


def main(plan_fd: int, status_fd: int) -> int:
    """Run the planned program and return its exit code once nothing of it is left."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    _control(SET_DEATH_SIGNAL, signal.SIGTERM)
    _control(SET_SUBREAPER, 1)
    os.set_inheritable(status_fd, False)
    with os.fdopen(plan_fd) as file:
        plan = json.load(file)
    if os.getppid() != plan["parent"]:
        return NOT_CONFINED
    channel = _channel() if plan["seccomp"] else None
    child = os.fork()
    if child == 0:
        _become(plan, status_fd, channel)
    signal.signal(signal.SIGTERM, lambda *_: _kill(child))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    _let_go_of_streams(status_fd)
    if channel:
        _listen(channel, plan)
    status = _wait_for(child)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the id may belong to someone else from now on
    _end_descendants()
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _become(plan: dict[str, Any], status_fd: int, channel: "Channel | None") -> None:
    supervisor = os.getppid()
    try:
        os.setsid()
        os.nice(POLITENESS)
        _confine(plan, channel)
        if os.getppid() != supervisor:
            os._exit(NOT_CONFINED)
    except Exception as error:
        os.write(status_fd, f"{type(error).__name__}: {error}".encode())
        os._exit(NOT_CONFINED)
    try:
        os.execvpe(plan["argv"][0], plan["argv"], os.environ)  # noqa: S606 - that is the task
    except OSError as error:
        os.write(2, f"{plan['argv'][0]}: {error.strerror}\n".encode())
        os._exit(NOT_EXECUTABLE)


def _confine(plan: dict[str, Any], channel: "Channel | None") -> None:
    """Take away rights in the one order that works: what needs root first, the filter last."""
    ruleset = _ruleset(plan["abi"], plan["rules"]) if plan["abi"] else None
    for limit, soft, hard in plan["rlimits"]:
        resource.setrlimit(limit, (soft, hard))
    if plan["uid"] is not None:
        _become_user(plan["uid"])
    _control(SET_DEATH_SIGNAL, signal.SIGKILL)  # changing the user would have cleared it
    if plan["abi"]:
        _control(NO_NEW_PRIVILEGES, 1)  # not for bwrap, which some systems install set-user-id
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, programs rely on them
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    if ruleset is not None:
        _call(RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)
    if channel:
        _filter(bytes.fromhex(plan["seccomp"]), channel)


def _become_user(uid: int) -> None:
    for capability in range(64):
        _libc().prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _ruleset(abi: int, rules: list[tuple[str, str]]) -> int:
    """Forbid all access to files, TCP and other programs' signals, then allow the rules."""
    rights = (1 << _RIGHTS.get(abi, 16)) - 1
    words = (rights, 0b11 if abi >= 4 else 0, 0b11 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _call(CREATE_RULESET, struct.pack("QQQ", *words)[:size], size, 0)
    for path, kind in rules:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # not every machine has every file
        access = _ACCESS[kind] & rights
        if not os.path.isdir(path):  # noqa: PTH112 - importing pathlib takes longer than all this
            access &= _ON_FILES
        _call(ADD_RULE, ruleset, 1, struct.pack("=Qi", access, descriptor), 0)
        os.close(descriptor)
    return ruleset


def _channel() -> "Channel":
    """Return two ends through which the child hands over the other end of its filter."""
    import socket  # slow, and not needed for bubblewrap

    return socket.socketpair()


def _filter(program: bytes, channel: "Channel") -> None:
    """Install the filter, and hand over its other end, if the kernel gives one."""
    import socket  # see above

    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.c_char_p(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
    number = SECCOMP[os.uname().machine]
    try:
        listener = _call(number, 1, 8, header)
    except OSError:
        _call(number, 1, 0, header)  # what would be asked is then refused
        return
    socket.send_fds(channel[1], [b"."], [listener])
    os.close(listener)


def _listen(channel: "Channel", plan: dict[str, Any]) -> None:
    """Answer what the filter asks: the neighbouring module does, which has to be found by path."""
    import importlib.util  # slow, and not needed for bubblewrap
    import socket

    channel[1].close()
    spec = importlib.util.spec_from_file_location("modes", f"{os.path.dirname(__file__)}/modes.py")  # noqa: PTH120
    for listener in socket.recv_fds(channel[0], 1, 1)[1]:
        if spec and spec.loader:
            modes = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(modes)
            _thread.start_new_thread(modes.answer, (listener, plan))


def _let_go_of_streams(status_fd: int) -> None:
    os.close(status_fd)
    nothing = os.open("/dev/null", os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _wait_for(child: int) -> int:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return status


def _end_descendants() -> None:
    while True:
        for pid in descendants(os.getpid()):
            _kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _whole(argument: Any) -> Any:
    """Pass numbers in the full width of a register: the kernel looks at all of it."""
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: Any) -> int:
    answer = int(_libc().syscall(number, *map(_whole, arguments)))
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"system call {number}: {os.strerror(code)}")
    return answer


def _control(option: int, *arguments: Any) -> None:
    filled = map(_whole, (*arguments, 0, 0, 0, 0)[:4])
    if _libc().prctl(option, *filled) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl {option}: {os.strerror(code)}")


if __name__ == "__main__":
    os._exit(main(int(sys.argv[1]), int(sys.argv[2])))

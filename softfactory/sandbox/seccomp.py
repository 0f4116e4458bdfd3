"""A filter of system calls: what neither namespaces nor Landlock keep from a program.

Everything is allowed but a list: a list of what is allowed would break with every new libc.
Numbers from the kernel's ``unistd.h``; an architecture without numbers here is refused.
"""

import errno
import platform
import struct
from dataclasses import dataclass

from softfactory.errors import SandboxUnavailable

_LOAD, _AND, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ASK, _ERRNO, _KILL = 0x7FFF0000, 0x7FC00000, 0x00050000, 0x80000000
_ALL = 0xFFFFFFFF
_NEW_USER = 0x10000000
_LOCAL = 1  # AF_UNIX
_FAMILIES = (_LOCAL, 2, 10)  # AF_UNIX, AF_INET, AF_INET6; vsock and its like leave the namespace
_STREAM, _DATAGRAMS, _KIND = 1, (2, 3), 0xF  # SOCK_RAW among AF_UNIX means SOCK_DGRAM
_NOT_STREAMS = tuple(kind for kind in range(_KIND + 1) if kind != _STREAM)
_TERMINAL = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: typing into the user's terminal
_SET_DUMPABLE = 4  # would hide a program's files and memory from the watchdog
_TRUNCATE, _TRUNCATE_MASK = 0o1000, 0o1003  # O_TRUNC of a file opened for reading only

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000

# name: (x86_64, aarch64); 0 where there is no such call (number 0 itself is never filtered)
_NUMBERS = {
    "open": (2, 0),
    "ioctl": (16, 29),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "socket": (41, 198),
    "connect": (42, 203),
    "socketpair": (53, 199),
    "clone": (56, 220),
    "kill": (62, 129),
    "semget": (64, 190),
    "msgget": (68, 186),
    "truncate": (76, 45),
    "chmod": (90, 0),
    "fchmod": (91, 52),
    "chown": (92, 0),
    "fchown": (93, 55),
    "lchown": (94, 0),
    "ptrace": (101, 117),
    "syslog": (103, 116),
    "rt_sigqueueinfo": (129, 138),
    "utime": (132, 0),
    "setpriority": (141, 140),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "vhangup": (153, 58),
    "pivot_root": (155, 41),
    "prctl": (157, 167),
    "chroot": (161, 51),
    "acct": (163, 89),
    "mount": (165, 40),
    "umount2": (166, 39),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "quotactl": (179, 60),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "tkill": (200, 130),
    "sched_setaffinity": (203, 122),
    "tgkill": (234, 131),
    "utimes": (235, 0),
    "mq_open": (240, 180),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "openat": (257, 56),
    "fchownat": (260, 54),
    "futimesat": (261, 0),
    "fchmodat": (268, 53),
    "unshare": (272, 97),
    "move_pages": (279, 239),
    "utimensat": (280, 88),
    "rt_tgsigqueueinfo": (297, 240),
    "perf_event_open": (298, 241),
    "prlimit64": (302, 261),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "finit_module": (313, 273),
    "sched_setattr": (314, 274),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pidfd_open": (434, 434),
    "clone3": (435, 435),
    "openat2": (437, 437),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "mount_setattr": (442, 442),
    "fchmodat2": (452, 452),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
_ALWAYS = [
    "shmget",
    "shmat",
    "semget",
    "msgget",
    "mq_open",
    "ptrace",
    "syslog",
    "vhangup",
    "pivot_root",
    "chroot",
    "acct",
    "mount",
    "umount2",
    "swapon",
    "swapoff",
    "reboot",
    "init_module",
    "finit_module",
    "delete_module",
    "quotactl",
    "kexec_load",
    "kexec_file_load",
    "add_key",
    "request_key",
    "keyctl",
    "unshare",
    "perf_event_open",
    "name_to_handle_at",
    "open_by_handle_at",
    "setns",
    "process_vm_readv",
    "process_vm_writev",
    "kcmp",
    "bpf",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "open_tree",
    "move_mount",
    "fsopen",
    "fsconfig",
    "fsmount",
    "fspick",
    "pidfd_getfd",
    "process_madvise",
    "mount_setattr",
]
_ASKED = ["chmod", "fchmod", "fchmodat", "fchmodat2", "utimensat"]
_OWNERS = ["chown", "fchown", "lchown", "fchownat", "utime", "utimes", "futimesat"]
_ATTRIBUTES = ["setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"]
_NEW_ATTRIBUTES = ["setxattrat", "removexattrat", "file_setattr"]
_OF_A_PROCESS = ["prlimit64", "sched_setparam", "sched_setscheduler", "sched_setattr"]
_OF_A_PROCESS += ["sched_setaffinity", "migrate_pages", "move_pages"]
_OF_A_KIND = {"setpriority": 2, "ioprio_set": 3}  # all that belongs to the user, by this number
_SIGNALS = ["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"]


@dataclass(frozen=True)
class Refusal:
    """One call that answers with an error, always or depending on one of its arguments.

    With ``values`` it is refused when ``argument & mask`` is one of them; with ``others`` when it
    is none of them. With ``ask`` the launcher decides.
    """

    call: str
    error: int = errno.EPERM
    argument: int = 0
    values: tuple[int, ...] = ()
    mask: int = _ALL
    others: bool = False
    ask: bool = False


def in_namespaces() -> list[Refusal]:
    """Return what a program in namespaces of its own is refused."""
    return [*_common(), Refusal("socket", values=_FAMILIES, others=True)]


def under_landlock(abi: int, supervisor: int) -> list[Refusal]:
    """Return what a program under this version of Landlock is refused.

    Landlock knows no UDP and no rule for sockets in the file system. So the only sockets are local
    streams, which a browser wants to listen on, and none can be connected; datagrams would go to
    any address, even from one end of a pair. Landlock doesn't know modes and times either: the
    launcher changes them where the program may. Owners don't change, and the user's other
    processes keep their priorities and limits. Older versions leave signals and truncation open.
    """
    refusals = [
        *_common(),
        Refusal("socket", argument=1, values=_NOT_STREAMS, mask=_KIND),
        Refusal("socket", values=(_LOCAL,), others=True),
        Refusal("connect"),
        Refusal("socketpair", argument=1, values=_DATAGRAMS, mask=_KIND),
        *(Refusal(call, ask=True) for call in _ASKED),
        *(Refusal(call, error=0) for call in _OWNERS),
        *(Refusal(call, error=errno.EOPNOTSUPP) for call in _ATTRIBUTES),
        *(Refusal(call, error=errno.ENOSYS) for call in _NEW_ATTRIBUTES),
        *(Refusal(call, values=(0,), others=True) for call in _OF_A_PROCESS),
    ]
    for call, user in _OF_A_KIND.items():
        refusals.append(Refusal(call, values=(user,)))
        refusals.append(Refusal(call, argument=1, values=(0,), others=True))
    if abi < 3:
        refusals += [Refusal("truncate"), Refusal("openat2", error=errno.ENOSYS)]
        refusals += [
            Refusal(call, argument=place, values=(_TRUNCATE,), mask=_TRUNCATE_MASK)
            for call, place in (("open", 1), ("openat", 2))
        ]
    if abi < 6:
        forbidden = (supervisor, -supervisor & _ALL, _ALL)  # itself, its group, everybody
        refusals += [Refusal(call, values=forbidden) for call in _SIGNALS]
        refusals += [Refusal(call, errno.ENOSYS) for call in ("pidfd_open", "pidfd_send_signal")]
    return refusals


def asked() -> dict[int, str]:
    """Return the calls that the launcher answers, by their numbers on this machine."""
    column = list(_AUDIT).index(platform.machine())
    return {_NUMBERS[call][column]: call for call in _ASKED}


def compiled(refusals: list[Refusal], machine: str | None = None) -> bytes:
    """Return the filter as the kernel takes it, an array of ``struct sock_filter``.

    Raises SandboxUnavailable for a machine whose numbers are not known here.
    """
    name = machine or platform.machine()
    if name not in _AUDIT:
        raise SandboxUnavailable(f"no list of system calls for {name!r}: use x86_64 or aarch64")
    column = list(_AUDIT).index(name)
    code = [
        (_LOAD, 0, 0, 4),
        (_JUMP_EQUAL, 1, 0, _AUDIT[name]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_JUMP_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
    ]
    for refusal in sorted(refusals, key=lambda r: bool(r.values)):
        if number := _NUMBERS[refusal.call][column]:
            code += _block(refusal, number)
    code.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def _common() -> list[Refusal]:
    return [
        *(Refusal(call) for call in _ALWAYS),
        Refusal("clone3", error=errno.ENOSYS),  # its flags can't be seen; libc then uses clone
        Refusal("clone", values=(_NEW_USER,), mask=_NEW_USER),
        Refusal("ioctl", argument=1, values=_TERMINAL),
        Refusal("prctl", values=(_SET_DUMPABLE,)),
    ]


def _block(refusal: Refusal, number: int) -> list[tuple[int, int, int, int]]:
    refused = (_RETURN, 0, 0, _ASK if refusal.ask else _ERRNO | refusal.error)
    if not refusal.values:
        return [(_JUMP_EQUAL, 0, 1, number), refused]
    matched = (_RETURN, 0, 0, _ALLOW) if refusal.others else refused
    body = [(_LOAD, 0, 0, 16 + 8 * refusal.argument), (_AND, 0, 0, refusal.mask)]
    for value in refusal.values:
        body += [(_JUMP_EQUAL, 0, 1, value), matched]
    if refusal.others:
        body.append(refused)
    return [(_LOAD, 0, 0, 0), (_JUMP_EQUAL, 0, len(body), number), *body]

"""The limits the kernel itself keeps, process by process; the watchdog keeps the others."""

import resource

from softfactory.sandbox.identity import tasks_of
from softfactory.sandbox.interface import MIB, Limits

_OTHERS = 256
"""Room for what else the same user begins meanwhile: products are tried at the same time."""


def rlimits(limits: Limits, uid: int) -> list[tuple[int, int, int]]:
    """Return (resource, soft, hard) for a program of this user.

    There is none on address space, because Node reserves more of it than any limit on memory; the
    one on data only stops a single huge allocation between two looks of the watchdog. The number
    of processes is counted over the whole user, so what runs already is added, and room for others:
    the watchdog counts those of the program alone.
    """
    wanted = {
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_NPROC: limits.processes + _OTHERS + tasks_of(uid),
        resource.RLIMIT_DATA: 2 * limits.memory_bytes + 1024 * MIB,
        resource.RLIMIT_CORE: 0,
    }
    return [_within_ours(number, value) for number, value in wanted.items()]


def _within_ours(number: int, value: int) -> tuple[int, int, int]:
    ours = resource.getrlimit(number)[1]
    hard = value + 1 if number == resource.RLIMIT_CPU else value  # room to die of SIGXCPU
    if ours != resource.RLIM_INFINITY:
        value, hard = min(value, ours), min(hard, ours)
    return number, value, hard

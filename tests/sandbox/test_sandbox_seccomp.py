import struct

import pytest

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox.seccomp import compiled, in_namespaces, under_landlock

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def answer(program: bytes, audit: int, number: int, *arguments: int) -> int:
    """Interpret the filter as the kernel would."""
    data = struct.pack("<IIQ", number, audit, 0)
    data += b"".join(struct.pack("<Q", word & (2**64 - 1)) for word in (*arguments, 0, 0, 0, 0)[:6])
    at, accumulator = 0, 0
    while True:
        code, true, false, value = struct.unpack_from("HBBI", program, at * 8)
        at += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
        elif code == 0x54:
            accumulator &= value
        else:
            holds = accumulator == value if code == 0x15 else accumulator >= value
            at += true if holds else false


@pytest.mark.parametrize(
    ("machine", "numbers"),
    [
        ("x86_64", {"read": 0, "socket": 41, "clone": 56, "kill": 62, "ptrace": 101, "chmod": 90}),
        ("aarch64", {"read": 63, "socket": 198, "clone": 220, "kill": 129, "ptrace": 117}),
    ],
)
def test_the_filter_refuses_what_it_lists_and_nothing_else(
    machine: str, numbers: dict[str, int]
) -> None:
    audit = MACHINES[machine]
    spaces = compiled(in_namespaces(), machine)
    assert answer(spaces, audit, numbers["read"]) == ALLOW
    assert answer(spaces, audit, numbers["ptrace"]) == EPERM
    assert answer(spaces, audit, 435) == ENOSYS
    assert answer(spaces, audit, numbers["clone"], 0x11) == ALLOW
    assert answer(spaces, audit, numbers["clone"], 0x10000011) == EPERM
    assert answer(spaces, audit, numbers["socket"], 2) == ALLOW
    assert answer(spaces, audit, numbers["socket"], 40) == EPERM
    assert answer(spaces, MACHINES["x86_64"] ^ 1, numbers["read"]) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_an_old_landlock_is_helped_by_refusing_signals_to_the_supervisor(machine: str) -> None:
    kill = {"x86_64": 62, "aarch64": 129}[machine]
    socket = {"x86_64": 41, "aarch64": 198}[machine]
    old = compiled(under_landlock(4, supervisor=4711), machine)
    for target in (4711, -4711, -1):
        assert answer(old, MACHINES[machine], kill, target) == EPERM
    assert answer(old, MACHINES[machine], kill, 4712) == ALLOW
    assert answer(old, MACHINES[machine], socket, 2) == EPERM
    new = compiled(under_landlock(6, supervisor=4711), machine)
    assert answer(new, MACHINES[machine], kill, 4711) == ALLOW


def test_calls_under_the_other_numbering_of_x86_are_refused() -> None:
    program = compiled(in_namespaces(), "x86_64")
    assert answer(program, MACHINES["x86_64"], 0x40000000 | 101) == EPERM


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(SandboxUnavailable, match="riscv64"):
        compiled(in_namespaces(), "riscv64")

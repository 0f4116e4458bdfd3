"""A machine worth attacking, in small: what hostile programs are let loose on.

Everything on it belongs to the user the programs run as, so that no ordinary permission protects
it, only a sandbox.
"""

import contextlib
import ctypes
import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from softfactory.sandbox import RunResult, read_collected, read_pictures

PREAMBLE = """
import ctypes, json, os, signal, socket, subprocess, sys, time
from pathlib import Path
host = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def boom(words):
    os.write(2, f"BOOM: {words}\\n".encode())
def attempt(work, *words):
    try:
        return work(*words)
    except (Exception, SystemExit):
        return None
"""
BYSTANDER = """
import ctypes, sys, time
kept = "".join(sys.argv[1:])
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_long(-1), 0, 0, 0)  # whoever may, can trace it
print(flush=True)
time.sleep(600)
"""
REPORT_BYTES = 1 << 16
_OPEN_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


class Host:
    """Keeps secrets, a process, services and open folders, and knows what was done to them."""

    def __init__(self, uid: int) -> None:
        self.secret = f"SECRET-{secrets.token_hex(8)}"
        self.mark = f"mark{secrets.token_hex(8)}"
        self.folder = Path(tempfile.mkdtemp(prefix="host-"))
        self.shared = Path("/dev/shm", f"host-{self.mark}")
        self.key = secrets.randbits(30)
        self._uid = uid
        self._furnish()
        self._listen()
        self._terminal, self._slave = os.openpty()
        os.set_blocking(self._terminal, False)
        Path(os.ttyname(self._slave)).chmod(0o666)
        self.segment = self._share()
        self.bystander = self._start_bystander()
        self._files = self._snapshot()
        self._life = self._living_conditions()

    def facts(self) -> str:
        """Tell a program where everything is."""
        inside = {name: str(self.folder / name) for name in ("home", "product", "open")}
        sockets = {name: str(self.folder / name) for name in ("stream", "datagram")}
        return json.dumps(
            {
                **inside,
                **sockets,
                "environment": str(self.environment),
                "database": str(self.folder / "runs.db"),
                "shared": str(self.shared),
                "abstract": self.mark[::-1],
                "tcp": self._tcp.getsockname()[1],
                "udp": self._udp.getsockname()[1],
                "terminal": os.ttyname(self._slave),
                "segment": self.segment,
                "key": self.key,
                "mark": self.mark,
                "bystander": self.bystander.pid,
            }
        )

    @property
    def environment(self) -> Path:
        """The folder that stands for a product's environment."""
        return self.folder / "environment"

    def harm(self, result: RunResult, checkout: Path) -> list[str]:
        """Everything a run did that it should not have been able to do."""
        told = [result.stdout, result.stderr]
        with contextlib.suppress(OSError):
            told.append(read_collected(checkout, "report.xml", REPORT_BYTES).decode())
        told += [
            data.decode(errors="replace") for data in read_pictures(checkout, "shots").values()
        ]
        found = ["it has the secret"] * any(self.secret in text for text in told)
        found += [line for line in result.stderr.splitlines() if line.startswith("BOOM")]
        found += [f"{name} heard it" for name in self._heard()]
        found += ["files changed"] * (self._snapshot() != self._files)
        found += ["a process was harmed"] * (self._living_conditions() != self._life)
        return found + [f"left {what}" for what in self._left()]

    def close(self) -> None:
        """Take everything down."""
        self.bystander.kill()
        self.bystander.communicate()
        for listening in (self._tcp, self._udp, self._stream, self._datagram, self._abstract):
            listening.close()
        os.close(self._terminal)
        os.close(self._slave)
        ctypes.CDLL(None).shmctl(self.segment, 0, None)
        self.shared.unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def _furnish(self) -> None:
        for name in ("home/.ssh/id_ed25519", "product/notes.txt"):
            (self.folder / name).parent.mkdir(parents=True)
            (self.folder / name).write_text(self.secret)
        (self.folder / "home" / "pictures").mkdir()
        picture = b"\x89PNG\r\n\x1a\n" + self.secret.encode()
        (self.folder / "home" / "pictures" / "one.png").write_bytes(picture)
        for name in ("open/kept", "environment/library.py"):
            (self.folder / name).parent.mkdir()
            (self.folder / name).write_text("kept")
        with sqlite3.connect(self.folder / "runs.db") as database:
            database.execute("create table runs (secret text)")
            database.execute("insert into runs values (?)", (self.secret,))
        database.close()
        self.shared.write_text(self.secret)
        for path in (self.folder, self.shared, *self.folder.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
            self._give(path)

    def _listen(self) -> None:
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", 0))
        self._stream, self._abstract = (
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(2)
        )
        self._stream.bind(str(self.folder / "stream"))
        self._abstract.bind("\0" + self.mark[::-1])
        self._datagram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._datagram.bind(str(self.folder / "datagram"))
        for name in ("stream", "datagram"):
            (self.folder / name).chmod(0o777)
        for listening in (self._tcp, self._stream, self._abstract):
            listening.listen()
        for listening in (self._tcp, self._udp, self._stream, self._abstract, self._datagram):
            listening.setblocking(False)

    def _heard(self) -> list[str]:
        found = []
        for listening in (self._tcp, self._stream, self._abstract):
            try:
                listening.accept()[0].close()
                found.append("a service")
            except BlockingIOError:
                continue
        for receiving in (self._udp, self._datagram):
            try:
                receiving.recv(99)
                found.append("a service")
            except BlockingIOError:
                continue
        with contextlib.suppress(BlockingIOError):
            found += ["the terminal"] * bool(os.read(self._terminal, 99))
        return found

    def _share(self) -> int:
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        segment = int(libc.shmget(0, 4096, 0o1666))
        at = libc.shmat(segment, None, 0)
        ctypes.memmove(at, self.secret.encode(), len(self.secret))
        libc.shmdt(ctypes.c_void_p(at))
        return segment

    def _start_bystander(self) -> "subprocess.Popen[bytes]":
        bystander = subprocess.Popen(
            [sys.executable if os.geteuid() else "/usr/bin/python3", "-c", BYSTANDER, self.secret],
            env={"API_KEY": self.secret},
            user=self._uid if os.geteuid() == 0 else None,
            group=self._uid if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
            stdout=subprocess.PIPE,
            cwd="/",
        )
        assert bystander.stdout
        bystander.stdout.readline()
        return bystander

    def _living_conditions(self) -> tuple[object, ...]:
        """What others could do to a process: its state, priority, processors and limits."""
        pid = self.bystander.pid
        if self.bystander.poll() is not None:
            return ("dead",)
        time.sleep(0.01)  # a signal takes a moment
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "tT"
        rules = (os.getpriority(os.PRIO_PROCESS, pid), os.sched_getscheduler(pid))
        limits = Path(f"/proc/{pid}/limits").read_text()
        return (state, *rules, os.sched_getaffinity(pid), limits)

    def _snapshot(self) -> dict[str, object]:
        found: dict[str, object] = {}
        for path in sorted(self.folder.rglob("*")):
            status = path.lstat()
            kept: tuple[object, ...] = (status.st_mode, status.st_nlink)
            if path.is_file():
                marks = os.listxattr(path, follow_symlinks=False)
                kept += (path.read_bytes(), status.st_mtime_ns, tuple(marks))
            found[str(path)] = kept
        return found

    def _left(self) -> list[str]:
        found = []
        for path in (path for folder in _OPEN_FOLDERS for path in Path(folder).glob("left-*")):
            if self.mark in path.name:
                found.append(str(path.parent))
                path.unlink()
        for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]:
            if int(line.split()[0]) == self.key:
                found.append("shared memory")
                ctypes.CDLL(None).shmctl(int(line.split()[1]), 0, None)
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (process / "cmdline").read_bytes():
                    found.append("a process")
                    os.kill(int(process.name), 9)
            except OSError:
                continue
        return found

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self._uid, self._uid)

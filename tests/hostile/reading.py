"""Programs that want to know: keys, secrets, memory, what others are doing.

Each prints what it finds; ``host`` tells it where to look, as a lucky guess would.
"""

READING = {
    "reads an ssh key": """
print(attempt(Path(host["home"], ".ssh/id_ed25519").read_text))
""",
    "reads secrets in its environment": """
print(dict(os.environ))
""",
    "reads the environments of other processes": """
for path in (f"/proc/{os.getppid()}/environ", *map(str, Path("/proc").glob("[0-9]*/environ"))):
    words = attempt(Path(path).read_bytes) or b""
    if b"SECRET-" in words:
        print(words[words.find(b"SECRET-"):][:40])
""",
    "reads the command lines of other processes": """
for path in Path("/proc").glob("[0-9]*/cmdline"):
    words = attempt(path.read_bytes) or b""
    if b"SECRET-" in words:
        print(words[words.find(b"SECRET-"):][:40])
""",
    "reads the memory of another process": """
for line in attempt(lambda: open(f"/proc/{host['bystander']}/maps").read().splitlines()) or []:
    if "rw-p" in line and "[v" not in line:
        first, last = (int(word, 16) for word in line.split()[0].split("-"))
        with open(f"/proc/{host['bystander']}/mem", "rb", 0) as memory:
            memory.seek(first)
            found = attempt(memory.read, last - first) or b""
            at = found.find(b"SECRET-")
            print(found[at:at + 40] if at >= 0 else "")
""",
    "traces another process": """
if libc.ptrace(16, host["bystander"], None, None) == 0:
    os.waitpid(host["bystander"], 0x40000000)
    libc.ptrace(17, host["bystander"], None, None)
    boom("attached")
""",
    "reads the folder of another product": """
for path in attempt(lambda: list(Path(host["product"]).rglob("*"))) or []:
    print(attempt(path.read_text))
print(attempt(Path(host["product"], "notes.txt").read_text))
""",
    "reads the database of all runs": """
import sqlite3
def dump():
    with sqlite3.connect(f"file:{host['database']}?mode=ro", uri=True) as database:
        return list(database.execute("select * from runs"))
print(attempt(dump))
""",
    "looks through the files it inherited": """
for number in range(3, 64):
    print(attempt(os.pread, number, 100, 0))
    print(attempt(os.readlink, f"/proc/self/fd/{number}"))
""",
    "goes around through the folders of other processes": """
for pid in ("1", str(os.getppid()), str(host["bystander"])):
    for way in ("root", "cwd"):
        path = Path("/proc", pid, way, host["home"].lstrip("/"), ".ssh/id_ed25519")
        print(attempt(path.read_text))
""",
    "attaches shared memory of System V": """
libc.shmat.restype = ctypes.c_void_p
at = libc.shmat(host["segment"], None, 0o10000)
if at not in (None, ctypes.c_void_p(-1).value):
    print(ctypes.string_at(at, 40))
""",
    "reads shared memory in a file": """
print(attempt(Path(host["shared"]).read_text))
""",
    "has a key delivered through a symbolic link": """
os.symlink(f"{host['home']}/.ssh/id_ed25519", "report.xml")
""",
    "has a key delivered through a second name": """
attempt(os.link, f"{host['home']}/.ssh/id_ed25519", "report.xml")
""",
    "has a folder delivered through a symbolic link": """
os.symlink(f"{host['home']}/pictures", "shots")
""",
    "has the collector wait for a pipe": """
os.mkfifo("report.xml")
os.mkdir("shots")
os.mkfifo("shots/one.png")
""",
}

"""Programs that want everything: memory, processes, disk, rights, and other programs' lives.

The bombs stop at several times their limit, so that trying them without any limit is safe: what
goes off says BOOM.
"""

EXHAUSTING = {
    "forks and forks": """
children = []
for _ in range(300):
    child = attempt(os.fork)
    if child == 0:
        time.sleep(9)
        os._exit(0)
    if child:
        children.append(child)
time.sleep(0.5)
if len(children) > 200:
    boom("two hundred processes")
for child in children:
    os.kill(child, 9)
""",
    "starts threads without end": """
import threading
stop = threading.Event()
threads = []
for _ in range(600):
    thread = threading.Thread(target=stop.wait, daemon=True)
    if attempt(thread.start) is None and thread.ident:
        threads.append(thread)
if len(threads) > 500:
    boom("five hundred threads")
stop.set()
""",
    "fills the memory through its children": """
children = []
for _ in range(4):
    if (child := os.fork()) == 0:
        kept = [bytearray(b"x") * (1 << 20) for _ in range(100)]
        time.sleep(1.5)
        os._exit(0)
    children.append(child)
if [os.waitpid(child, 0)[1] for child in children] == [0] * 4:
    boom("four hundred megabytes")
""",
    "fills the memory at once": """
kept = bytearray(b"x") * (600 << 20)
time.sleep(0.5)
boom("six hundred megabytes")
""",
    "fills the memory with a file that has no name": """
kept = os.memfd_create("hidden")
for _ in range(200):
    os.write(kept, bytes(1 << 20))
time.sleep(0.5)
boom("two hundred megabytes")
""",
    "fills the disk with large files": """
for number in range(50):
    Path(f"large-{number}").write_bytes(bytes(4 << 20))
time.sleep(0.5)
boom("two hundred megabytes")
""",
    "fills the disk with one file": """
with open("large", "wb") as file:
    for _ in range(100):
        file.write(bytes(1 << 20))
boom("a hundred megabytes")
""",
    "fills its home with large files": """
for number in range(50):
    Path(os.environ["HOME"], f"large-{number}").write_bytes(bytes(4 << 20))
time.sleep(0.5)
boom("two hundred megabytes")
""",
    "fills the disk with small files": """
for number in range(3000):
    Path(str(number)).touch()
time.sleep(0.5)
boom("three thousand files")
""",
    "fills the disk behind a closed door": """
os.mkdir("closed")
os.chdir("closed")
os.chmod(".", 0o300)
for number in range(50):
    Path(f"large-{number}").write_bytes(bytes(4 << 20))
time.sleep(3)
boom("two hundred megabytes")
""",
    "prints without end": """
for _ in range(5000):
    os.write(1, b"x" * (1 << 20))
boom("five gigabytes")
""",
    "never ends and will not hear": """
for number in range(1, 65):
    attempt(signal.signal, number, signal.SIG_IGN)
time.sleep(30)
boom("half a minute")
""",
    "ends another process": """
os.kill(host["bystander"], signal.SIGKILL)
""",
    "stops another process": """
os.kill(host["bystander"], signal.SIGSTOP)
""",
    "ends another process through a handle": """
handle = os.pidfd_open(host["bystander"])
signal.pidfd_send_signal(handle, signal.SIGKILL)
""",
    "takes the processor from another process": """
os.setpriority(os.PRIO_PROCESS, host["bystander"], 19)
""",
    "binds another process to one processor": """
os.sched_setaffinity(host["bystander"], {0})
""",
    "puts another process last": """
os.sched_setscheduler(host["bystander"], os.SCHED_IDLE, os.sched_param(0))
""",
    "limits another process": """
import resource
resource.prlimit(host["bystander"], resource.RLIMIT_NOFILE, (7, 7))
""",
    "becomes root": """
for become in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0)):
    attempt(become)
words = ("passwd", "--status")
if os.geteuid() == 0 or b"root P" in (attempt(subprocess.check_output, words) or b""):
    boom("it is root")
status = Path("/proc/self/status").read_text()
if "NoNewPrivs:\\t1" not in status or "CapEff:\\t0000000000000000" not in status:
    boom("it could become root")
""",
    "makes a user namespace to be root in": """
if libc.unshare(0x10000000) == 0:
    boom("it has every right in there")
""",
    "mounts a file system": """
os.mkdir("here")
if libc.mount(b"none", b"here", b"tmpfs", 0, None) == 0:
    libc.umount2(b"here", 2)
    boom("mounted")
""",
    "goes around the filter through a ring": """
shared = ctypes.create_string_buffer(256)
ring = libc.syscall(425, 4, shared)
if ring >= 0:
    boom("it has a ring")
""",
}

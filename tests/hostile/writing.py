"""Programs that want to change what isn't theirs, or stay when they should be gone."""

WRITING = {
    "writes into a file outside": """
attempt(Path(host["open"], "kept").write_text, "gone")
""",
    "makes a file outside": """
attempt(Path(host["open"], "made").write_text, "made")
""",
    "writes through a symbolic link": """
os.symlink(host["open"], "folder")
attempt(Path("folder", "kept").write_text, "gone")
attempt(Path("folder", "made").write_text, "made")
""",
    "cuts a file outside": """
attempt(os.truncate, f"{host['open']}/kept", 0)
attempt(os.open, f"{host['open']}/kept", os.O_RDONLY | os.O_TRUNC)
""",
    "removes a file outside": """
attempt(os.remove, f"{host['open']}/kept")
""",
    "moves a file outside into its own folder": """
attempt(os.rename, f"{host['open']}/kept", "kept")
""",
    "gives a file outside a second name": """
attempt(os.link, f"{host['open']}/kept", "kept")
attempt(os.link, f"{host['open']}/kept", f"{host['open']}/twin")
""",
    "changes the mode of a file outside": """
attempt(os.chmod, f"{host['open']}/kept", 0o600)
libc.syscall(452, -100, f"{host['open']}/kept".encode(), 0o600, 0)
""",
    "changes the time of a file outside": """
attempt(os.utime, f"{host['open']}/kept", (0, 0))
""",
    "marks a file outside": """
attempt(os.setxattr, f"{host['open']}/kept", "user.mark", b"mark")
""",
    "changes a file of its interpreter's environment": """
target = Path(host["environment"], "library.py")
attempt(os.chmod, target, 0o666)
attempt(target.write_text, "import evil")
""",
    "puts a file into its interpreter's environment": """
attempt(os.chmod, host["environment"], 0o777)
attempt(Path(host["environment"], "sitecustomize.py").write_text, "import evil")
""",
    "has the clean-up remove a folder outside": """
os.symlink(host["open"], "folder")
os.symlink(f"{host['open']}/kept", "kept")
os.mkdir("closed")
attempt(Path("closed", "file").write_text, "x")
os.chmod("closed", 0)
""",
    "has git run a program for it": """
os.mkdir(".git")
for name in ("objects", "refs"):
    os.mkdir(f".git/{name}")
Path(".git/HEAD").write_text("ref: refs/heads/main")
Path(".git/config").write_text(f'[core]\\nfsmonitor = "touch {host["open"]}/made; false"\\n')
""",
    "leaves files in the folders of all": """
for folder in ("/tmp", "/var/tmp", "/dev/shm"):
    attempt(Path(folder, "left-" + host["mark"]).write_text, "left")
""",
    "leaves shared memory of System V": """
libc.shmget(host["key"], 4096, 0o1666)
""",
    "survives as a daemon": """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for stream in (0, 1, 2):
            os.close(stream)
        time.sleep(60)
    os._exit(0)
time.sleep(0.1)
""",
    "stops what watches it and survives": """
if os.fork() == 0:
    os.setsid()
    attempt(os.kill, os.getppid(), signal.SIGSTOP)
    time.sleep(60)
attempt(os.kill, os.getppid(), signal.SIGSTOP)
""",
    "sets the clock": """
now = time.time()
attempt(lambda: (time.clock_settime(time.CLOCK_REALTIME, now), boom("set the clock")))
""",
}

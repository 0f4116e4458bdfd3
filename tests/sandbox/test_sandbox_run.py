# ruff: noqa: ASYNC240 - a test may wait for a file or a process
import asyncio
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from softfactory.sandbox import Command, Limits, Sandbox, Turns
from softfactory.sandbox.landlock import Unconfined

Python = Callable[..., Command]
Living = Callable[[str], list[str]]


async def test_a_program_hears_its_input_and_is_heard(sandbox: Sandbox, python: Python) -> None:
    source = """
import os, sys
print(sys.stdin.read(), os.getcwd(), os.environ["KEY"])
print("so sad", file=sys.stderr)
open("made", "w").write("here")
sys.exit(7)
"""
    command = python(source, stdin="grüße", env={"KEY": "value"})
    result = await sandbox.run(command)
    assert (result.exit_code, result.reason, result.truncated) == (7, "exit", False)
    assert (result.stdout, result.stderr) == ("grüße /workspace value\n", "so sad\n")
    assert result.isolation == sandbox.isolation
    assert (command.checkout / "made").read_text() == "here"


async def test_a_program_that_does_not_exist_is_an_ordinary_failure(
    sandbox: Sandbox, checkout: Path
) -> None:
    result = await sandbox.run(Command(("no-such-program",), checkout))
    assert result.exit_code == 127
    assert "no-such-program" in result.stderr


async def test_a_program_killed_by_a_signal_has_its_number_in_the_exit_code(
    sandbox: Sandbox, python: Python
) -> None:
    result = await sandbox.run(python("import os; os.kill(os.getpid(), 11)"))
    assert (result.exit_code, result.reason) == (128 + signal.SIGSEGV, "exit")


async def test_a_timeout_ends_the_whole_tree(
    sandbox: Sandbox, python: Python, mark: str, living: Living
) -> None:
    source = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", sys.argv[1]])
print("started", flush=True)
time.sleep(60)
"""
    result = await sandbox.run(python(source, mark, limits=Limits(wall_s=0.7)))
    assert (result.exit_code, result.reason, result.stdout) == (None, "timeout", "started\n")
    assert result.wall_s < 3
    assert not living(mark)


async def test_processor_time_is_bounded(sandbox: Sandbox, python: Python) -> None:
    result = await sandbox.run(python("while True: pass", limits=Limits(wall_s=9, cpu_s=1)))
    assert (result.exit_code, result.reason) == (128 + signal.SIGXCPU, "cpu")
    assert result.wall_s < 5


async def test_memory_is_counted_over_all_children(
    sandbox: Sandbox, python: Python, mark: str, living: Living
) -> None:
    source = """
import os, time
os.fork()
kept = [bytearray(b"x") * (1 << 20) for _ in range(90)]
time.sleep(20)
"""
    limits = Limits(wall_s=15, memory_bytes=128 << 20)
    result = await sandbox.run(python(source, mark, limits=limits))
    assert (result.exit_code, result.reason) == (None, "memory")
    assert result.peak_rss > 128 << 20
    assert not living(mark)


async def test_memory_that_is_a_file_without_a_name_counts_as_disk(
    sandbox: Sandbox, python: Python
) -> None:
    source = """
import os, time
kept = os.memfd_create("hidden")
for _ in range(60):
    os.write(kept, bytes(1 << 20))
time.sleep(20)
"""
    result = await sandbox.run(python(source, limits=Limits(wall_s=15, disk_bytes=32 << 20)))
    assert result.reason == "disk"


async def test_a_fork_bomb_is_bounded_and_leaves_nothing(
    sandbox: Sandbox, python: Python, mark: str, living: Living
) -> None:
    source = """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
"""
    started = asyncio.create_task(
        sandbox.run(python(source, mark, limits=Limits(wall_s=4, processes=20)))
    )
    most = 0
    while not started.done():
        most = max(most, len(await asyncio.to_thread(living, mark)))
        await asyncio.sleep(0.02)
    result = started.result()
    assert result.reason in {"processes", "timeout"}
    assert most < 800
    assert not living(mark)


async def test_long_outputs_are_cut(sandbox: Sandbox, python: Python) -> None:
    limits = Limits(wall_s=20, output_bytes=1000)
    result = await sandbox.run(python("print('x' * 5000)", limits=limits))
    assert (result.exit_code, result.truncated, result.reason) == (0, True, "exit")
    assert result.stdout == "x" * 1000


async def test_an_endless_output_ends_the_run(sandbox: Sandbox, checkout: Path) -> None:
    limits = Limits(wall_s=15, output_bytes=10_000)
    result = await sandbox.run(Command(("yes",), checkout, limits))
    assert (result.exit_code, result.truncated, result.reason) == (None, True, "output")
    assert result.wall_s < 5


@pytest.mark.parametrize(
    "body",
    [
        "for n in range(400): open(f'{n}', 'wb').write(bytes(1 << 20))",
        "for n in range(90_000): open(f'{n}', 'w')",
        "import os; os.chdir(os.environ['TMPDIR'])\n"
        "for n in range(400): open(f'{n}', 'wb').write(bytes(1 << 20))",
        "import os\nwhile True: os.mkdir('nested'); os.chdir('nested')",
    ],
    ids=["bytes", "files", "home", "nested"],
)
async def test_a_flood_of_files_is_stopped(sandbox: Sandbox, python: Python, body: str) -> None:
    source = f"import time\n{body}\ntime.sleep(20)"
    limits = Limits(wall_s=15, disk_bytes=32 << 20, files=500)
    result = await sandbox.run(python(source, limits=limits))
    assert (result.exit_code, result.reason) == (None, "disk")


async def test_a_file_larger_than_its_limit_cannot_be_written(
    sandbox: Sandbox, python: Python
) -> None:
    command = python("open('big', 'wb').write(bytes(9 << 20))", limits=Limits(file_bytes=1 << 20))
    result = await sandbox.run(command)
    assert result.exit_code == 1
    assert (command.checkout / "big").stat().st_size <= 1 << 20


async def test_nodes_own_test_runner_works(sandbox: Sandbox, checkout: Path) -> None:
    if not Path("/usr/bin/node").exists():
        pytest.skip("there is no node in /usr/bin")
    for name in ("one", "two"):
        source = f"require('node:test')('{name} holds', () => {{}});"
        (checkout / f"{name}.test.js").write_text(source)
    result = await sandbox.run(Command(("node", "--test"), checkout, Limits(wall_s=20)))
    assert (result.exit_code, result.reason) == (0, "exit"), result
    assert "pass 2" in result.stdout


async def test_without_isolation_the_result_says_so_and_nothing_survives(
    python: Python, mark: str, living: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    source = "import os; print(dict(os.environ))\nif not os.fork(): import time; time.sleep(60)"
    result = await Unconfined().run(python(source, mark))
    assert (result.exit_code, result.isolation) == (0, "none")
    assert "sk-secret" not in result.stdout
    assert not living(mark)


async def test_a_program_leaves_the_processor_to_whoever_watches(python: Python) -> None:
    result = await Unconfined().run(python("import os; print(os.nice(0))"))
    assert int(result.stdout) == min(19, os.nice(0) + 10)


async def test_only_so_many_programs_run_at_a_time_and_waiting_is_not_measured(
    python: Python,
) -> None:
    command = python("import time; time.sleep(0.4)", limits=Limits(wall_s=3))
    turns = Turns(Unconfined(), asyncio.Semaphore(1))
    results = await asyncio.gather(*(turns.run(command) for _ in range(8)))
    assert [result.reason for result in results] == ["exit"] * 8
    assert sum(result.wall_s for result in results) >= 8 * 0.4 > 3


async def test_a_program_whose_turn_has_not_come_can_be_given_up(python: Python) -> None:
    places = asyncio.Semaphore(0)
    waiting = asyncio.create_task(Turns(Unconfined(), places).run(python("print(1)")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert places.locked()


async def test_runs_beside_each_other_leave_no_folders(
    python: Python, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    commands = [python("print('ok')") for _ in range(6)]
    results = await asyncio.gather(*(Unconfined().run(command) for command in commands))
    assert [result.stdout for result in results] == ["ok\n"] * 6
    assert not list(tmp_path.iterdir())

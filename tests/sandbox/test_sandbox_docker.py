"""Docker as a sandbox, against a program of that name that writes down what it is asked."""

import json
import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox import Command, Limits
from softfactory.sandbox.docker import Docker

ENGINE = """#!{python}
import json, os, subprocess, sys
words = sys.argv[1:]
home = os.path.dirname(__file__)
with open(home + "/asked", "a") as file:
    file.write(json.dumps(words) + chr(10))
if os.path.exists(home + "/down"):
    sys.exit("Cannot connect to the Docker daemon. Is it running?")
if words[:2] == ["image", "inspect"]:
    sys.exit(not os.path.exists(home + "/imported"))
if words[0] == "import":
    assert sys.stdin.buffer.read() == bytes(1024)
    open(home + "/imported", "w").close()
if words[0] == "inspect":
    print("true" if os.path.exists(home + "/full") else "false")
if words[0] == "run":
    if os.path.exists(home + "/refuses"):
        sys.stderr.write("docker: invalid mount")
        sys.exit(125)
    volumes = [w.split(":") for o, w in zip(words, words[1:]) if o == "--volume"]
    checkout = next(v[0] for v in volumes if v[1] == "/workspace")
    variables = dict(w.split("=", 1) for o, w in zip(words, words[1:]) if o == "--env")
    told = words[words.index("softfactory-nothing") + 1:]
    sys.exit(subprocess.run(told, cwd=checkout, env=variables).returncode)
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(ENGINE.format(python=sys.executable))
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    return folder


def asked(engine: Path) -> list[list[str]]:
    return [json.loads(line) for line in (engine / "asked").read_text().splitlines()]


async def test_a_program_runs_in_a_container_that_is_gone_afterwards(
    engine: Path, checkout: Path
) -> None:
    source = "import os, sys; print(sys.stdin.read(), os.environ['KEY']); sys.exit(7)"
    command = Command(("python3", "-c", source), checkout, env={"KEY": "v"}, stdin="hello")
    result = await Docker().run(command)
    assert (result.exit_code, result.reason, result.isolation) == (7, "exit", "docker"), result
    assert result.stdout == "hello v\n"
    calls = asked(engine)
    assert [words[0] for words in calls] == ["info", "image", "import", "run", "inspect", "rm"]
    name = calls[3][calls[3].index("--name") + 1]
    assert calls[-1] == ["rm", "--force", "--volumes", name]


async def test_the_container_has_walls_and_limits(engine: Path, checkout: Path) -> None:
    limits = Limits(memory_bytes=1 << 28, processes=9)
    await Docker().run(Command(("true",), checkout, limits, readable=(Path("/opt"),)))
    (run,) = (words for words in asked(engine) if words[0] == "run")
    text = " ".join(run)
    for option in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        f"--memory {1 << 28} --memory-swap {1 << 28}",
        "--pids-limit 9",
        "--volume /usr:/usr:ro",
        "--volume /opt:/opt:ro",
        f"--volume {checkout}:/workspace",
    ):
        assert option in text
    assert "--user 0:" not in text
    assert "sk-secret" not in text
    writable = [w for o, w in pairwise(run) if o == "--volume" and ":ro" not in w]
    assert [w.rpartition(":")[2] for w in writable] == ["/workspace", "/tmp"]


async def test_a_container_that_ran_out_of_memory_says_so(engine: Path, checkout: Path) -> None:
    (engine / "full").touch()
    result = await Docker().run(Command(("sh", "-c", "exit 137"), checkout))
    assert (result.exit_code, result.reason) == (None, "memory")


async def test_a_timeout_removes_the_container(engine: Path, checkout: Path) -> None:
    result = await Docker().run(Command(("sleep", "60"), checkout, Limits(wall_s=0.5)))
    assert (result.exit_code, result.reason) == (None, "timeout")
    assert asked(engine)[-1][0] == "rm"


@pytest.mark.parametrize(
    ("state", "words"), [("down", "Is it running"), ("refuses", "invalid mount")]
)
async def test_an_engine_that_does_not_answer_is_no_sandbox(
    engine: Path, checkout: Path, state: str, words: str
) -> None:
    (engine / state).touch()
    with pytest.raises(SandboxUnavailable, match=words):
        await Docker().run(Command(("true",), checkout))

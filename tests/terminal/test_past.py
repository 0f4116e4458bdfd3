"""The commands about what a run has done, as a user types them."""

import json
from pathlib import Path

import pytest

from tests import calculator
from tests.command import Terminal
from tests.endpoint import Endpoint
from tests.test_cli import model_at, run_name


@pytest.mark.slow
def test_steps_are_numbered_and_can_be_looked_at_undone_and_forked(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    edited = tmp_path / "prd.json"
    edited.write_text(json.dumps(calculator.prd(title="My Calculator").model_dump(mode="json")))
    with Endpoint(calculator.straight()) as endpoint:
        terminal.run("build", calculator.IDEA, "--gates", "plan", *model_at(endpoint))
        run = run_name(terminal)
        said = terminal.run("say", run, "short names", "--to", "engineer")
        assert "it is heard when the run goes on" in said.out
        assert terminal.run("say", run, "x", "--to", "boss").code == 2
        lines = terminal.run("log", run).out.splitlines()
        assert "── step 2: architect; next: approve design" in lines
        assert lines[-1].endswith("Human  says: short names")
        diff = terminal.run("diff", run, "2", "3")
        assert diff.code == 0
        assert diff.out.startswith("--- /dev/null\n+++ b/docs/plan.md\n")
        undone = terminal.run("undo", run)
        assert undone.code == 0
        assert undone.out.startswith(f"Run {run} stands at step 2: architect; next: approve design")
        options = ["--at", "prd", "--edit", f"prd={edited}", "--hint", "no comments"]
        fork = terminal.run("fork", run, *options)
        assert fork.code == 3, fork.out + fork.err
        assert terminal.run("fork", run, "--edit", "plan").code == 2
        name = run_name(terminal)
        assert terminal.run("answer", name, "approve").code == 0
        assert terminal.run("delete", run).code == 2
    made = tmp_path / "my-calculator"
    out = made if made.exists() else tmp_path / "calculator-2"
    assert (out / "docs" / "prd.md").read_text().startswith("# My Calculator")

"""The command line, as a user types it: output, exit codes, what to type next."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from softfactory.state.documents import PlannedFile
from tests import calculator
from tests.command import Terminal
from tests.endpoint import Endpoint

pytestmark = pytest.mark.slow


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def model_at(endpoint: Endpoint) -> list[str]:
    return ["--model", "scripted", "--base-url", endpoint.url]


def run_name(terminal: Terminal) -> str:
    return terminal.run("runs").out.splitlines()[1].split()[0]


def test_a_piped_build_prints_a_line_for_each_event_and_ends_with_zero(terminal: Terminal) -> None:
    with Endpoint(calculator.eventful()) as endpoint:
        done = terminal.run("build", calculator.IDEA, "--yes", *model_at(endpoint))
    assert done.code == 0, done.err
    assert "review of W1, round 2 of 4: 1 blocking, 0 minor" in done.out
    assert "4 passed, 0 failed" in done.out
    assert f"cd {terminal.folder / 'calculator'}" in done.out
    assert "\x1b[" not in done.out


def test_the_product_is_a_git_repository_with_the_roles_as_authors(terminal: Terminal) -> None:
    with Endpoint(calculator.eventful()) as endpoint:
        assert terminal.run("build", calculator.IDEA, "--yes", *model_at(endpoint)).code == 0
    run, product = run_name(terminal), terminal.folder / "calculator"
    form = "--format=%an <%ae>|%s|%(trailers:key=Softfactory-Run,valueonly,separator=)"
    log = subprocess.run(
        ["git", "-C", str(product), "log", "--reverse", form],
        check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    who = [line.split("|")[0] for line in log]
    assert who[0] == "Product Manager <product-manager@softfactory.invalid>"
    assert who.count("Engineer <engineer@softfactory.invalid>") == 4
    assert {line.split("|")[2] for line in log} == {run}
    for path in ("calc.py", "tests/test_calc.py", "README.md", *_documents()):
        assert (product / path).exists(), path
    design = (product / "docs" / "design.md").read_text()
    for diagram in ("classDiagram", "sequenceDiagram", "quadrantChart"):
        assert f"```mermaid\n{diagram}" in design
    clean = ["git", "-C", str(product), "status", "--porcelain"]
    assert subprocess.run(clean, check=True, capture_output=True, text=True).stdout == ""


def test_json_is_one_object_a_line(terminal: Terminal) -> None:
    with Endpoint(calculator.straight()) as endpoint:
        done = terminal.run("build", calculator.IDEA, "--yes", "--json", *model_at(endpoint))
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["data"]["status"] == "delivered"


def test_a_build_waits_at_the_requirements_and_every_answer_is_told(terminal: Terminal) -> None:
    questions = calculator.prd(open_questions=["Which currency?"])
    changed = questions.model_copy(update={"summary": "Evaluates, without currencies."})
    script = calculator.straight() | {"write_prd": [questions, changed]}
    with Endpoint(script) as endpoint:
        done = terminal.run("build", calculator.IDEA, *model_at(endpoint))
        run = run_name(terminal)
        assert done.code == 3
        assert "Which currency?" in done.out
        assert f"softfactory answer {run} approve" in done.out
        shown = terminal.run("show", run)
        assert "Which currency?" in shown.out
        assert terminal.run("answer", run, "revise").code == 2
        assert terminal.run("answer", run, "dance").code == 2
        revised = terminal.run("answer", run, "revise", "no currencies")
        assert revised.code == 3, revised.err
        stopped = terminal.run("answer", run, "stop")
        assert stopped.code == 3
        assert f"softfactory resume {run}" in stopped.out
        assert terminal.run("resume", run).code == 3
        assert terminal.run("answer", run, "approve", "--reply", "a", "--reply", "b").code == 2
        assert terminal.run("answer", run, "approve", "--reply", "Euros").code == 0
        assert terminal.run("answer", run, "approve").code == 2
        assert terminal.run("resume", run).code == 2
    prd = (terminal.folder / "calculator" / "docs" / "prd.md").read_text()
    assert "Which currency? → **Euros**" in prd
    log = terminal.run("log", run).out
    assert "no currencies" not in log
    assert "Change the requirements" in log


def test_a_document_is_edited_in_the_editor_and_an_invalid_edit_is_shown_again(
    terminal: Terminal,
) -> None:
    editor = terminal.folder / "editor.sh"
    editor.write_text(
        '#!/bin/sh\nif grep -q "^#!" "$1"; then sed -i "s/size: tiny/size: small/" "$1"; else\n'
        'sed -i -e "s/size: small/size: tiny/" -e "s/^title: .*/title: My Calculator/" "$1"; fi\n'
    )
    editor.chmod(0o755)
    with Endpoint(calculator.straight()) as endpoint:
        terminal.run("build", calculator.IDEA, *model_at(endpoint))
        done = terminal.run("answer", run_name(terminal), "edit", EDITOR=str(editor))
    assert done.code == 0, done.err
    assert (
        (terminal.folder / "calculator" / "docs" / "prd.md")
        .read_text()
        .startswith("# My Calculator")
    )


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (["build"], "no idea"),
        (["build", "a thing"], "no model"),
        (["build", "a thing", "--file", "brief.md"], "not both"),
        (["build", "--file", "missing.md"], "missing.md"),
        (["build", "a thing", "--model", "m", "--gates", "lunch"], "lunch"),
        (["build", "a thing", "--model", "m", "--price", "cheap"], "cheap"),
        (["build", "a thing", "--model", "m", "--out", "taken"], "taken"),
        (["build", "a thing", "--model", "recording:none.jsonl"], "none.jsonl"),
        (["build", "a thing", "--model", "m", "--yes"], "no key"),
        (["demo", "unheard-of"], "unheard-of"),
        (["show", "nosuch"], "nosuch"),
        (["answer", "nosuch", "approve"], "nosuch"),
        (["fly"], "fly"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_code_two(
    terminal: Terminal, arguments: list[str], culprit: str
) -> None:
    (terminal.folder / "taken").mkdir()
    (terminal.folder / "taken" / "mine.txt").write_text("mine")
    done = terminal.run(*arguments)
    assert done.code == 2, done.out + done.err
    assert culprit in done.err
    assert "Traceback" not in done.err
    assert (terminal.folder / "taken" / "mine.txt").read_text() == "mine"


def test_a_brief_is_read_from_a_file_and_the_product_goes_where_it_is_told(
    terminal: Terminal,
) -> None:
    (terminal.folder / "brief.md").write_text("# Calculator\n\nWith parentheses.\n")
    with Endpoint(calculator.straight()) as endpoint:
        options = ["--file", "brief.md", "--out", "made/here", "--yes", *model_at(endpoint)]
        assert terminal.run("build", *options).code == 0
    assert (terminal.folder / "made" / "here" / "calc.py").exists()


def test_an_unreachable_model_pauses_the_run_which_can_be_resumed(terminal: Terminal) -> None:
    with Endpoint(calculator.straight()) as endpoint:
        pass
    done = terminal.run("build", calculator.IDEA, "--yes", *model_at(endpoint))
    assert done.code == 4
    assert "can't be reached" in done.out
    with Endpoint(calculator.straight()) as again:
        resumed = terminal.run("resume", run_name(terminal), "--base-url", again.url)
    assert resumed.code == 0, resumed.out + resumed.err


def test_ctrl_c_stops_within_seconds_and_nothing_is_lost(terminal: Terminal) -> None:
    with Endpoint(calculator.straight()) as endpoint:
        process = terminal.start("build", calculator.IDEA, "--yes", *model_at(endpoint))

        def interrupt(number: int) -> None:
            if number == 3:
                os.kill(process.pid, signal.SIGINT)
                time.sleep(1)

        endpoint.on_question = interrupt
        out, err = process.communicate(timeout=30)
        assert process.returncode == 3, out + err
        run = run_name(terminal)
        assert f"softfactory resume {run}" in out
        endpoint.on_question = lambda _: None
        assert terminal.run("resume", run).code == 0


def test_a_run_is_stopped_from_another_terminal_and_a_second_worker_is_refused(
    terminal: Terminal,
) -> None:
    with Endpoint(calculator.straight(), seconds=0.2) as endpoint:
        slow = {"write_code": 20.0}
        process = terminal.start("build", calculator.IDEA, "--yes", *model_at(endpoint))
        endpoint.on_question = lambda _: time.sleep(slow.get(endpoint.asked[-1], 0))
        while "write_code" not in endpoint.asked:
            assert process.poll() is None
            time.sleep(0.05)
        run = run_name(terminal)
        busy = terminal.run("resume", run)
        assert busy.code == 2
        assert "being worked on" in busy.err
        assert terminal.run("stop", run).code == 0
        out, err = process.communicate(timeout=15)
        assert process.returncode == 3, out + err
        slow.clear()
        assert terminal.run("resume", run).code == 0


def test_a_taken_default_folder_is_left_alone(terminal: Terminal) -> None:
    (terminal.folder / "calculator").mkdir()
    (terminal.folder / "calculator" / "mine.txt").write_text("mine")
    with Endpoint(calculator.straight()) as endpoint:
        assert terminal.run("build", calculator.IDEA, "--yes", *model_at(endpoint)).code == 0
    assert [path.name for path in (terminal.folder / "calculator").iterdir()] == ["mine.txt"]
    assert (terminal.folder / "calculator-2" / "calc.py").exists()


def _documents() -> list[str]:
    return [f"docs/{name}.md" for name in ("prd", "design", "plan", "report")]


def test_cost_models_and_doctor_tell_what_they_promise(terminal: Terminal) -> None:
    with Endpoint(calculator.eventful() | {"azure_tts": ['{"text": "Hello."}']}) as endpoint:
        options = ["--price", "1/4", *model_at(endpoint)]
        assert terminal.run("build", calculator.IDEA, "--yes", *options).code == 0
        well = terminal.run("doctor", *model_at(endpoint))
        assert well.code == 0, well.out
        assert "✓ model" in well.out
    bill = terminal.run("cost", run_name(terminal)).out.splitlines()
    assert bill[0].split() == [
        *("role", "skill", "calls", "in", "cached", "out"),
        *("price", "repairs", "time", "repeated"),
    ]
    report = (terminal.folder / "calculator" / "docs" / "report.md").read_text()
    lines = [line.split("  ") for line in bill[1:] if line and line[0].isupper()]
    cells = [[cell.strip() for cell in line if cell.strip()][:8] for line in lines]
    assert len(cells) == 7
    for row in cells:
        assert f"| {' | '.join(row)} |" in report
    engineer = next(line for line in bill if "write_code " in line).split()
    assert engineer[:3] == ["Engineer", "write_code", "4"]
    total = next(line for line in bill if line.startswith("all")).split()
    assert total[1] == "13"
    assert total[5].startswith("$0.0")
    listed = terminal.run("models", OPENAI_API_KEY="x").out
    assert "✓ OPENAI_API_KEY" in listed
    assert "dashscope" in listed
    ill = terminal.run("doctor", "--model", "m", "--base-url", "http://127.0.0.1:9/v1")
    assert ill.code == 1
    assert "✗ model" in ill.out


def test_a_role_can_have_a_model_of_its_own(terminal: Terminal) -> None:
    with Endpoint(calculator.straight()) as endpoint:
        options = ["--yes", "--model", "usual", "--model", "engineer=special"]
        done = terminal.run("build", calculator.IDEA, *options, "--base-url", endpoint.url)
        assert done.code == 0, done.out + done.err
        asked = dict(zip(endpoint.asked, endpoint.models, strict=True))
    assert asked["write_code"] == "special"
    assert asked["write_prd"] == asked["write_code_review"] == "usual"
    wrong = terminal.run("build", "x", "--model", "boss=special")
    assert wrong.code == 2
    assert "'boss' is no role" in wrong.err


def test_a_fork_is_a_run_of_its_own(terminal: Terminal) -> None:
    with Endpoint(calculator.straight()) as endpoint:
        terminal.run("build", calculator.IDEA, "--yes", *model_at(endpoint))
        asked = len(endpoint.asked)
        fork = terminal.run("fork", run_name(terminal), "--at", "prd")
        assert fork.code == 3, fork.err
        assert terminal.run("answer", run_name(terminal), "approve").code == 0
        assert len(endpoint.asked) == asked
    assert (terminal.folder / "calculator-2" / "calc.py").exists()


def test_a_budget_stops_the_run_and_a_larger_one_lets_it_go_on(terminal: Terminal) -> None:
    with Endpoint(calculator.straight()) as endpoint:
        options = ["--yes", "--budget", "4k", *model_at(endpoint)]
        done = terminal.run("build", calculator.IDEA, *options)
        assert done.code == 4, done.out + done.err
        run = run_name(terminal)
        assert f"softfactory answer {run} retry" in done.out
        assert terminal.run("resume", run).code == 4
        assert terminal.run("resume", run, "--budget", "5k").code == 4
        assert terminal.run("answer", run, "retry", "100k").code == 0


def test_without_node_and_browser_a_page_is_delivered_as_not_shown_with_what_to_install(
    terminal: Terminal,
) -> None:
    programs = terminal.folder / "bin"
    programs.mkdir()
    for name in ("git", "bwrap", "setpriv"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    design = calculator.DESIGN.model_copy(
        update={"kind": "web_page", "programming_language": "javascript"}
    )
    page = [PlannedFile(path="index.html", purpose="the page", requirements=["R1", "R2"])]
    layout = calculator.LAYOUT.model_copy(
        update={"files": page, "entry": "index.html", "start": []}
    )
    tests = "def test_r1_a(page):\n    assert page\n\n\ndef test_r2_b(page):\n    assert page\n"
    rules = 'require("node:test")("R1: adds", () => {});\n'
    script = calculator.straight() | {
        "design_api": [calculator.small(design, layout)],
        "write_code": [{"index.html": "<!doctype html><title>Calculator</title>"}],
        "write_test": [{"tests/test_page.py": tests, "tests/rules.test.js": rules}],
    }
    with Endpoint(script) as endpoint:
        options = ["--yes", *model_at(endpoint)]
        done = terminal.run("build", calculator.IDEA, *options, PATH=str(programs))
    assert done.code == 0, done.out + done.err
    report = (terminal.folder / "calculator" / "docs" / "report.md").read_text()
    assert report.count("| not shown |") == 2
    assert "apt-get install nodejs" in report
    assert "apt-get install chromium" in report

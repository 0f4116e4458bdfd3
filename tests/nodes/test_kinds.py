"""Every kind of product is tried as its user would use it, in the real sandbox."""

import shutil
import subprocess
from pathlib import Path

import pytest

from softfactory.nodes.laboratory import Examination, Laboratory
from softfactory.nodes.suites import Subject
from softfactory.product.repository import Change, Repository
from softfactory.sandbox import Environments, choose_sandbox
from softfactory.state.documents import Kind, ProgrammingLanguage

needs_browser = pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is missing")
needs_bubblewrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is missing")

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Counter</title></head>
<body><button id="more">More</button><p id="count">0</p><p id="late"></p>
<script src="rules.js"></script><script src="ui.js"></script></body></html>
"""
RULES = """function more(state) { return { count: state.count + 1 }; }
if (typeof module !== "undefined") module.exports = { more };
"""
UI = """window.app = { state: { count: 0 } };
document.getElementById("more").addEventListener("click", () => {
  app.state = more(app.state);
  document.getElementById("count").textContent = app.state.count;
});
setTimeout(() => { document.getElementById("late").textContent = "late"; }, 5000);
"""
RULES_TEST = """const test = require("node:test"); const assert = require("node:assert");
const { more } = require(require("node:path").join(__dirname, "..", "rules.js"));
test("R1: one more", () => assert.strictEqual(more({ count: 1 }).count, 2));
"""
PAGE_TEST = """def test_r1_a_click_counts(page):
    page.locator("#more").click()
    assert page.locator("#count").inner_text() == "1"
    assert page.evaluate("app.state.count") == 1


def test_r2_the_late_word_comes_after_five_seconds(page):
    page.clock.run_for(4900)
    assert page.locator("#late").inner_text() == ""
    page.clock.run_for(200)
    assert page.locator("#late").inner_text() == "late"
"""
COUNTER = {
    "index.html": PAGE,
    "rules.js": RULES,
    "ui.js": UI,
    "tests/rules.test.js": RULES_TEST,
    "tests/test_page.py": PAGE_TEST,
}
SERVICE = """import http.server, json, os, pathlib, signal, sys

KEPT = pathlib.Path(os.environ.get("DATA_DIR", "."), "count")


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, {"count": int(KEPT.read_text()) if KEPT.exists() else 0})

    def do_POST(self):
        count = (int(KEPT.read_text()) if KEPT.exists() else 0) + 1
        KEPT.write_text(str(count))
        self.answer(201, {"count": count})


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
address = ("127.0.0.1", int(os.environ.get("PORT", "8000")))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""
SERVICE_TEST = """def test_r1_counts_and_remembers(service):
    assert service.call("POST", "/count").status == 201
    service.restart()
    assert service.call("GET", "/count").json() == {"count": 1}
"""
WINDOW = """import tkinter
root = tkinter.Tk()
tkinter.Label(root, text="Hello").pack()
root.mainloop()
"""
WINDOW_RULES = "def test_r1_adds():\n    assert 1 + 1 == 2\n"


async def tried(
    folder: Path,
    files: dict[str, str],
    kind: Kind,
    start: tuple[str, ...] = (),
    language: ProgrammingLanguage = "python",
) -> Examination:
    product = Repository(folder / "product.git", "run")
    tree = await product.save(Change("Engineer", "Write", files))
    laboratory = Laboratory(product, choose_sandbox, Environments(folder / "home"))
    entry = "index.html" if kind == "web_page" else "main.py"
    subject = Subject(tree, kind, language, entry=entry, start=start, required=("R1",))
    return await laboratory.examine(subject)


@needs_browser
async def test_a_page_is_opened_clicked_and_pictured_while_time_stands_still(
    tmp_path: Path,
) -> None:
    examined = await tried(tmp_path, COUNTER, "web_page", language="javascript")
    report = examined.report
    assert (report.status, report.missing) == ("passed", []), report.output
    assert report.outcomes("R1") == ["passed", "passed"]
    assert report.outcomes("R2") == ["passed"]
    assert {"test_the_page_fits_the_width_of_a_phone"} <= {case.name for case in report.cases}
    assert report.probe.noticed.startswith("rules.js:1 ")
    assert sorted(examined.pictures) == ["R1", "R2"]
    assert examined.pictures["R1"].startswith(b"\x89PNG")


@needs_browser
@pytest.mark.parametrize(
    ("path", "was", "now", "words"),
    [
        ("ui.js", "app.state.count;", "nothing.at.all;", "script error"),
        ("ui.js", "setTimeout", "console.error('oh no'); setTimeout", "console: oh no"),
        ("ui.js", "setTimeout", "fetch('http://127.0.0.1:9/'); setTimeout", "asks the network"),
        (
            "index.html",
            "<p id",
            '<div style="width: 900px">wide</div><p id',
            "wide on a screen of 390",
        ),
    ],
)
async def test_a_page_with_an_error_fails(
    tmp_path: Path, path: str, was: str, now: str, words: str
) -> None:
    broken = {**COUNTER, path: COUNTER[path].replace(was, now, 1)}
    report = (await tried(tmp_path, broken, "web_page", language="javascript")).report
    assert report.status == "failed"
    assert words in report.output


@needs_bubblewrap
async def test_a_service_is_started_called_and_started_again(tmp_path: Path) -> None:
    files = {"main.py": SERVICE, "tests/test_count.py": SERVICE_TEST}
    start = ("python", "main.py")
    report = (await tried(tmp_path, files, "http_service", start)).report
    assert report.status == "passed", report.output
    assert report.outcomes("R1") == ["passed"]


@needs_bubblewrap
async def test_a_service_that_does_not_start_says_why(tmp_path: Path) -> None:
    files = {"main.py": "raise SystemExit('no port')", "tests/test_count.py": SERVICE_TEST}
    report = (await tried(tmp_path, files, "http_service", ("python", "main.py"))).report
    assert report.status == "failed"
    assert "no port" in report.output


def has_tkinter() -> bool:
    """Whether the interpreter that products get can open windows at all."""
    words = ["/usr/bin/python3", "-c", "import tkinter"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not (shutil.which("Xvfb") and has_tkinter()), reason="no virtual screen")
@needs_bubblewrap
@pytest.mark.parametrize(("program", "status"), [(WINDOW, "passed"), ("x = 1 / 0", "failed")])
async def test_a_program_with_a_window_is_opened_on_a_virtual_screen(
    tmp_path: Path, program: str, status: str
) -> None:
    files = {"main.py": program, "tests/test_rules.py": WINDOW_RULES}
    report = (await tried(tmp_path, files, "desktop", ("python", "main.py"))).report
    assert report.status == status, report.output


async def test_a_page_is_not_shown_where_no_browser_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("node", "git", "bwrap", "setpriv", "uv"):
        if found := shutil.which(name):
            (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    report = (await tried(tmp_path, COUNTER, "web_page", language="javascript")).report
    assert report.missing[0] == "no_browser"
    assert report.outcomes("R2") == []


async def test_a_required_requirement_that_only_a_skipped_test_speaks_of_is_no_pass(
    tmp_path: Path,
) -> None:
    tests = (
        "import pytest\n\n\n@pytest.mark.skip\ndef test_r1_adds():\n    pass\n\n\n"
        "def test_r2_adds():\n    assert 1 + 1 == 2\n"
    )
    files = {"main.py": "x = 1\n", "tests/test_it.py": tests}
    report = (await tried(tmp_path, files, "library")).report
    assert (report.status, report.reason) == ("failed", "no test of R1 was run")

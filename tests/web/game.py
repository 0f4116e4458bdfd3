"""The scripted company of the page's tests: every answer on the way to a game in the browser."""

from softfactory.state.documents import (
    Component,
    Design,
    Layout,
    Message,
    Plan,
    PlannedFile,
    Requirement,
    WorkPackage,
)
from softfactory.state.testing import RunRecipe, Trial
from tests import calculator

IDEA = "A lights-out game in the browser: press lights until all are off"

PRD = calculator.prd(
    name="lights-out",
    title="Lights Out",
    summary="A puzzle for a quiet minute: every press flips a light and its neighbours.",
    user_stories=["As a player, I press lights so that all of them go out"],
    requirements=[
        Requirement(
            id="R1",
            priority="P0",
            text="A press flips a light and those beside it",
            acceptance=["on an empty board a press in the middle lights five"],
        ),
        Requirement(
            id="R2",
            priority="P0",
            text="The game says when it is won, and after how many presses",
            acceptance=["with the last light off it shows `Won in 3 presses`"],
        ),
    ],
    out_of_scope=["Sounds"],
)

DESIGN = Design(
    kind="web_page",
    programming_language="javascript",
    approach="Pure rules in game.js, which tests load; the page only draws and listens.",
    components=[
        Component(
            name="game",
            purpose="rules of the game",
            interface=["press(lights: boolean[], at: number) -> boolean[]"],
            uses=[],
        ),
        Component(name="page", purpose="draws and listens", interface=[], uses=["game"]),
    ],
    data="Nine lights, row by row. Pressed buttons show their state in `aria-pressed`.",
    flow=[
        Message(sender="User", receiver="page", text="presses a light"),
        Message(sender="page", receiver="game", text="press(lights, at)"),
    ],
    third_party=[],
)

LAYOUT = Layout(
    files=[
        PlannedFile(path="index.html", purpose="the page", requirements=["R1", "R2"]),
        PlannedFile(path="game.js", purpose="the rules", requirements=["R1", "R2"]),
    ],
    entry="index.html",
    start=[],
    usage="Open `index.html` in a browser.",
)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Lights Out</title>
<style>
body { font-family: system-ui; background: #10172a; color: #e2e8f0; text-align: center; }
#board { display: grid; grid-template-columns: repeat(3, 88px); gap: 10px; }
#board { justify-content: center; }
#board button { height: 88px; border: 0; border-radius: 16px; background: #1e293b; }
#board button[aria-pressed="true"] { background: #fbbf24; box-shadow: 0 0 24px #fbbf24; }
</style>
</head>
<body>
<h1>Lights Out</h1>
<div id="board"></div>
<p id="said">Put all lights out</p>
<script src="game.js"></script>
<script>
let lights = press(Array(9).fill(false), 4);
let presses = 0;
const board = document.getElementById("board");
const said = document.getElementById("said");
function draw() {
  board.replaceChildren(...lights.map((on, at) => {
    const light = document.createElement("button");
    light.setAttribute("aria-pressed", on);
    light.setAttribute("aria-label", "light " + (at + 1));
    light.onclick = () => { lights = press(lights, at); presses += 1; draw(); };
    return light;
  }));
  said.textContent = isWon(lights) ? won(presses) : "Put all lights out";
}
draw();
</script>
</body>
</html>
"""

RULES = """function press(lights, at) {
  const row = Math.floor(at / 3);
  return lights.map((on, i) => {
    const rows = Math.abs(Math.floor(i / 3) - row);
    const columns = Math.abs((i % 3) - (at % 3));
    return rows + columns <= 1 ? !on : on;
  });
}

function isWon(lights) {
  return lights.every((on) => !on);
}

function won(presses) {
  return "Won in " + presses + (presses === 1 ? " press" : " presses");
}

if (typeof module !== "undefined") {
  module.exports = { press, isWon, won };
}
"""

TESTS = """const test = require("node:test");
const assert = require("node:assert");
const path = require("node:path");
const { press, isWon, won } = require(path.join(__dirname, "..", "game.js"));

test("R1: a press in the middle lights five", () => {
  assert.equal(press(Array(9).fill(false), 4).filter(Boolean).length, 5);
});

test("R1: a press in the corner lights three", () => {
  assert.equal(press(Array(9).fill(false), 0).filter(Boolean).length, 3);
});

test("R2: it says that it is won", () => {
  assert.ok(isWon(press(press(Array(9).fill(false), 4), 4)));
  assert.equal(won(3), "Won in 3 presses");
});
"""

PAGE_TESTS = """def test_r1_a_press_in_the_corner_flips_three(page):
    page.locator("#board button").first.click()
    assert page.locator("[aria-pressed=true]").count() == 4


def test_r2_it_says_that_it_is_won(page):
    page.locator("#board button").nth(4).click()
    assert page.locator("#said").inner_text() == "Won in 1 press"
"""

RECIPE = RunRecipe(
    trials=[
        Trial(
            command=["node", "-e", "console.log(require('./game.js').won(1))"],
            variables=[],
            stdin="",
            exit_code=0,
            shows=["Won in 1 press"],
            requirements=["R2"],
        )
    ]
)


def straight() -> calculator.Script:
    """Nothing goes wrong."""
    return calculator.straight() | {
        "write_prd": [PRD],
        "design_api": [calculator.small(DESIGN, LAYOUT)],
        "project_management": [
            Plan(
                packages=[
                    WorkPackage(
                        id="W1", title="the game", files=["index.html", "game.js"], needs=[]
                    )
                ]
            )
        ],
        "write_code": [{"index.html": PAGE, "game.js": RULES}],
        "write_test": [{"tests/game.test.js": TESTS, "tests/test_page.py": PAGE_TESTS}],
        "run_code": [RECIPE],
    }


def unopened() -> calculator.Script:
    """The same, but its own tests open no browser: steady on a machine that is busy."""
    design = DESIGN.model_copy(update={"kind": "library"})
    return straight() | {
        "design_api": [calculator.small(design, LAYOUT)],
        "write_test": [{"tests/game.test.js": TESTS}],
    }

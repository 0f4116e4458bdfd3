"""The scripted company of the tests: every answer on the way to a command-line calculator."""

from collections.abc import Sequence

from softfactory.models.scripted import Answer
from softfactory.state.documents import (
    PRD,
    Axis,
    Competitor,
    Component,
    Design,
    Finding,
    Layout,
    Message,
    Plan,
    PlannedFile,
    Quadrant,
    Requirement,
    Review,
    SmallDesign,
    WorkPackage,
)
from softfactory.state.testing import RunRecipe, Trial, Verdict

IDEA = "A calculator for the command line"

Script = dict[str, Sequence[Answer]]


def prd(**changes: object) -> PRD:
    """Requirements of the calculator."""
    return PRD(
        name="calculator",
        title="Calculator",
        language="en",
        size="small",
        summary="Evaluates an arithmetic expression given on the command line.",
        user_stories=["As a user, I type an expression so that I see its value"],
        requirements=[
            Requirement(
                id="R1",
                priority="P0",
                text="Prints the value of an expression with + - * / and parentheses",
                acceptance=['`python calc.py "1 + 2 * 3"` prints 7', '`"(1 + 2) * 3"` prints 9'],
            ),
            Requirement(
                id="R2",
                priority="P0",
                text="Division by zero is an error",
                acceptance=['`"1 / 0"` prints `error: division by zero` on stderr, exit code 1'],
            ),
        ],
        out_of_scope=["Variables"],
        quadrant=Quadrant(
            x_axis=Axis(low="At hand", high="To install"),
            y_axis=Axis(low="Simple", high="Powerful"),
            products=[
                Competitor(name="bc", remark="powerful, terse", x=0.3, y=0.9),
                Competitor(name="Calculator", remark="just enough", x=0.1, y=0.4),
            ],
        ),
        open_questions=[],
    ).model_copy(update=changes)


DESIGN = Design(
    kind="command_line",
    programming_language="python",
    approach="Parse with ast and walk the tree; nothing but numbers and four operators is let in.",
    components=[
        Component(
            name="calc",
            purpose="evaluates and prints",
            interface=[
                "evaluate(text: str) -> float",
                "main(argv: list[str] | None = None) -> int",
            ],
            uses=[],
        )
    ],
    data="Results that are whole are printed without a fraction. Errors: `error: ...` on stderr.",
    flow=[Message(sender="User", receiver="calc", text="python calc.py '1 + 2'")],
    third_party=[],
)

LAYOUT = Layout(
    files=[PlannedFile(path="calc.py", purpose="everything", requirements=["R1", "R2"])],
    entry="calc.py",
    start=["python", "calc.py"],
    usage='```sh\npython calc.py "1 + 2 * 3"\n```',
)


def small(design: Design = DESIGN, layout: Layout = LAYOUT) -> SmallDesign:
    """Design and files in one answer, as a small product is designed."""
    return SmallDesign(**design.model_dump(), layout=layout)


CODE = '''"""A calculator for the command line."""

import ast
import operator
import sys

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def evaluate(text: str) -> float:
    """The value of an expression."""
    return _value(ast.parse(text, mode="eval").body)


def _value(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise SyntaxError("not an expression")


def main(argv=None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    try:
        value = evaluate(" ".join(arguments))
    except ZeroDivisionError:
        print("error: division by zero", file=sys.stderr)
        return 1
    except SyntaxError:
        print("error: not an expression", file=sys.stderr)
        return 1
    print(int(value) if value == int(value) else value)
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''

WRONG_CODE = CODE.replace("ast.Mult: operator.mul", "ast.Mult: operator.add")
STUB_CODE = CODE.replace('    return _value(ast.parse(text, mode="eval").body)', "    ...")

TESTS = """import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def run(text):
    command = [sys.executable, str(ROOT / "calc.py"), text]
    return subprocess.run(command, capture_output=True, text=True, timeout=20)


def test_r1_multiplies_before_it_adds():
    assert run("1 + 2 * 3").stdout.strip() == "7"


def test_r1_heeds_parentheses():
    assert run("(1 + 2) * 3").stdout.strip() == "9"


def test_r2_refuses_division_by_zero():
    done = run("1 / 0")
    assert done.returncode == 1
    assert "error: division by zero" in done.stderr
"""

WRONG_TESTS = TESTS.replace(
    '"(1 + 2) * 3").stdout.strip() == "9"', '"(1 + 2) * 3").stdout.strip() == "10"'
)

RECIPE = RunRecipe(
    trials=[
        Trial(
            command=["python", "calc.py", "2 * 21"],
            variables=[],
            stdin="",
            exit_code=0,
            shows=["42"],
            requirements=["R1"],
        )
    ]
)

REJECTED = Review(
    findings=[
        Finding(
            severity="blocking",
            where="calc.py:11",
            problem="Multiplication adds: 2 * 3 gives 5",
            fix="use operator.mul",
        )
    ]
)
APPROVED = Review(findings=[])
CODE_AT_FAULT = Verdict(
    fault="code",
    files=["calc.py"],
    cause="Mult is mapped to operator.add",
    evidence="assert '6' == '7'",
    fix="map it to operator.mul",
)
TEST_AT_FAULT = Verdict(
    fault="test",
    files=["tests/test_calc.py"],
    cause="(1 + 2) * 3 is 9, the test expects 10",
    evidence="assert '9' == '10'",
    fix="expect 9",
)


def edit(path: str, search: str, replace: str) -> str:
    """An answer with one edit."""
    return f"````edit {path}\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n````\n"


FIX_OPERATOR = edit("calc.py", "    ast.Mult: operator.add,", "    ast.Mult: operator.mul,")
FIX_STUB = edit("calc.py", "    ...", '    return _value(ast.parse(text, mode="eval").body)')
FIX_TEST = edit(
    "tests/test_calc.py",
    '    assert run("(1 + 2) * 3").stdout.strip() == "10"',
    '    assert run("(1 + 2) * 3").stdout.strip() == "9"',
)


def straight() -> Script:
    """Nothing goes wrong."""
    return {
        "write_prd": [prd()],
        "write_prd_review": [APPROVED],
        "design_api": [small()],
        "design_api_review": [APPROVED],
        "design_filenames": [LAYOUT],
        "project_management": [
            Plan(packages=[WorkPackage(id="W1", title="calc", files=["calc.py"], needs=[])])
        ],
        "write_code": [{"calc.py": CODE}],
        "write_code_review": [APPROVED],
        "write_test": [{"tests/test_calc.py": TESTS}],
        "run_code": [RECIPE],
        "debug_error": [CODE_AT_FAULT],
    }


def eventful() -> Script:
    """Static checks reject once, review once, tests fail once by the code and once by the test."""
    broken = STUB_CODE.replace("ast.Mult: operator.mul", "ast.Mult: operator.add").replace(
        '    print("error: division by zero", file=sys.stderr)\n        return 1\n',
        '    print("error: division by zero", file=sys.stderr)\n        return 0\n',
    )
    fix_exit = edit(
        "calc.py",
        '        print("error: division by zero", file=sys.stderr)\n        return 0',
        '        print("error: division by zero", file=sys.stderr)\n        return 1',
    )
    return straight() | {
        "write_code": [{"calc.py": broken}, FIX_STUB, FIX_OPERATOR, fix_exit],
        "write_code_review": [REJECTED, APPROVED],
        "write_test": [{"tests/test_calc.py": WRONG_TESTS}, FIX_TEST],
        "debug_error": [CODE_AT_FAULT, TEST_AT_FAULT],
    }

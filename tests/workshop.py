"""A calculator of three packages whose making is full of trouble, and a model that survives kills.

Two packages are written at the same time; a static check and a review each send one back, the tests
fail once by the code and once by the test. Every answer is kept in a file, so that a question gets
the same answer in whatever process it is asked.
"""

import asyncio
import json
import time
from pathlib import Path

from softfactory.models.ledger import key
from softfactory.models.port import Reply, Request, estimated_tokens
from softfactory.models.scripted import written
from softfactory.state.documents import Finding, Layout, Plan, PlannedFile, Review, WorkPackage
from tests import calculator
from tests.calculator import Script, edit

OPERATORS = '''"""What the calculator can do."""

import ast
import operator

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.add,
    ast.Div: operator.truediv,
}


def known(node: ast.operator) -> bool:
    """Whether it can do this."""
    ...
'''
WORDS = '''"""What the calculator says."""

DIVISION = "error: divided by nothing"
SYNTAX = "error: not an expression"
'''
MAIN = '''"""A calculator for the command line."""

import ast
import sys

from operators import OPERATORS, known
from words import DIVISION, SYNTAX


def value_of(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return node.value
    if isinstance(node, ast.BinOp) and known(node.op):
        return OPERATORS[type(node.op)](value_of(node.left), value_of(node.right))
    raise SyntaxError


def main() -> int:
    try:
        value = value_of(ast.parse(" ".join(sys.argv[1:]), mode="eval").body)
    except ZeroDivisionError:
        print(DIVISION, file=sys.stderr)
        return 1
    except SyntaxError:
        print(SYNTAX, file=sys.stderr)
        return 1
    print(int(value) if value == int(value) else value)
    return 0


if __name__ == "__main__":
    sys.exit(main())
'''
FIX_STUB = edit("operators.py", "    ...", "    return type(node) in OPERATORS")
FIX_OPERATOR = edit("operators.py", "    ast.Mult: operator.add,", "    ast.Mult: operator.mul,")
FIX_WORDS = edit(
    "words.py", 'DIVISION = "error: divided by nothing"', 'DIVISION = "error: division by zero"'
)
REJECTED = Review(
    findings=[
        Finding(severity="blocking", where="words.py:3", problem="R2 names it", fix="as in R2")
    ]
)
PACKAGES = Plan(
    packages=[
        WorkPackage(id="W1", title="operators", files=["operators.py"], needs=[]),
        WorkPackage(id="W2", title="words", files=["words.py"], needs=[]),
        WorkPackage(id="W3", title="calc", files=["calc.py"], needs=["W1", "W2"]),
    ]
)
FILES = [
    PlannedFile(path=path, purpose=path, requirements=["R1", "R2"])
    for path in ("operators.py", "words.py", "calc.py")
]


def script() -> Script:
    """All answers; by skill and subject where two packages ask at the same time."""
    at_fault = calculator.CODE_AT_FAULT.model_copy(update={"files": ["operators.py"]})
    return calculator.straight() | {
        "write_prd": [calculator.prd(size="medium")],
        "design_filenames": [Layout(**{**calculator.LAYOUT.model_dump(), "files": FILES})],
        "project_management": [PACKAGES],
        "write_code W1 round 1": [{"operators.py": OPERATORS}],
        "write_code W1 round 2": [FIX_STUB],
        "write_code W2 round 1": [{"words.py": WORDS}],
        "write_code W2 round 2": [FIX_WORDS],
        "write_code W3 round 1": [{"calc.py": MAIN}],
        "write_code_review W2 round 1": [REJECTED],
        "write_code": [FIX_OPERATOR],
        "write_test": [{"tests/test_calc.py": calculator.WRONG_TESTS}, calculator.FIX_TEST],
        "debug_error": [at_fault, calculator.TEST_AT_FAULT],
    }


class LastingModel:
    """Answers from the script; what was asked, when, and what was answered stands in a file."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "asked.json"

    def ready(self, idea: str) -> None:
        """Always."""

    def model_for(self, role: str) -> str:
        """Always the same name."""
        return "scripted"

    @property
    def asked(self) -> list[tuple[str, float, str]]:
        """Key, time and skill of every question."""
        if not self._file.exists():
            return []
        return [(k, at, skill) for k, at, skill in json.loads(self._file.read_text())]

    async def reply(self, request: Request) -> Reply:
        """The answer that the question always gets."""
        asked, question = self.asked, key(request)
        name = next((name for known, _, name in asked if known == question), "")
        if not name:  # asked for the first time: by its subject, unless that was answered before
            subject = f"{request.skill} {request.subject}"
            taken = {name for _, _, name in asked}
            name = subject if subject in SCRIPT and subject not in taken else request.skill
        others = list(dict.fromkeys(known for known, _, known_as in asked if known_as == name))
        position = others.index(question) if question in others else len(others)
        answers = SCRIPT[name]
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps([*asked, (question, time.time(), name)]))
        draft.replace(self._file)
        await asyncio.sleep(0.005)
        text = written(answers[min(position, len(answers) - 1)])
        said = "".join(message["content"] for message in request.messages)
        return Reply(text, "scripted", estimated_tokens(said), estimated_tokens(text))


SCRIPT = script()

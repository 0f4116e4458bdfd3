"""The deterministic checks: what they find, and what they leave alone."""

import pytest

from softfactory.nodes.checks import check_files
from tests import calculator


def problems(files: dict[str, str], product: set[str] | None = None) -> list[str]:
    found = check_files(files, list(files), ["requests"], product or set(files))
    return [finding.problem for finding in found]


def test_good_code_has_no_problems() -> None:
    assert problems({"calc.py": calculator.CODE}) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(:\n", "does not parse"),
        ("def f():\n    ...\n", "f has no body"),
        ("def f():\n    '''Doc.'''\n    raise NotImplementedError\n", "f has no body"),
        ("x = 1  # TODO: the rest\n", "placeholder"),
        ("# ... existing code\n", "placeholder"),
        ("# 此处省略\n", "placeholder"),
        ("import numpy\n", "'numpy' is neither in the product nor among its packages"),
        ("from store import Store\n", "'store' is neither in the product"),
    ],
)
def test_unfinished_python_is_found(text: str, problem: str) -> None:
    [found] = problems({"main.py": text})
    assert problem in found


@pytest.mark.parametrize(
    "text",
    [
        "import requests, json\nfrom collections import abc\n",
        "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\n",
        "def f():\n    '''Doc.'''\n    return 1\n",
        "items = []  # to do items, one a line\n",
        "class E(Exception):\n    pass\n",
    ],
)
def test_finished_python_is_left_alone(text: str) -> None:
    assert problems({"main.py": text}) == []


def test_imports_between_files_of_the_product_must_name_what_is_there() -> None:
    files = {
        "app/__init__.py": "",
        "app/store.py": "class Store:\n    pass\n",
        "app/main.py": "from app.store import Store, Shop\nfrom . import store\n",
        "run.py": "from app import main\nfrom app import missing\nimport app.store\n",
    }
    found = problems(files)
    assert found == ["app/store.py defines no Shop"]


def test_files_of_other_packages_are_trusted_to_come() -> None:
    text = "from later import anything\n"
    assert problems({"main.py": text}, {"main.py", "later.py"}) == []


def test_a_planned_file_that_is_missing_or_empty_is_found() -> None:
    found = check_files({"a.py": " \n"}, ["a.py", "b.py", "pkg/__init__.py"], [], {"a.py"})
    assert [finding.where for finding in found] == ["a.py", "b.py"]


def test_a_page_refers_only_to_what_comes_with_it() -> None:
    page = (
        '<link href="style.css"><script src="js/game.js?v=1"></script>'
        '<script src="https://cdn.example.org/x.js"></script><img src="data:image/png;base64,">'
    )
    found = problems({"index.html": page}, {"index.html", "js/game.js"})
    assert found == ["style.css is not in the product", "needs the network: "
                     "https://cdn.example.org/x.js"]  # fmt: skip


def test_json_must_be_json() -> None:
    assert problems({"good.json": '{"a": 1}'}) == []
    assert problems({"bad.json": "{a: 1}"})[0].startswith("no valid JSON")

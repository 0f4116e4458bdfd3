"""Test fixtures that are put beside a product's tests and delivered with them."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

HarnessName = Literal["page", "service", "window"]


def harness(name: HarnessName, entry: str, start: Sequence[str]) -> dict[str, str]:
    """The fixtures and the tests that hold for every product of a kind, by path."""
    folder = files("softfactory.nodes.harness")
    fixtures = folder.joinpath(f"{name}.py").read_text("utf-8")
    known = fixtures.replace('"ENTRY"', repr(entry)).replace('["START"]', repr(list(start)))
    always = folder.joinpath(f"{name}_always.py").read_text("utf-8")
    return {"tests/conftest.py": known, f"tests/test_{name}_opens.py": always}

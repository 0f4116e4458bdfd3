"""The OpenAPI description: what schemathesis finds by it, and that it describes everything."""

import asyncio
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from softfactory.api import Limits, create_app, tokens_from
from softfactory.models.scripted import ScriptedModel
from tests import calculator
from tests.served import ALICE, TOKENS, Served, served_by_default, serving

EACH = 1000
"""Requests at least, with a token and without."""
METHODS = ("get", "post", "put", "delete", "patch")


class Counting:
    """Counts requests by their status on the way through."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.seen: Counter[int] = Counter()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.seen[message["status"]] += 1
            await send(message)

        await self._app(scope, receive, told)


async def fuzz(served: Served, folder: Path, *more: str) -> tuple[int, str]:
    """Run schemathesis against a server; its exit code and what it says."""
    run, waiting = await served.delivered(), await served.create()
    assert await served.rest(waiting) == "waiting"
    doomed = await served.create()
    assert await served.rest(doomed) == "waiting"
    known = f'[parameters]\n"path.run" = "{run}"\n'
    for which, name in (('path-regex = "gate$"', waiting), ('method = "DELETE"', doomed)):
        known += f'[[operations]]\ninclude-{which}\nparameters = {{ "path.run" = "{name}" }}\n'
    configuration = folder / "schemathesis.toml"
    await asyncio.to_thread(configuration.write_text, known)
    program = str(Path(sys.executable).parent / "schemathesis")
    process = await asyncio.create_subprocess_exec(
        *(program, "--config-file", str(configuration), "run", f"{served.url}/openapi.json"),
        *("--no-color", "--continue-on-failure", "--request-timeout", "30"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "40", "--seed", "1"),
        # what the description allows may still be refused: the run is delivered, the desk full
        *("--checks", "all", "--exclude-checks", "positive_data_acceptance"),
        *more,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode(errors="replace")


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("tokens", ["", TOKENS], ids=["nobody needs a token", "with a token"])
async def test_schemathesis_finds_no_error_and_no_answer_that_is_not_described(
    tokens: str, home: Path, tmp_path: Path
) -> None:
    settings = replace(
        served_by_default(home),
        tokens=tokens_from(tokens),
        limits=Limits(running=2),
        stream_seconds=0.1,
        still_seconds=0.05,
    )
    async with serving(home, ScriptedModel(calculator.straight()), settings) as served:
        counting = Counting(served.app.middleware_stack)
        served.app.middleware_stack = counting
        async with served.as_(ALICE) as alice:
            mine = replace(served, client=alice) if tokens else served
            header = ("-H", f"Authorization: Bearer {ALICE}") if tokens else ()
            code, said = await fuzz(mine, tmp_path, *header)
    assert code == 0, said
    assert counting.seen.total() >= EACH
    assert max(counting.seen) < 500
    assert {200, 201, 404, 405, 409, 422} <= set(counting.seen)
    assert not tokens or counting.seen[401] > 0


@pytest.fixture
def described(tmp_path: Path) -> dict[str, Any]:
    """The description of a server with tokens."""
    app: FastAPI = create_app(
        tmp_path, replace(served_by_default(tmp_path), tokens=tokens_from(TOKENS))
    )
    return app.openapi()


def test_every_operation_is_named_and_says_what_it_answers(described: dict[str, Any]) -> None:
    operations = [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names))
    for path, _, operation in operations:
        assert operation["description"], path
        for status, answer in operation["responses"].items():
            assert answer["description"], (path, status)
            assert answer.get("content") or status == "204", (path, status)
            is_problem = "application/problem+json" in answer.get("content", {})
            assert is_problem == (int(status) >= 400), (path, status)
        assert ("401" in operation["responses"]) == bool(operation.get("security")), path


def test_every_body_has_an_example_that_fits_it(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for name in ("NewRun", "Answer", "Words"):
        for example in schemas[name]["examples"]:
            assert set(example) <= set(schemas[name]["properties"])
    for name in ("NewRun", "Answer", "Change", "ForkAt", "Words"):
        assert schemas[name]["additionalProperties"] is False


def test_nothing_in_the_description_points_nowhere(described: dict[str, Any]) -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            return own + [found for value in part.values() for found in references(value)]
        if isinstance(part, list):
            return [found for value in part for found in references(value)]
        return []

    schemas = described["components"]["schemas"]
    for reference in references(described):
        assert reference.removeprefix("#/components/schemas/") in schemas

"""The graph under a LangGraph server: offline, without a key, from the idea to the delivery."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from tests import calculator
from tests.endpoint import Endpoint

pytestmark = pytest.mark.slow


@contextmanager
def langgraph_dev(folder: Path, **environment: str) -> Iterator[str]:
    """A server in a process of its own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    known = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder)}
    known |= {"SOFTFACTORY_HOME": str(folder / "home"), "LANGSMITH_TRACING": "false"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "from softfactory.cli import main; main()",
                "studio",
                "--port",
                port,
            ],
            cwd=folder,
            env=known | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_it_answers(f"http://127.0.0.1:{port}/ok", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


async def test_a_thread_goes_to_the_gate_refuses_a_wrong_answer_and_is_delivered(
    tmp_path: Path,
) -> None:
    endpoint = Endpoint(calculator.straight())
    settings = {"SOFTFACTORY_MODEL": "scripted", "SOFTFACTORY_BASE_URL": endpoint.url}
    with endpoint, langgraph_dev(tmp_path, **settings) as url:
        async with get_client(url=url) as client:
            await _drive(client, tmp_path)
    with sqlite3.connect(tmp_path / "home" / "softfactory.db") as database:
        rows = database.execute("SELECT skill, messages FROM calls").fetchall()
    told = {skill: "Use tabs." in messages for skill, messages in rows}
    assert told["write_code"]
    assert not told["write_test"]
    product = tmp_path / "home" / "studio" / "calculator"
    assert (product / "calc.py").read_text() == calculator.CODE


async def _drive(client: LangGraphClient, folder: Path) -> None:
    drawn: Any = await client.assistants.get_graph("company", xray=True)
    names = {node["id"] for node in drawn["nodes"]}
    assert {"product_manager", "approve_prd", "ask_human", "delivery"} <= names
    assert any("static_check" in name for name in names)

    thread = (await client.threads.create())["thread_id"]
    [assistant] = await client.assistants.search(graph_id="company")
    schemas: Any = await client.assistants.get_schemas(assistant["assistant_id"])
    assert list(schemas["input_schema"]["properties"]) == ["idea"]
    form = schemas["context_schema"]["properties"]
    assert form["architect_model"]["langgraph_nodes"] == ["architect"]
    assert form["engineer_words"]["langgraph_type"] == "prompt"

    context = {"engineer_words": "Use tabs."}
    idea = {"idea": calculator.IDEA}
    async for _ in client.runs.stream(thread, "company", input=idea, context=context):
        pass
    state: Any = await client.threads.get_state(thread)
    assert [i["value"]["gate"] for i in state["interrupts"]] == ["prd"], _log(folder)

    wrong: Any = {"resume": {"action": "dance"}}
    async for _ in client.runs.stream(thread, "company", command=wrong):
        pass
    state = await client.threads.get_state(thread)
    assert [i["value"]["gate"] for i in state["interrupts"]] == ["prd"], _log(folder)

    right: Any = {"resume": {"action": "approve"}}
    async for _ in client.runs.stream(thread, "company", command=right):
        pass
    state = await client.threads.get_state(thread)
    assert state["next"] == [], _log(folder)
    assert state["values"]["delivery"]["not_shown"] == []
    history: Any = await client.threads.get_history(thread, limit=50)
    assert len(history) > 10

    at_the_gate = next(state for state in history if state["next"] == ["approve_prd"])
    checkpoint = at_the_gate["checkpoint"]["checkpoint_id"]
    await client.threads.update_state(
        thread, {}, as_node="product_manager", checkpoint_id=checkpoint
    )
    async for _ in client.runs.stream(thread, "company", input=None):
        pass
    state = await client.threads.get_state(thread)
    assert [i["value"]["gate"] for i in state["interrupts"]] == ["prd"], _log(folder)
    assert "delivery" not in state["values"]


def _log(folder: Path) -> str:
    return (folder / "server.log").read_text()[-3000:]


def _wait_until_it_answers(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, "the server ended"
        try:
            if httpx.get(address, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("the server did not answer within 90 seconds")

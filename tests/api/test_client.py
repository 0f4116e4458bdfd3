"""A client that knows nothing but the description takes a run from the idea to the download."""

import io
import json
import re
import zipfile
from dataclasses import dataclass
from typing import Any

import httpx
import jsonschema_rs

from tests.served import Served, messages

METHODS = ("get", "post", "delete")


@dataclass(frozen=True)
class Client:
    """Calls operations by their names; what it sends and gets is what is described."""

    http: httpx.AsyncClient
    document: dict[str, Any]

    async def call(self, name: str, body: Any = None, **given: str) -> httpx.Response:
        """Call an operation with parameters, by their names, and with a body."""
        path, method, operation = self._operation(name)
        sent = self.http.build_request(method, self._path(path, operation, given), json=body)
        if body is not None:
            self.fits(_json(operation["requestBody"])["schema"], body)
        answer = await self.http.send(sent)
        described = operation["responses"][str(answer.status_code)].get("content", {})
        kind = answer.headers.get("content-type", "").partition(";")[0]
        assert kind in described or not described
        if kind.endswith("json"):
            self.fits(described[kind]["schema"], answer.json())
        return answer

    async def follow(self, name: str, **given: str) -> list[dict[str, Any]]:
        """The messages of an operation that streams them."""
        path, method, operation = self._operation(name)
        described = operation["responses"]["200"]["content"]["text/event-stream"]["itemSchema"]
        path = self._path(path, operation, given)
        async with self.http.stream(method, path) as stream:
            found = [message async for message in messages(stream)]
        for message in found:
            self.fits(described, message)
            event = json.loads(message["data"])
            self.fits(described["properties"]["data"]["contentSchema"], event)
        return found

    def fits(self, schema: dict[str, Any], value: Any) -> None:
        """See that a value is as described."""
        components = {"components": self.document["components"]}
        jsonschema_rs.validate(schema | components, value)

    def _operation(self, name: str) -> tuple[str, str, dict[str, Any]]:
        [found] = [
            (path, method, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
            if method in METHODS and operation["operationId"] == name
        ]
        return found

    def _path(self, path: str, operation: dict[str, Any], given: dict[str, str]) -> str:
        known = {parameter["name"]: parameter for parameter in operation.get("parameters", [])}
        assert {name for name, it in known.items() if it["required"]} == set(given)
        for name, value in given.items():
            self.fits(known[name]["schema"], value)
        return re.sub(r"\{(\w+)\}", lambda found: given[found[1]], path)


async def test_a_client_made_from_the_description_takes_a_run_to_the_download(
    served: Served,
) -> None:
    client = Client(served.client, (await served.client.get("/openapi.json")).json())
    made = await client.call("create_run", {"idea": "A calculator", "gates": ["prd"]})
    run = made.json()["id"]
    [*_, end] = await client.follow("follow_events", run=run)
    assert json.loads(end["data"]) == {"status": "waiting"}

    gate = (await client.call("show_gate", run=run)).json()
    assert "approve" in gate["actions"]
    answer = {"gate": gate["id"], "action": "approve"}
    assert (await client.call("answer_gate", answer, run=run)).status_code == 202
    late = await client.call("answer_gate", answer, run=run)
    assert (late.status_code, late.json()["code"]) == (409, "gate_gone")
    [*_, end] = await client.follow("follow_events", run=run)
    assert json.loads(end["data"]) == {"status": "delivered"}

    for name in ("show_run", "show_documents", "list_files", "list_commits", "list_steps"):
        assert (await client.call(name, run=run)).status_code == 200, name
    for name in ("show_cost", "show_report", "show_diff"):
        assert (await client.call(name, run=run)).status_code == 200, name
    file = await client.call("show_file", run=run, path="calc.py")
    with zipfile.ZipFile(io.BytesIO((await client.call("download", run=run)).content)) as archive:
        assert archive.read("calculator/calc.py") == file.content
    assert (await client.call("show_preview", run=run)).status_code == 404


def _json(described: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = described["content"]["application/json"]
    return content

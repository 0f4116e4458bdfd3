"""What the API keeps out: strangers, other pages, paths, floods, and those who dawdle."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from softfactory.api import ServerSettings, create_app, tokens_from
from softfactory.api.server import Patient
from softfactory.desk import Limits
from softfactory.errors import UsageError
from softfactory.models.scripted import ScriptedModel
from tests import calculator
from tests.served import ALICE, BOB, TOKENS, Served, codes, listening, served_by_default, serving

OPERATIONS = [
    ("GET", ""),
    ("POST", "/resume"),
    ("POST", "/stop"),
    ("POST", "/fork"),
    ("GET", "/gate"),
    ("POST", "/gate"),
    ("GET", "/events"),
    ("GET", "/documents"),
    ("GET", "/files"),
    ("GET", "/files/calc.py"),
    ("GET", "/commits"),
    ("GET", "/diff"),
    ("GET", "/archive"),
    ("GET", "/report"),
    ("GET", "/cost"),
    ("GET", "/preview"),
    ("POST", "/words"),
    ("GET", "/steps"),
    ("GET", "/steps/diff"),
    ("POST", "/undo"),
    ("DELETE", ""),
]
PATHS = [
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "docs/../../objects",
    ".git/config",
    "HEAD",
    "config",
    "docs",
    "calc.py%00.md",
    "....//....//etc/passwd",
    "..\\..\\etc\\passwd",
    "-h",
    ":0:calc.py",
    "main:calc.py",
]


@pytest.fixture
async def guarded(home: Path) -> AsyncIterator[Served]:
    """A server with two tokens."""
    settings = replace(
        served_by_default(home), tokens=tokens_from(TOKENS), limits=Limits(running_each=1)
    )
    async with serving(home, ScriptedModel(calculator.straight()), settings) as one:
        yield one


async def test_a_token_opens_its_own_runs_and_no_others(guarded: Served) -> None:
    async with guarded.as_(ALICE) as alice, guarded.as_(BOB) as bob:
        mine = replace(guarded, client=alice)
        run = await mine.create()
        assert await mine.rest(run) == "waiting"
        gate = (await alice.get(f"/v1/runs/{run}/gate")).json()["id"]
        bodies = {"/gate": {"gate": gate, "action": "approve"}, "/words": {"words": "use SQLite"}}
        for method, path in OPERATIONS:
            body = bodies.get(path) if method == "POST" else None
            for client, status in ((bob, 404), (guarded.client, 401)):
                answer = await client.request(method, f"/v1/runs/{run}{path}", json=body)
                assert answer.status_code == status, (method, path)
                assert run not in answer.text.replace(f"'{run}' is no run", "")
        assert (await bob.get("/v1/runs")).json()["runs"] == []
        assert [r["id"] for r in (await alice.get("/v1/runs")).json()["runs"]] == [run]
        assert (await bob.get(f"/v1/runs/{run[:3]}")).status_code == 404
        assert (await alice.get(f"/v1/runs/{run[:3]}")).status_code == 404
        assert (await alice.get(f"/v1/runs/{run}")).json()["status"] == "waiting"


async def test_what_tokens_share_is_neither_keys_nor_places_at_the_desk(home: Path) -> None:
    settings = replace(
        served_by_default(home), tokens=tokens_from(TOKENS), limits=Limits(running_each=1)
    )
    model, body, key = ScriptedModel(calculator.straight(), 30), {"idea": "A"}, "same"
    async with (
        serving(home, model, settings) as served,
        served.as_(ALICE) as alice,
        served.as_(BOB) as bob,
    ):
        first = await alice.post("/v1/runs", json=body, headers={"Idempotency-Key": key})
        second = await bob.post("/v1/runs", json=body, headers={"Idempotency-Key": key})
        assert codes([first, second]) == ["201", "201"]
        assert first.json()["id"] != second.json()["id"]
        assert codes([await alice.post("/v1/runs", json={"idea": "B"})]) == ["server_full"]


async def test_without_a_token_only_health_and_readiness_are_told(guarded: Served) -> None:
    paths = ["/v1/runs", "/v1/models", "/v1/skills", "/metrics", "/health", "/ready"]
    answers = [await guarded.client.get(path) for path in paths]
    assert codes(answers) == ["no_token"] * 4 + ["200"] * 2
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    async with guarded.as_("wrong-token-0123456789") as stranger:
        assert codes([await stranger.get("/v1/runs")]) == ["no_token"]


async def test_with_tokens_the_server_chooses_where_its_keys_are_sent(guarded: Served) -> None:
    async with guarded.as_(ALICE) as alice:
        elsewhere = {"idea": "A", "base_url": "http://127.0.0.1:1/v1"}
        assert codes([await alice.post("/v1/runs", json=elsewhere)]) == ["foreign_endpoint"]


async def test_no_file_of_the_server_can_be_named_as_a_recording(served: Served) -> None:
    for named in ({"model": "recording:/etc/passwd"}, {"roles": {"engineer": "Recording:/x"}}):
        answer = await served.client.post("/v1/runs", json={"idea": "A"} | named)
        assert answer.status_code == 422
        assert "recording" in answer.json()["detail"]
    answer = await served.client.post("/v1/runs", json={"demo": "../demos/habits"})
    assert codes([answer]) == ["invalid_request"]


@pytest.mark.parametrize("settings", ["unsafe_local", "out", "folder", "holder"])
async def test_what_only_the_machine_s_owner_may_choose_is_no_field(
    settings: str, served: Served
) -> None:
    body = {"idea": "A", settings: "x"}
    assert codes([await served.client.post("/v1/runs", json=body)]) == ["invalid_request"]


async def test_no_path_leads_out_of_a_product(served: Served) -> None:
    run = await served.delivered()
    preview = f"/preview/{run}/{'0' * 32}"
    for path in PATHS:
        for prefix in (f"/v1/runs/{run}/files", preview, f"/v1/runs/{run}"):
            answer = await _raw(served.url, f"{prefix}/{path}")
            assert answer.startswith("HTTP/1.1 4"), (prefix, path)
            assert "root:" not in answer
    assert (await _raw(served.url, f"/v1/runs/{run}/files/calc.py")).startswith("HTTP/1.1 200")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(served: Served) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65536

    large = await served.client.post("/v1/runs", json={"idea": "A" * 1_100_000})
    chunked = await served.client.post(
        "/v1/runs", content=endless(), headers={"Content-Type": "application/json"}
    )
    lying = await _raw(served.url, "/v1/runs", "Content-Length: 999999999999", method="POST")
    assert codes([large, chunked]) == ["large_body", "large_body"]
    assert lying.startswith("HTTP/1.1 413")


async def test_a_body_that_is_no_request_is_refused_and_breaks_nothing(served: Served) -> None:
    json = {"Content-Type": "application/json"}
    for body in (b"[" * 500_000, b'{"idea": "\\ud800"}', b'{"\\ud800": 1}', b"\xff\xfe", b"NaN"):
        answer = await served.client.post("/v1/runs", content=body, headers=json)
        assert answer.status_code in (400, 422), body[:20]
        assert answer.headers["Content-Type"] == "application/problem+json"
    infinite = b'{"idea": "A", "budget": {"amount": Infinity, "unit": "dollars"}}'
    answer = await served.client.post("/v1/runs", content=infinite, headers=json)
    assert answer.status_code == 422
    assert (await served.client.get("/v1/runs")).json()["runs"] == []


async def test_who_dawdles_is_left_and_holds_up_nobody(home: Path) -> None:
    settings = replace(served_by_default(home), body_seconds=1.0)
    async with serving(home, ScriptedModel(calculator.straight()), settings) as served:
        head = "Content-Type: application/json\r\nContent-Length: 100"
        slow = [
            asyncio.create_task(_raw(served.url, "/v1/runs", head, method="POST"))
            for _ in range(100)
        ]
        await asyncio.sleep(0.1)
        assert (await served.client.get("/v1/runs")).status_code == 200
        answers = await asyncio.gather(*slow)
        assert {answer.split("\r\n")[0] for answer in answers} == {"HTTP/1.1 408 Request Timeout"}


class Impatient(Patient):
    """A server with little patience."""

    seconds = 0.3


async def test_who_never_says_what_they_want_is_left(tmp_path: Path) -> None:
    async with listening(create_app(tmp_path / "home"), Impatient) as url:
        host, _, port = url.removeprefix("http://").partition(":")
        for said in (b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(said)
            assert await asyncio.wait_for(reader.read(), 30) == b""
            writer.close()
            await writer.wait_closed()


async def test_a_reader_that_does_not_read_holds_up_nobody(served: Served) -> None:
    run = await served.delivered()
    host, _, port = served.url.removeprefix("http://").partition(":")
    idle = []
    for _ in range(20):
        connection = socket.create_connection((host, int(port)))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.sendall(f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        idle.append(connection)
    assert await served.rest(await served.create()) == "waiting"
    for connection in idle:
        connection.close()


async def test_a_name_that_a_hostile_page_gave_to_loopback_is_refused(served: Served) -> None:
    for host in ("evil.example", "evil.example:8750", "localhost.evil.example", "127.0.0.1.nip.io"):
        answer = await served.client.get("/v1/runs", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "foreign_host")
    for host in ("localhost; default-src *", "localhost/", "a@localhost", "localhost:x"):
        assert codes([await served.client.get("/health", headers={"Host": host})]) == [
            "foreign_host"
        ]
    for host in ("localhost", "127.0.0.1:1", "[::1]:8750"):
        assert (await served.client.get("/health", headers={"Host": host})).status_code == 200


async def test_another_page_can_make_no_run(served: Served) -> None:
    for origin in ("https://evil.example", "null", "http://localhost:1"):
        headers = {"Origin": origin}
        answer = await served.client.post("/v1/runs", json={"idea": "A"}, headers=headers)
        assert codes([answer]) == ["foreign_origin"]
    plain = {"Content-Type": "text/plain"}
    answer = await served.client.post("/v1/runs", content='{"idea": "A"}', headers=plain)
    assert answer.status_code == 422
    own = {"Origin": served.url}
    assert codes([await served.client.post("/v1/runs", json={"idea": "A"}, headers=own)]) == ["201"]


async def test_answers_can_be_taken_for_nothing_but_what_they_are(served: Served) -> None:
    run = await served.delivered()
    for path in ("files/README.md", "diff", "report", "documents", "archive"):
        headers = (await served.client.get(f"/v1/runs/{run}/{path}")).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "sandbox" in headers["Content-Security-Policy"]
        assert "text/html" not in headers["Content-Type"]


async def test_a_page_of_a_product_reaches_its_own_files_and_nothing_else(home: Path) -> None:
    layout = calculator.LAYOUT.model_copy(update={"entry": "calc.html"})
    script = calculator.straight() | {"design_api": [calculator.small(layout=layout)]}
    async with serving(home, ScriptedModel(script)) as served:
        run = await served.delivered()
        other = await served.delivered()
        url = (await served.client.get(f"/v1/runs/{run}/preview")).json()["url"]
        page = await served.client.get(url.replace("calc.html", "calc.py"))
        assert page.text == calculator.CODE
        policy = page.headers["Content-Security-Policy"]
        own = served.url + url.removesuffix("calc.html")
        assert policy.startswith(f"default-src {own} ")
        assert policy.endswith("sandbox allow-scripts")
        assert "allow-same-origin" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        stolen = url.replace(run, other)
        assert codes([await served.client.get(stolen)]) == ["unknown_run"]


def test_nothing_listens_to_strangers_without_a_token(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.2", "example.org"):
        with pytest.raises(UsageError, match="SOFTFACTORY_TOKENS"):
            create_app(tmp_path, ServerSettings(host=host))
    create_app(tmp_path, ServerSettings(host="0.0.0.0", tokens=tokens_from(TOKENS)))
    create_app(tmp_path, ServerSettings(host="::1"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["short", "alice:", f"a:{ALICE},b:{ALICE}", "with a space in it"])
def test_a_token_that_is_none_is_refused_without_being_told(text: str) -> None:
    with pytest.raises(UsageError, match="SOFTFACTORY_TOKENS") as refused:
        tokens_from(text)
    assert ALICE not in str(refused.value)


async def _raw(url: str, path: str, head: str = "Accept: */*", method: str = "GET") -> str:
    """The answer to a request whose path no client has made tidy; its body never comes."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{head}\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.decode(errors="replace")

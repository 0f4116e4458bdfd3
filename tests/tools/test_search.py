import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from softfactory.errors import ToolFailed, UsageError
from softfactory.tools.search import (
    DuckDuckGo,
    Hit,
    ScriptedSearch,
    Search,
    SearXNG,
    Tavily,
    configured_search,
)
from softfactory.tools.web import plain

KEY = "tvly-dev-Secret0123"
REPOSITORY = Path(__file__).parents[2]


def page(number: int = 1, text: str = "about it") -> dict[str, str]:
    return {"title": f"Page {number}", "url": f"https://example.org/{number}", "content": text}


def answer(*pages: dict[str, str]) -> bytes:
    return json.dumps({"results": pages}).encode()


@dataclass
class Engine:
    """Stands in for ddgs.DDGS."""

    found: list[dict[str, Any]] = field(default_factory=list)
    trouble: Exception | None = None
    seconds: float = 0
    asked: list[tuple[str, int]] = field(default_factory=list)

    def text(self, query: str, *, max_results: int) -> list[dict[str, Any]]:
        self.asked.append((query, max_results))
        time.sleep(self.seconds)
        if self.trouble:
            raise self.trouble
        return self.found


async def test_searxng_is_asked_for_json_and_its_pages_become_hits(
    service: SimpleNamespace,
) -> None:
    service.body = answer(page(1), page(2))
    found = await SearXNG(service.url + "/").search("待办 & notes")
    asked = urlsplit(service.path)
    assert asked.path == "/search"
    assert parse_qs(asked.query) == {"q": ["待办 & notes"], "format": ["json"]}
    assert found == [
        Hit("Page 1", "https://example.org/1", "about it"),
        Hit("Page 2", "https://example.org/2", "about it"),
    ]


async def test_no_more_hits_come_back_than_were_asked_for(service: SimpleNamespace) -> None:
    service.body = answer(*map(page, range(30)))
    assert [hit.title for hit in await SearXNG(service.url).search("x", 2)] == ["Page 0", "Page 1"]


async def test_finding_nothing_is_an_answer(service: SimpleNamespace) -> None:
    service.body = answer()
    assert await SearXNG(service.url).search("x") == []


async def test_a_page_without_a_web_address_is_left_out(service: SimpleNamespace) -> None:
    service.body = answer({"title": "trap", "url": "javascript:alert(1)"}, {"title": "none"})
    assert await SearXNG(service.url).search("x") == []


async def test_a_403_of_searxng_points_to_the_format_in_its_settings(
    service: SimpleNamespace,
) -> None:
    service.status = 403
    with pytest.raises(ToolFailed, match=r"HTTP 403 Forbidden: .*settings\.yml.*json"):
        await SearXNG(service.url).search("x")


async def test_a_password_in_the_address_of_searxng_is_not_told(service: SimpleNamespace) -> None:
    service.status = 500
    with pytest.raises(ToolFailed, match="SearXNG at 127") as caught:
        await SearXNG(service.url.replace("//", "//me:hush@")).search("x")
    assert "hush" not in str(caught.value)


async def test_searxng_may_redirect(service: SimpleNamespace) -> None:
    service.status, service.location = 302, "/elsewhere"
    with pytest.raises(ToolFailed, match="redirects"):  # to itself, until httpx has enough
        await SearXNG(service.url).search("x")
    assert service.requests > 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"results": [',
        b"<html>hello</html>",
        b"[]",
        b'{"found": 1}',
        b"\xff",
        b"null",
        b"[" * 10**5,
    ],
)
async def test_an_answer_that_is_not_results_in_json_is_a_failed_tool(
    service: SimpleNamespace, body: bytes
) -> None:
    service.body = body
    with pytest.raises(ToolFailed, match="did not answer in JSON with results"):
        await SearXNG(service.url).search("x")


@pytest.mark.parametrize("found", [None, {"a": 1}, "text", [1, 2]])
async def test_results_of_another_shape_are_a_failed_tool(
    service: SimpleNamespace, found: object
) -> None:
    service.body = json.dumps({"results": found}).encode()
    with pytest.raises(ToolFailed, match="something else than a list"):
        await SearXNG(service.url).search("x")


async def test_an_error_page_is_told_in_short_and_without_its_tags(
    service: SimpleNamespace,
) -> None:
    service.status = 502
    service.body = b"<html><style>p {}</style><p>The cat is <b>out</b></p>" + b"so " * 999
    with pytest.raises(ToolFailed, match="HTTP 502 Bad Gateway: The cat is out so") as caught:
        await SearXNG(service.url).search("x")
    assert len(str(caught.value)) < 300


async def test_a_refused_connection_is_a_failed_tool() -> None:
    with pytest.raises(ToolFailed, match=r"SearXNG at 127\.0\.0\.1:1 could not be reached: "):
        await SearXNG("http://127.0.0.1:1").search("x")


async def test_a_service_that_stays_silent_is_not_waited_for_for_ever(
    service: SimpleNamespace,
) -> None:
    service.silent = True
    with pytest.raises(ToolFailed, match=r"did not answer within 0\.2 s"):
        await SearXNG(service.url, seconds=0.2).search("x")


async def test_tavily_gets_the_key_as_bearer_and_the_query_in_json(
    service: SimpleNamespace,
) -> None:
    service.body = answer(page())
    found = await Tavily(KEY, service.url).search("todo", 50)
    assert service.path == "/search"
    assert service.headers["Authorization"] == f"Bearer {KEY}"
    assert json.loads(service.received) == {"query": "todo", "max_results": 20}
    assert found == [Hit("Page 1", "https://example.org/1", "about it")]


async def test_a_refusal_of_tavily_is_told_with_advice_and_without_the_key(
    service: SimpleNamespace,
) -> None:
    service.status, service.body = 401, f"no such key: {KEY}".encode()
    with pytest.raises(
        ToolFailed, match=r"HTTP 401 .*no such key: …: check TAVILY_API_KEY"
    ) as told:
        await Tavily(KEY, service.url).search("x")
    assert KEY not in str(told.value)


@pytest.mark.parametrize("key", ["Secret\nother", "Secré", "Secret other", "Secret\x00"])
async def test_a_key_that_no_header_can_carry_is_not_quoted(
    service: SimpleNamespace, key: str
) -> None:
    with pytest.raises(ToolFailed, match="copy it once more") as caught:
        await Tavily(key, service.url).search("x")
    assert "Secr" not in str(caught.value)
    assert service.requests == 0


async def test_a_key_is_not_carried_along_a_redirect(service: SimpleNamespace) -> None:
    service.status, service.location = 307, service.url + "/other"
    with pytest.raises(ToolFailed, match="HTTP 307"):
        await Tavily(KEY, service.url).search("x")
    assert service.requests == 1


def test_a_key_is_not_shown_when_the_search_is_printed() -> None:
    assert KEY not in repr(Tavily(KEY))


async def test_the_results_of_ddgs_become_hits() -> None:
    engine = Engine([{"title": "A", "href": "https://a.example", "body": "<b>bo</b>ld"}] * 3)
    assert await DuckDuckGo(engine).search("x", 2) == [Hit("A", "https://a.example", "bold")] * 2
    assert engine.asked == [("x", 2)]


async def test_any_trouble_of_ddgs_is_a_failed_tool() -> None:
    with pytest.raises(ToolFailed, match=r"DuckDuckGo \(ddgs\) failed: 202 Ratelimit"):
        await DuckDuckGo(Engine(trouble=RuntimeError("202 Ratelimit"))).search("x")


async def test_ddgs_finding_nothing_is_an_answer() -> None:
    engine = Engine(trouble=RuntimeError("No results found."))
    assert await DuckDuckGo(engine).search("x") == []


async def test_a_slow_ddgs_is_not_waited_for() -> None:
    with pytest.raises(ToolFailed, match=r"did not answer within 0\.05 s"):
        await DuckDuckGo(Engine(seconds=0.3), seconds=0.05).search("x")


def test_without_ddgs_and_httpx_all_can_be_constructed_and_the_error_names_the_remedy() -> None:
    program = (
        "import asyncio, softfactory.tools.speech\n"
        "from softfactory.tools.search import configured_search\n"
        "found = configured_search({'SOFTFACTORY_SEARCH': 'ddgs'})\n"
        "try: asyncio.run(found.search('x'))\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    # -S: without any installed package
    shown = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=REPOSITORY,
    )
    assert shown.stdout.startswith("UsageError SOFTFACTORY_SEARCH=ddgs needs a package")
    assert "pip install 'softfactory[search]'" in shown.stdout


async def test_the_scripted_search_replays_its_hits_and_remembers_the_questions() -> None:
    search = ScriptedSearch(
        [Hit("A", "https://a.example", "a"), Hit("B", "https://b.example", "b")]
    )
    assert await search.search("first", 1) == [Hit("A", "https://a.example", "a")]
    assert len(await search.search("second")) == 2
    assert search.asked == ["first", "second"]


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("Tom &amp; <em>Jerry</em>s  house", "Tom & Jerrys house"),
        ("<p>one</p><p>two<br/>three</p>", "one two three"),
        ("<script>alert(1)</script>safe<!-- no -->", "safe"),
        ("&lt;img src=x&gt;still no tag", "still no tag"),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
        ("red\x1b[31m\x00 bell\a\n搜索<b>结果</b>\ud800", "red[31m bell 搜索结果"),
        ("x" * 999, "x" * 500),
    ],
)
def test_found_text_is_one_short_line_without_tags(source: str, shown: str) -> None:
    assert plain(source) == shown


def test_nothing_is_searched_unless_configured() -> None:
    assert configured_search({}) is None
    assert configured_search({"SOFTFACTORY_SEARCH": " "}) is None


@pytest.mark.parametrize(
    ("chosen", "search"),
    [
        ("ddgs", DuckDuckGo()),
        ("tavily", Tavily(KEY)),
        ("http://localhost:8888", SearXNG("http://localhost:8888")),
        ("https://searx.example/deep", SearXNG("https://searx.example/deep")),
    ],
)
def test_the_environment_chooses_the_search(chosen: str, search: Search) -> None:
    environment = {"SOFTFACTORY_SEARCH": chosen, "TAVILY_API_KEY": KEY + "\n"}
    assert configured_search(environment) == search


@pytest.mark.parametrize("chosen", ["google", "ftp://a.example", "http://", "http://[", "DDGS"])
def test_an_unknown_search_is_named_with_the_three_possibilities(chosen: str) -> None:
    with pytest.raises(UsageError, match=r"ddgs, tavily, or the http\(s\) address") as caught:
        configured_search({"SOFTFACTORY_SEARCH": chosen})
    assert repr(chosen) in str(caught.value)


def test_tavily_without_its_key_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match="TAVILY_API_KEY"):
        configured_search({"SOFTFACTORY_SEARCH": "tavily"})

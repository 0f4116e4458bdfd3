"""Looking the web up before requirements are written; nothing is searched unless configured."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from softfactory.errors import ToolFailed, UsageError
from softfactory.tools.web import Service, plain

SECONDS = 15


@dataclass(frozen=True)
class Hit:
    """One page that was found: plain text, at most 500 characters of it."""

    title: str
    url: str
    text: str


class Search(Protocol):
    """Finds pages on the web."""

    @property
    def name(self) -> str:
        """Whom to credit, or to blame."""

    async def search(self, query: str, limit: int = 5) -> list[Hit]:
        """The best hits first, at most `limit`, perhaps none; ToolFailed without an answer."""


class TextSearch(Protocol):
    """The part of `ddgs.DDGS` that is used here."""

    def text(self, query: str, *, max_results: int) -> list[dict[str, Any]]:
        """Results with the keys title, href and body; raises if there are none."""


@dataclass(frozen=True)
class DuckDuckGo:
    """Searches without a key, with the optional package ddgs."""

    engine: TextSearch | None = None
    """None: a new `ddgs.DDGS` for every search."""
    seconds: float = SECONDS
    name: str = field(default="DuckDuckGo", init=False)

    async def search(self, query: str, limit: int = 5) -> list[Hit]:
        """Ask in a thread, because ddgs waits; UsageError if it is not installed."""
        engine = self.engine or installed_ddgs()
        try:
            async with asyncio.timeout(self.seconds):
                found = await asyncio.to_thread(engine.text, query, max_results=limit)
        except TimeoutError as error:
            raise ToolFailed(f"{self.name} did not answer within {self.seconds:g} s") from error
        except Exception as error:  # it searches a dozen sites, each of which fails its own way
            if "No results found" in str(error):
                return []
            raise ToolFailed(f"{self.name} (ddgs) failed: {plain(str(error), 200)}") from error
        return hits(self.name, found, limit)


@dataclass(frozen=True)
class SearXNG:
    """Searches with a SearXNG, such as one of your own, at its address."""

    url: str = field(repr=False)
    seconds: float = SECONDS
    name: str = field(default="SearXNG", init=False)

    async def search(self, query: str, limit: int = 5) -> list[Hit]:
        """Ask for JSON (https://docs.searxng.org/dev/search_api)."""
        advice = {
            403: "probably its settings.yml lacks json among search: formats: [html, json]",
            404: "SOFTFACTORY_SEARCH must be its address without /search",
            429: "it limits robots; use a SearXNG of your own",
        }
        host = urlsplit(self.url).netloc.rpartition("@")[2]  # without a name and password
        service = Service(f"{self.name} at {host}", advice=advice, seconds=self.seconds)
        wanted = {"q": query, "format": "json"}
        answer = await service.ask("GET", self.url.rstrip("/") + "/search", params=wanted)
        return hits(service.name, results(service.name, answer), limit)


@dataclass(frozen=True)
class Tavily:
    """Searches with tavily.com, which wants a key."""

    key: str = field(repr=False)
    url: str = "https://api.tavily.com"
    seconds: float = SECONDS
    name: str = field(default="Tavily", init=False)

    async def search(self, query: str, limit: int = 5) -> list[Hit]:
        """Ask for a search of the basic depth (https://docs.tavily.com)."""
        spent = "the searches of this key are used up"
        advice = {401: "check TAVILY_API_KEY", 429: "try later", 432: spent, 433: spent}
        service = Service(self.name, self.key, advice, self.seconds)
        headers = {"Authorization": f"Bearer {self.key}"}
        wanted = {"query": query, "max_results": min(limit, 20)}  # 20: more is refused
        answer = await service.ask("POST", f"{self.url}/search", json=wanted, headers=headers)
        return hits(service.name, results(service.name, answer), limit)


@dataclass(frozen=True)
class ScriptedSearch:
    """Finds the same hits whatever is asked, and remembers what was."""

    hits: Sequence[Hit]
    asked: list[str] = field(default_factory=list)
    name: str = field(default="scripted", init=False)

    async def search(self, query: str, limit: int = 5) -> list[Hit]:
        """The first of the hits."""
        self.asked.append(query)
        return list(self.hits[:limit])


def installed_ddgs() -> TextSearch:
    """The search of the package ddgs, or UsageError that says how to get it."""
    try:
        from ddgs import DDGS  # an optional extra
    except ImportError as error:
        raise UsageError(
            "SOFTFACTORY_SEARCH=ddgs needs a package: pip install 'softfactory[search]'"
        ) from error
    engine: TextSearch = DDGS()
    return engine


def results(name: str, answer: bytes) -> object:
    """What stands under "results" in an answer in JSON, or ToolFailed."""
    try:
        return json.loads(answer)["results"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ToolFailed(
            f"{name} did not answer in JSON with results; check its address"
        ) from error


def hits(name: str, found: object, limit: int) -> list[Hit]:
    """The usable ones among found pages, in the words of SearXNG and Tavily or of ddgs."""
    if not isinstance(found, list) or not all(isinstance(page, dict) for page in found):
        raise ToolFailed(f"{name} answered with something else than a list of results")
    usable = []
    for page in found:
        url = str(page.get("url") or page.get("href") or "")
        text = str(page.get("content") or page.get("body") or "")
        if url.startswith(("http://", "https://")) and url.isprintable():
            usable.append(Hit(plain(str(page.get("title") or "")), url, plain(text)))
    return usable[:limit]


def configured_search(environment: Mapping[str, str]) -> Search | None:
    """The search that `SOFTFACTORY_SEARCH` names; None if it is unset, UsageError if unknown."""
    chosen = environment.get("SOFTFACTORY_SEARCH", "").strip()
    if not chosen:
        return None
    if chosen == "ddgs":
        return DuckDuckGo()
    if chosen == "tavily":
        key = environment.get("TAVILY_API_KEY", "").strip()
        if not key:
            raise UsageError("SOFTFACTORY_SEARCH=tavily needs a key in TAVILY_API_KEY")
        return Tavily(key)
    if is_web_address(chosen):
        return SearXNG(chosen)
    raise UsageError(
        f"SOFTFACTORY_SEARCH is {chosen!r}; it can be ddgs, tavily, "
        "or the http(s) address of a SearXNG"
    )


def is_web_address(text: str) -> bool:
    """Whether a text is an http or https address with a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)

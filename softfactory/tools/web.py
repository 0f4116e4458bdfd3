"""One request to a web service, and what comes back made harmless."""

import asyncio
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from softfactory.errors import ToolFailed

if TYPE_CHECKING:
    import httpx

LONGEST_TEXT = 500
LONGEST_SOURCE = 5_000
HIDDEN = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
EMPHASIS = re.compile(r"</?(?:b|em|i|mark|span|strong)\b[^<>]*>", re.IGNORECASE)
TAG = re.compile(r"</?[a-z!][^<>]*>", re.IGNORECASE)


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """One line of text without tags and control characters, cut to `longest` characters."""
    # Entities first, so that no tag can hide behind &lt; and come out of here.
    shown = HIDDEN.sub(" ", html.unescape(text[:LONGEST_SOURCE]))
    shown = TAG.sub(" ", EMPHASIS.sub("", shown))
    kept = "".join(char for char in shown if char.isprintable() or char.isspace())
    return " ".join(kept.split())[:longest]


@dataclass(frozen=True)
class Service:
    """A web service, whose failures are told with a way out and without its key."""

    name: str
    key: str = field(default="", repr=False)
    advice: Mapping[int, str] = field(default_factory=dict)
    """What to do about an HTTP status."""
    seconds: float = 15

    async def ask(self, method: Literal["GET", "POST"], url: str, **request: Any) -> bytes:
        """The body of a successful answer to an httpx request; otherwise ToolFailed."""
        if not re.fullmatch(r"[!-~]*", self.key):  # httpx would quote it in its complaint
            raise ToolFailed(f"{self.name}: the key has characters no key has; copy it once more")
        import httpx  # slow at start, and most runs neither search nor speak

        # A redirect is not followed with a key: it might lead to somebody else.
        settings: dict[str, Any] = {"timeout": self.seconds, "follow_redirects": not self.key}
        try:
            async with asyncio.timeout(self.seconds), httpx.AsyncClient(**settings) as client:
                response = await client.request(method, url, **request)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ToolFailed(f"{self.name} did not answer within {self.seconds:g} s") from error
        # ImportError: a SOCKS proxy in the environment needs a package of its own.
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
            told = self._told(str(error)) or type(error).__name__
            raise ToolFailed(f"{self.name} could not be reached: {told}") from error
        if response.is_success:
            return response.content
        raise ToolFailed(self._refusal(response))

    def _refusal(self, response: "httpx.Response") -> str:
        """Status, reason, what the service says itself, and what to do about it."""
        status = f"HTTP {response.status_code} {response.reason_phrase}".rstrip()
        parts = [f"{self.name} answered {status}", self._told(response.text)]
        return ": ".join(filter(None, [*parts, self.advice.get(response.status_code, "")]))

    def _told(self, text: str) -> str:
        """Somebody else's words, short and without the key."""
        return plain(text.replace(self.key, "…") if self.key else text, 200)

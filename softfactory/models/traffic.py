"""The one place that repeats a question: sees what an answer means, waits, and gives up.

A provider that says "too many requests" means all calls, not the one that it told. So all calls
to an endpoint share one `Traffic`, and nobody sends before a pause that one was told is over.
"""

import asyncio
import functools
import json
import math
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar

from softfactory.errors import ModelUnavailable
from softfactory.models.port import Waiting, unheard

T = TypeVar("T")

IN_FLIGHT = 8
ATTEMPTS = 6
FIRST_WAIT_SECONDS = 2.0
LATE_ATTEMPTS = 2
"""How often a question is asked that gets no answer: each time may have to be paid."""
LONGEST_WAIT_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 120.0
"""The most that is believed of a Retry-After."""
WORTH_TELLING_SECONDS = 1.0
PASSING_STATUS = frozenset({408, 409, 425, 429})
NEVER_TO_PASS = frozenset({501, 505})
"""Errors of servers that say what the server can't do at all."""
BUSY_CODES = frozenset(
    {"10006", "10007", "10008", "10009", "10010", "10011", "10012", "10110", "10222"}  # Spark
    | {"11202", "11203", "1302", "1303", "1305", "336501", "336502"}  # Spark, GLM, Qianfan
)
BUSY_WORDS = re.compile(
    r"rate.?limit|too many requests|overload|try again later|流控|限流|频率|繁忙|服务忙|稍后",
    re.IGNORECASE,
)
NO_MONEY = frozenset({"insufficient_quota", "1113"})
"""Codes that come with status 429 and do not pass by waiting: OpenAI's and GLM's."""
NOTHING_USABLE = 502
TOO_LONG = 413
MAY_BE_TOO_LONG = frozenset({400, 413, 422, 500})
TOO_LONG_CODES = frozenset({"context_length_exceeded", "1261", "10907", "336007"})
"""OpenAI's and its followers'; GLM's, Spark's, Qianfan's."""
TOO_LONG_WORDS = re.compile(
    r"context.?(?:length|size|window|limit)|too long|max(?:imum)?.(?:context|prompt|input|seq_len)"
    r"|exceed(?:s|ed|ing)?\b.{0,60}\btokens?\b|\btokens?\b.{0,60}\bexceed"
    r"|too many tokens|reduce the length|range of input length|max length of current question"
    r"|超长|(?:长度|上下文|token).{0,9}(?:超|过长)|超.{0,9}(?:长度|上下文|token)",
    re.IGNORECASE,
)
AMOUNT_WORDS = re.compile(r"quota|per.?(?:minute|min|day)\b|额度|配额|余额", re.IGNORECASE)
"""What all questions together may use up: waiting or paying helps, no larger model does."""


class Clock(Protocol):
    """Time, as far as waiting needs it."""

    def now(self) -> float:
        """Seconds from any beginning; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class RealClock:
    """Time as it passes."""

    def now(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Answer:
    """What came over the wire; status 0 if nothing did."""

    status: int
    text: str
    retry_after: float | None = None
    late: bool = False
    """Nothing came although it was waited for long: the question may be in work and be paid."""

    def meaning(self) -> int:
        """The status that fits the body: errors may come with status 200."""
        status = self._status()
        return TOO_LONG if status in MAY_BE_TOO_LONG and self._is_too_long() else status

    def _is_too_long(self) -> bool:
        said = self.words()
        is_about_amounts = BUSY_WORDS.search(said) or AMOUNT_WORDS.search(said)
        is_said = TOO_LONG_WORDS.search(said) and not is_about_amounts
        return bool(is_said) or _error(self.text)[0] in TOO_LONG_CODES

    def _status(self) -> int:
        if self.status != 200:
            return 402 if self.status == 429 and _error(self.text)[0] in NO_MONEY else self.status
        choice = _first_choice(self.body())
        if isinstance(choice.get("message"), dict) and not choice.get("error"):
            return 200
        code, message = _error(self.text)
        if code in BUSY_CODES or BUSY_WORDS.search(f"{code} {message}"):
            return 429
        if re.fullmatch(r"[45]\d\d", code):
            return int(code)
        return 400 if message else NOTHING_USABLE

    def body(self) -> dict[str, Any]:
        """The JSON object, also of one in a list as Gemini sends it; empty if there is none."""
        return _parsed(self.text)

    def words(self) -> str:
        """What the endpoint says, on one line: an error's message, or the body."""
        said = _error(self.text)[1] or self.text
        if said.lstrip()[:1] == "<":
            title = re.search(r"<title>(.*?)</title>", said, re.DOTALL | re.IGNORECASE)
            said = f"an HTML page {title.group(1) if title else ''}"
        return " ".join(said.split()) or "nothing"


def _parsed(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    if isinstance(body, list) and body:
        body = body[0]
    return body if isinstance(body, dict) else {}


def _first_choice(body: dict[str, Any]) -> dict[str, Any]:
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def _error(text: str) -> tuple[str, str]:
    """Code and message of an error: in `error`, in the choice, or plainly in the body."""
    body = _parsed(text)
    error = body.get("error") or _first_choice(body).get("error") or body
    if not isinstance(error, dict):
        return "", str(error)
    code = error.get("code") or error.get("error_code") or ""
    message = error.get("message") or error.get("error_msg") or error.get("msg") or ""
    return str(code), str(message)


class PassingTrouble(Exception):
    """A failed attempt that may succeed later. The text must not tell secrets.

    Attributes:
        retry_after: seconds that the endpoint asked for, None if it did not.
        slows: whether all calls to the endpoint have to wait.
        late: whether the endpoint may be at work on it, for money.

    """

    def __init__(
        self,
        what: str,
        retry_after: float | None = None,
        *,
        slows: bool = False,
        late: bool = False,
    ) -> None:
        super().__init__(what)
        self.late = late
        self.retry_after = retry_after
        self.slows = slows or retry_after is not None


def full_jitter(most: float) -> float:
    """Any wait up to `most`: calls that failed together do not come back together."""
    return random.uniform(0.0, most)  # noqa: S311 - spreads calls, guards nothing


class Traffic:
    """The calls to one endpoint: how many at once, when again, and when no more.

    A call keeps its place while it waits, so that newcomers do not push in front of it.
    """

    def __init__(
        self,
        in_flight: int = IN_FLIGHT,
        attempts: int = ATTEMPTS,
        clock: Clock | None = None,
        jitter: Callable[[float], float] = full_jitter,
    ) -> None:
        self._in_flight = in_flight
        self._attempts = attempts
        self._clock = clock or RealClock()
        self._jitter = jitter
        self._places: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}
        self._paused_until = float("-inf")
        self._paused_for = ""

    async def send(self, attempt: Callable[[], Awaitable[T]], waiting: Waiting = unheard) -> T:
        """The result of the first attempt that succeeds.

        Args:
            attempt: asks once; raises PassingTrouble where asking again may help.
            waiting: is told of each wait, once, before it begins.

        Raises:
            ModelUnavailable: no attempt succeeded.

        """
        late = 0
        async with self._place():
            for number in range(1, self._attempts + 1):
                await self._pause(waiting)
                try:
                    return await attempt()
                except PassingTrouble as trouble:
                    last = str(trouble)
                    wait = self._wait(number, trouble)
                    late += trouble.late
                if number == self._attempts or late == LATE_ATTEMPTS:
                    break
                await waiting(wait, last)
                await self._clock.sleep(wait)
        times = {1: "once", 2: "twice"}.get(number, f"{number} times")
        raise ModelUnavailable(
            f"{last} (tried {times}); `softfactory resume RUN` goes on when it is better"
        )

    def _place(self) -> asyncio.Semaphore:
        """The places of the running event loop: those of another one can't be waited for."""
        loop = asyncio.get_running_loop()
        if loop not in self._places:
            alive = {old: place for old, place in self._places.items() if not old.is_closed()}
            self._places = {**alive, loop: asyncio.Semaphore(self._in_flight)}
        return self._places[loop]

    async def _pause(self, waiting: Waiting) -> None:
        """Wait until the pause is over that a call was told; it may be made longer meanwhile."""
        if (left := self._paused_until - self._clock.now()) >= WORTH_TELLING_SECONDS:
            await waiting(left, self._paused_for)
        while (left := self._paused_until - self._clock.now()) > 0:
            await self._clock.sleep(left)

    def _wait(self, number: int, trouble: PassingTrouble) -> float:
        most = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (number - 1))
        asked = min(trouble.retry_after or 0.0, LONGEST_PAUSE_SECONDS)
        wait = max(asked, self._jitter(most))
        if trouble.slows:
            self._paused_until = max(self._paused_until, self._clock.now() + wait)
            self._paused_for = str(trouble)
        return wait


def traffic_of(base_url: str) -> Traffic:
    """The traffic to an endpoint, shared by all models of this process that ask it."""
    return _traffic_of(base_url.rstrip("/"))


@functools.cache
def _traffic_of(_: str) -> Traffic:
    return Traffic()


def is_passing(status: int) -> bool:
    """Whether an HTTP status may be another one later."""
    return status in PASSING_STATUS or (status >= 500 and status not in NEVER_TO_PASS)


def seconds_to_wait(header: str | None, today: float) -> float | None:
    """The seconds that a Retry-After asks for, given as seconds or as a date.

    Args:
        header: the header's value, None if it was not sent.
        today: the time now, in seconds since 1970.

    """
    words = (header or "").strip()
    try:
        seconds = float(words)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(words).timestamp() - today
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)

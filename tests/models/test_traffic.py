"""Asking again: when, how often, and who has to wait."""

import asyncio
import gc
from collections.abc import Awaitable, Callable

import pytest

from softfactory.errors import ModelUnavailable
from softfactory.models.traffic import (
    Answer,
    PassingTrouble,
    RealClock,
    Traffic,
    full_jitter,
    is_passing,
    seconds_to_wait,
    traffic_of,
)


class FastClock:
    """Time that passes as soon as everybody waits."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        until = self.time + seconds
        await asyncio.sleep(0)
        self.time = max(self.time, until)


def attempts(*outcomes: PassingTrouble | str) -> Callable[[], Awaitable[str]]:
    left = list(outcomes)

    async def attempt() -> str:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, PassingTrouble):
            raise outcome
        return outcome

    return attempt


async def test_waits_double_and_are_spread() -> None:
    clock, most = FastClock(), list[float]()

    def jitter(limit: float) -> float:
        most.append(limit)
        return limit / 4

    traffic = Traffic(attempts=7, clock=clock, jitter=jitter)
    with pytest.raises(ModelUnavailable, match=r"boom \(tried 7 times\).*softfactory resume RUN"):
        await traffic.send(attempts(PassingTrouble("boom")))
    assert most[:6] == [2, 4, 8, 16, 32, 60]
    assert clock.slept == [0.5, 1, 2, 4, 8, 15]


async def test_a_retry_after_is_kept_to_the_second() -> None:
    clock = FastClock()
    traffic = Traffic(clock=clock, jitter=lambda _: 0.1)
    assert await traffic.send(attempts(PassingTrouble("slow", 20.0), "Hi")) == "Hi"
    assert clock.now() == 1020


async def test_a_question_without_an_answer_is_asked_once_more_and_passing_trouble_oftener() -> (
    None
):
    late, boom = PassingTrouble("no answer", late=True), PassingTrouble("boom")
    with pytest.raises(ModelUnavailable, match="tried twice"):
        await Traffic(clock=FastClock()).send(attempts(late))
    with pytest.raises(ModelUnavailable, match="tried 4 times"):
        await Traffic(clock=FastClock()).send(attempts(late, boom, boom, late))
    assert await Traffic(clock=FastClock()).send(attempts(late, "Hi")) == "Hi"


async def test_each_wait_is_told_once_before_it_begins() -> None:
    clock, told = FastClock(), list[tuple[float, float, str]]()
    traffic = Traffic(clock=clock, jitter=lambda _: 5.0)

    async def waiting(seconds: float, reason: str) -> None:
        told.append((clock.now(), seconds, reason))

    failing = attempts(PassingTrouble("slow", 20.0), PassingTrouble("boom"), "Hi")
    assert await traffic.send(failing, waiting) == "Hi"
    assert told == [(1000, 20, "slow"), (1020, 5, "boom")]


async def test_a_newcomer_is_told_of_a_pause_and_why_it_is_made() -> None:
    clock, told = FastClock(), list[tuple[float, str]]()
    traffic = Traffic(attempts=1, clock=clock)

    async def waiting(seconds: float, reason: str) -> None:
        told.append((seconds, reason))

    with pytest.raises(ModelUnavailable):
        await traffic.send(attempts(PassingTrouble("slow", 30.0)), waiting)
    assert await traffic.send(attempts("Hi"), waiting) == "Hi"
    assert told == [(30, "slow")]


async def test_nobody_sends_before_a_pause_is_over_that_one_call_was_told() -> None:
    clock, sent = FastClock(), list[float]()
    traffic = Traffic(clock=clock, jitter=lambda _: 0.0)

    async def other() -> str:
        sent.append(clock.now())
        return "other"

    async def told() -> str:
        sent.append(clock.now())
        if len(sent) == 1:
            raise PassingTrouble("slow", 30.0, slows=True)
        return "told"

    first = asyncio.create_task(traffic.send(told))
    await asyncio.sleep(0)
    others = [asyncio.create_task(traffic.send(other)) for _ in range(3)]
    await asyncio.gather(first, *others)
    assert sent == [1000, 1030, 1030, 1030, 1030]


async def test_trouble_of_one_call_alone_does_not_hold_up_others() -> None:
    clock = FastClock()
    traffic = Traffic(attempts=1, clock=clock)
    with pytest.raises(ModelUnavailable, match="tried once"):
        await traffic.send(attempts(PassingTrouble("500")))
    assert await traffic.send(attempts("Hi")) == "Hi"
    assert clock.slept == []


async def test_no_more_calls_are_in_flight_than_allowed() -> None:
    traffic, now, most = Traffic(in_flight=3), 0, 0

    async def attempt() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1

    await asyncio.gather(*(traffic.send(attempt) for _ in range(10)))
    assert most == 3


async def test_a_cancelled_call_gives_its_place_back() -> None:
    traffic, started = Traffic(in_flight=1), asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    asking = asyncio.create_task(traffic.send(endless))
    waiting = asyncio.create_task(traffic.send(endless))
    await started.wait()
    for task in (waiting, asking):
        task.cancel()
    assert all(await asyncio.gather(asking, waiting, return_exceptions=True))
    assert await traffic.send(attempts("Hi")) == "Hi"


async def test_a_call_can_be_cancelled_while_it_waits_to_ask_again() -> None:
    traffic = Traffic(in_flight=1, jitter=lambda _: 60.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await traffic.send(attempts(PassingTrouble("boom")))
    assert await traffic.send(attempts("Hi")) == "Hi"


async def test_other_errors_pass_through_at_once() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    traffic = Traffic(in_flight=1, clock=FastClock())
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await traffic.send(broken)


def test_event_loops_may_follow_one_another() -> None:
    traffic = Traffic(in_flight=1)

    async def busy() -> str:
        await asyncio.sleep(0.001)
        return "Hi"

    async def several() -> list[str]:
        return list(await asyncio.gather(*(traffic.send(busy) for _ in range(3))))

    for _ in range(3):
        assert asyncio.run(several()) == ["Hi"] * 3
        gc.collect()


def test_an_endpoint_has_one_traffic() -> None:
    assert traffic_of("http://a/v1") is traffic_of("http://a/v1/")
    assert traffic_of("http://a/v1") is not traffic_of("http://b/v1")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("20", 20),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("-3", 0),
        ("86400", 120),
        ("inf", 120),
        ("nan", None),
        ("Thu, 01 Jan 1970 00:01:30 GMT", 30),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0),
        ("Fri, 31 Dec 2100 23:59:59 GMT", 120),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_to_wait(header, today=60.0) == seconds


def test_only_passing_trouble_is_asked_again() -> None:
    assert all(map(is_passing, (408, 409, 425, 429, 500, 502, 503, 529)))
    assert not any(map(is_passing, (200, 400, 401, 402, 403, 404, 422, 501, 505)))


@pytest.mark.parametrize(
    ("status", "text", "meaning", "words"),
    [
        (200, '{"choices": [{"message": {"content": "Hi"}}]}', 200, ""),
        (200, '{"code": 10013, "message": "unsafe input"}', 400, "unsafe input"),
        (200, '{"code": 11202, "message": "AppIdQpsOverFlow"}', 429, "AppIdQpsOverFlow"),
        (200, '{"error": {"code": "1302", "message": "x"}}', 429, "x"),
        (200, '{"error": {"code": 502, "message": "down"}}', 502, "down"),
        (200, '{"error": {"code": 401, "message": "who?"}}', 401, "who?"),
        (200, '{"error": "rate limited"}', 429, "rate limited"),
        (200, '{"choices": [{"message": {}, "error": {"code": 503, "message": "b"}}]}', 503, "b"),
        (200, '{"error_code": 336501, "error_msg": "请求频率超限"}', 429, "请求频率超限"),
        (200, '{"choices": [7]}', 502, '{"choices": [7]}'),
        (200, '{"choices": []}', 502, '{"choices": []}'),
        (200, "<html><title>Bad\n gateway</title>", 502, "an HTML page Bad gateway"),
        (200, "", 502, "nothing"),
        (200, "[]", 502, "[]"),
        (429, '{"error": {"code": "rate_limit", "message": "x"}}', 429, "x"),
        (429, '{"error": {"code": "insufficient_quota", "message": "x"}}', 402, "x"),
        (429, '[{"error": {"code": 429, "message": "quota"}}]', 429, "quota"),
        (422, '{"detail": "no"}', 422, '{"detail": "no"}'),
        (400, '{"error": {"code": "context_length_exceeded", "message": "x"}}', 413, "x"),
        (400, '{"error": {"code": "1261", "message": "Prompt 超长"}}', 413, "Prompt 超长"),
        (200, '{"code": 10907, "message": "token数量超过上限"}', 413, "token数量超过上限"),
        (500, '{"error": {"message": "Context size has been exceeded."}}', 413, ""),
        (500, '{"error": {"message": "boom"}}', 500, "boom"),
        (429, '{"error": {"message": "you exceeded 200 tokens a minute"}}', 429, ""),
        (500, '{"error": {"message": "Rate limit exceeded: 200 tokens"}}', 500, ""),
        (400, '{"error": {"message": "token quota exceeded"}}', 400, ""),
    ],
)
def test_errors_mean_the_same_whatever_their_status(
    status: int, text: str, meaning: int, words: str
) -> None:
    answer = Answer(status, text)
    assert answer.meaning() == meaning
    assert not words or answer.words() == words


async def test_real_time_passes() -> None:
    clock = RealClock()
    before = clock.now()
    await clock.sleep(0.001)
    assert clock.now() > before
    assert 0 <= full_jitter(1.0) <= 1

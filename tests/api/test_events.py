"""Event streams: nothing is missed, nothing comes twice, and a thousand of them cost little."""

import asyncio
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from softfactory.models.scripted import ScriptedModel
from tests import calculator
from tests.served import Follower, Served, messages, served_by_default, serving

STREAMS = 1000


async def test_who_leaves_five_times_and_comes_back_sees_what_others_see(home: Path) -> None:
    async with serving(home, ScriptedModel(calculator.eventful(), seconds=0.05)) as served:
        run = await served.create(gates=[])
        steady, restless = Follower(served.client, run), Follower(served.client, run)

        async def comes_and_goes() -> int:
            returns = 0
            while not restless.ended:
                await restless.follow(most=6 if returns < 5 else None)
                returns += 1
            return returns

        _, returns = await asyncio.gather(steady.follow(), comes_and_goes())
        kept = await served.service.events.after(run, 0)
    assert returns == 6
    assert restless.seen == steady.seen
    told = [json.loads(event) for event in steady.seen]
    assert [event["seq"] for event in told] == [logged.seq for logged in kept]
    assert told[-1]["data"]["status"] == "delivered"


async def test_a_stream_begins_behind_the_event_that_the_client_names(served: Served) -> None:
    run = await served.delivered()
    path = f"/v1/runs/{run}/events"
    for headers, query in (({"Last-Event-ID": "7"}, {"after": "2"}), ({}, {"after": "7"})):
        async with served.client.stream("GET", path, headers=headers, params=query) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            found = [message async for message in messages(stream)]
        assert found[0]["id"] == "8"
        assert found[-1] == {"event": "end", "data": '{"status":"delivered"}'}


async def test_who_stays_hears_that_the_stream_is_alive_and_then_what_is_new(home: Path) -> None:
    settings = replace(served_by_default(home), still_seconds=0.2)
    async with serving(home, ScriptedModel(calculator.straight()), settings) as served:
        run = await served.create()
        assert await served.rest(run) == "waiting"
        last = (await served.service.events.newest([run]))[run]
        path = f"/v1/runs/{run}/events"
        query = {"stay": "true", "after": str(last)}
        comments, new = 0, ""
        async with served.client.stream("GET", path, params=query) as stream:
            async for line in stream.aiter_lines():
                is_comment = line.startswith(": still")
                comments += is_comment
                if is_comment and comments == 2:
                    await served.answer(run, "stop")
                if line.startswith("data:"):
                    new = line
                    break
        assert json.loads(new.removeprefix("data: "))["seq"] == last + 1


async def test_a_stream_ends_by_itself_so_that_none_is_forgotten(home: Path) -> None:
    settings = replace(served_by_default(home), still_seconds=0.1, stream_seconds=0.3)
    async with serving(home, ScriptedModel(calculator.straight()), settings) as served:
        run = await served.create()
        assert await served.rest(run) == "waiting"
        path = f"/v1/runs/{run}/events"
        async with served.client.stream("GET", path, params={"stay": "true"}) as stream:
            found = [message async for message in messages(stream)]
        assert "end" not in [message.get("event") for message in found]


async def test_events_of_another_process_come_through_too(home: Path) -> None:
    async with (
        serving(home, ScriptedModel(calculator.straight())) as server,
        serving(home, ScriptedModel(calculator.straight(), seconds=0.1)) as other,
    ):
        run = await other.create(gates=[])
        follower = Follower(server.client, run)
        while not (follower.seen and "delivered" in follower.seen[-1]):
            await follower.follow()
        kept = await server.service.events.after(run, 0)
    assert [json.loads(event)["seq"] for event in follower.seen] == [e.seq for e in kept]


async def test_no_text_breaks_a_message_in_two(home: Path) -> None:
    words = "一行\u2028two\x85three\r\nfour\n\nevent: end\ndata: {}"
    async with serving(home, ScriptedModel(calculator.straight())) as served:
        run = await served.create()
        assert await served.rest(run) == "waiting"
        await served.client.post(f"/v1/runs/{run}/words", json={"words": words})
        follower = Follower(served.client, run)
        await follower.follow()
    assert json.loads(follower.seen[-1])["text"] == words
    assert "一行" in follower.seen[-1]


@pytest.mark.slow
async def test_a_thousand_idle_streams_leave_the_server_at_ease(home: Path) -> None:
    async with serving(home, ScriptedModel(calculator.straight())) as served:
        run = await served.create()
        assert await served.rest(run) == "waiting"
        alone = await _cpu_of_a_second()
        async with asyncio.TaskGroup() as group:
            heard: asyncio.Queue[str] = asyncio.Queue()
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(base_url=served.url, timeout=60, limits=limits) as crowd:
                idle = [group.create_task(_idle(crowd, run, heard)) for _ in range(STREAMS)]
                for _ in range(STREAMS):
                    assert await heard.get() == "first"
                crowded = await _cpu_of_a_second()
                assert (await served.client.get("/ready")).status_code == 200
                await served.answer(run, "stop")
                for _ in range(STREAMS):
                    assert await heard.get() == "new"
                for task in idle:
                    task.cancel()
        assert crowded - alone < 0.5
        assert await served.rest(run) == "stopped"


async def _idle(client: httpx.AsyncClient, run: str, heard: "asyncio.Queue[str]") -> None:
    path = f"/v1/runs/{run}/events"
    async with client.stream("GET", path, params={"stay": "true"}) as stream:
        found = messages(stream)
        first = json.loads((await anext(found))["data"])
        await heard.put("first")
        async for message in found:
            if json.loads(message["data"])["kind"] == "run" and "stopped" in message["data"]:
                assert first["seq"] == 1
                await heard.put("new")


async def _cpu_of_a_second() -> float:
    """Share of a core that this process, server and clients, uses while nothing happens."""
    await asyncio.sleep(0.5)
    used, began = sum(os.times()[:2]), time.monotonic()
    await asyncio.sleep(1)
    return (sum(os.times()[:2]) - used) / (time.monotonic() - began)

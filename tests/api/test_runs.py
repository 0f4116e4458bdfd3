"""Runs through the API: from the idea to the download, with all that happens on the way."""

import asyncio
import io
import zipfile
from dataclasses import replace
from pathlib import Path

import httpx

from softfactory.api import create_app
from softfactory.demos import demos
from softfactory.desk import Limits
from softfactory.models.scripted import ScriptedModel
from tests import calculator
from tests.served import Served, codes, listening, served_by_default, serving


async def test_a_run_goes_from_the_idea_over_the_gate_to_the_download(served: Served) -> None:
    run = await served.create()
    assert await served.rest(run) == "waiting"
    gate = (await served.client.get(f"/v1/runs/{run}/gate")).json()
    assert gate["gate"] == "prd"
    assert "approve" in gate["actions"]
    assert (await served.answer(run, "approve")).status_code == 202
    assert await served.rest(run) == "delivered"
    got = {}
    for part in ("documents", "files", "commits", "diff", "report", "cost", "archive"):
        got[part] = await served.client.get(f"/v1/runs/{run}/{part}")
        assert got[part].status_code == 200, part
    assert got["documents"].json()["prd"]["title"] == "Calculator"
    assert got["documents"].json()["delivery"]["tag"]
    paths = {file["path"] for file in got["files"].json()["files"]}
    assert {"calc.py", "README.md", "docs/report.md"} <= paths
    [first, *_] = reversed(got["commits"].json()["commits"])
    assert (first["role"], first["files"]) == ("Product Manager", ["docs/prd.md"])
    assert "+++ b/docs/report.md" in got["diff"].text
    assert got["report"].text.startswith("# Calculator")
    assert got["cost"].json()["total"]["calls"] == 6
    with zipfile.ZipFile(io.BytesIO(got["archive"].content)) as archive:
        assert archive.read("calculator/calc.py").decode() == calculator.CODE
    file = await served.client.get(f"/v1/runs/{run}/files/calc.py")
    assert file.text == calculator.CODE


async def test_the_download_of_a_product_with_a_chinese_title_has_a_plain_name(home: Path) -> None:
    script = calculator.straight() | {"write_prd": [calculator.prd(title='计算器";\r\nX: y')]}
    async with serving(home, ScriptedModel(script)) as served:
        run = await served.delivered()
        got = await served.client.get(f"/v1/runs/{run}/archive")
    assert got.headers["Content-Disposition"] == 'attachment; filename="calculator.zip"'
    assert "X" not in got.headers


async def test_a_diff_is_of_one_commit_or_of_all_since_another(served: Served) -> None:
    run = await served.delivered()
    commits = (await served.client.get(f"/v1/runs/{run}/commits")).json()["commits"]
    first, last = commits[-1]["id"], commits[0]["id"]
    path = f"/v1/runs/{run}/diff"
    only_first = (await served.client.get(path, params={"commit": first})).text
    assert "docs/prd.md" in only_first
    assert "calc.py" not in only_first.replace("python calc.py", "")
    since = (await served.client.get(path, params={"commit": last, "since": first})).text
    assert "+++ b/calc.py" in since
    assert codes([await served.client.get(path, params={"commit": "0" * 40})]) == ["not_there"]


async def test_what_is_not_there_yet_is_a_404_and_no_error(served: Served) -> None:
    run = await served.create()
    assert await served.rest(run) == "waiting"
    for part in ("report", "preview", "files/calc.py"):
        answer = await served.client.get(f"/v1/runs/{run}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_there"), part
    assert (await served.answer(run, "stop")).status_code == 202
    assert await served.rest(run) == "stopped"
    assert codes([await served.client.get(f"/v1/runs/{run}/gate")]) == ["not_there"]


async def test_a_request_sent_twice_with_its_key_makes_one_run(served: Served) -> None:
    async def create(idea: str) -> httpx.Response:
        headers = {"Idempotency-Key": "once"}
        return await served.client.post("/v1/runs", json={"idea": idea}, headers=headers)

    answers = await asyncio.gather(*(create("A calculator") for _ in range(5)))
    assert codes(answers) == ["201"] * 5
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert codes([await create("A clock")]) == ["key_reused"]
    assert len(await served.service.runs.all()) == 1


async def test_the_key_of_a_refused_request_can_be_used_again(served: Served) -> None:
    headers = {"Idempotency-Key": "again"}
    recorded = {"demo": "habits", "idea": "another idea"}
    one = await served.client.post("/v1/runs", json=recorded | {"demo": "none"}, headers=headers)
    two = await served.client.post("/v1/runs", json={"idea": "A calculator"}, headers=headers)
    assert codes([one, two]) == ["usage_error", "201"]


async def test_a_full_server_refuses_a_run_and_makes_none(home: Path) -> None:
    settings = replace(served_by_default(home), limits=Limits(running=2))
    async with serving(home, ScriptedModel(calculator.straight(), seconds=30), settings) as served:
        bodies = [{"idea": f"Calculator {number}"} for number in range(4)]
        key = {"Idempotency-Key": "k"}
        answers = await asyncio.gather(
            *(served.client.post("/v1/runs", json=body) for body in bodies),
            served.client.post("/v1/runs", json=bodies[0], headers=key),
        )
        assert sorted(codes(answers)) == ["201", "201", "server_full", "server_full", "server_full"]
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert int(refused.headers["Retry-After"]) > 0
        runs = await served.service.runs.all()
        assert len(runs) == 2
        await served.client.post(f"/v1/runs/{runs[0].id}/stop")
        again = await served.client.post("/v1/runs", json=bodies[0], headers=key)
        assert codes([again]) == ["201"]


async def test_lists_are_paged_and_filtered(served: Served) -> None:
    names = [await served.create(idea=f"Calculator {number}", gates=["prd"]) for number in range(5)]
    for name in names:
        assert await served.rest(name) == "waiting"
    seen: list[str] = []
    after: dict[str, str] = {}
    for _ in range(3):
        page = (await served.client.get("/v1/runs", params={"limit": "2"} | after)).json()
        seen += [run["id"] for run in page["runs"]]
        after = {"after": page["next"]}
    assert page["next"] is None
    assert seen == names[::-1]
    waiting = await served.client.get("/v1/runs", params={"status": "waiting", "q": "calculator 3"})
    assert [run["idea"] for run in waiting.json()["runs"]] == ["Calculator 3"]
    assert (await served.client.get("/v1/runs", params={"status": "failed"})).json()["runs"] == []


async def test_a_double_click_on_approve_counts_once(served: Served) -> None:
    run = await served.create()
    assert await served.rest(run) == "waiting"
    answers = await asyncio.gather(*(served.answer(run, "approve") for _ in range(5)))
    assert sorted(codes(answers)) == ["202", *["gate_gone"] * 4]
    assert {answer.status_code for answer in answers} == {202, 409}
    assert await served.rest(run) == "delivered"
    assert (await served.client.get(f"/v1/runs/{run}/cost")).json()["total"]["calls"] == 6


async def test_an_answer_to_requirements_that_have_changed_since_is_refused(home: Path) -> None:
    changed = calculator.prd(summary="Evaluates, and nothing else.")
    script = calculator.straight() | {"write_prd": [calculator.prd(), changed]}
    async with serving(home, ScriptedModel(script)) as served:
        run = await served.create()
        assert await served.rest(run) == "waiting"
        old = (await served.client.get(f"/v1/runs/{run}/gate")).json()["id"]
        assert codes([await served.answer(run, "revise", feedback="shorter")]) == ["202"]
        assert await served.rest(run) == "waiting"
        body = {"gate": old, "action": "approve"}
        late = await served.client.post(f"/v1/runs/{run}/gate", json=body)
        assert (late.status_code, late.json()["code"]) == (409, "gate_gone")
        document = changed.model_dump(mode="json") | {"title": "Sums"}
        assert codes([await served.answer(run, "edit", document=document)]) == ["202"]
        assert await served.rest(run) == "delivered"
        assert (await served.client.get(f"/v1/runs/{run}")).json()["title"] == "Calculator"
        edited = (await served.client.get(f"/v1/runs/{run}/documents")).json()["prd"]
        assert edited["title"] == "Sums"


async def test_an_answer_that_does_not_fit_changes_nothing(served: Served) -> None:
    run = await served.create()
    assert await served.rest(run) == "waiting"
    wrong = [
        await served.answer(run, "retry"),
        await served.answer(run, "revise"),
        await served.answer(run, "edit", document={"title": "no more"}),
        await served.answer(run, "dance"),
    ]
    assert codes(wrong) == ["usage_error", "usage_error", "usage_error", "invalid_request"]
    assert (await served.client.get(f"/v1/runs/{run}")).json()["status"] == "waiting"
    assert codes([await served.answer(run, "approve")]) == ["202"]


async def test_a_stopped_run_goes_on_and_a_delivered_one_does_not(home: Path) -> None:
    model = ScriptedModel(calculator.straight(), seconds=0.2)
    async with serving(home, model) as served:
        run = await served.create(gates=[])
        busy = await served.client.post(f"/v1/runs/{run}/resume")
        assert (busy.status_code, busy.json()["code"]) == (409, "run_busy")
        stopped = await served.client.post(f"/v1/runs/{run}/stop")
        assert (stopped.status_code, stopped.json()["status"]) == (202, "stopped")
        resumed = await served.client.post(f"/v1/runs/{run}/resume", json={"model": "another"})
        assert (resumed.status_code, resumed.json()["model"]) == (202, "another")
        assert await served.rest(run) == "delivered"
        again = await served.client.post(f"/v1/runs/{run}/resume")
        assert (again.status_code, again.json()["code"]) == (422, "usage_error")
        bill = (await served.client.get(f"/v1/runs/{run}/cost")).json()
        assert {line["skill"]: line["calls"] for line in bill["lines"]}["write_prd"] == 1


async def test_a_fork_stands_at_the_gate_of_its_parent(served: Served) -> None:
    run = await served.delivered()
    fork = await served.client.post(f"/v1/runs/{run}/fork", json={"at": "prd"})
    assert (fork.status_code, fork.json()["parent"]) == (201, run)
    assert await served.rest(fork.json()["id"]) == "waiting"
    nowhere = await served.client.post(f"/v1/runs/{fork.json()['id']}/fork", json={"at": "plan"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (422, "usage_error")


async def test_two_who_fork_a_run_at_once_get_a_fork_each(served: Served) -> None:
    run = await served.delivered()
    answers = await asyncio.gather(
        *(served.client.post(f"/v1/runs/{run}/fork", json={"at": "prd"}) for _ in range(2))
    )
    assert codes(answers) == ["201", "201"]
    forks = {answer.json()["id"] for answer in answers}
    assert len(forks) == 2
    assert {await served.rest(fork) for fork in forks} == {"waiting"}


async def test_a_fork_from_a_step_with_other_settings_and_an_edited_document(
    served: Served,
) -> None:
    run = await served.delivered()
    edited = calculator.prd(title="Sums").model_dump(mode="json")
    change = {"at": "prd", "edit": {"prd": edited}, "model": "another", "hint": "be brief"}
    fork = await served.client.post(f"/v1/runs/{run}/fork", json=change)
    assert (fork.status_code, fork.json()["model"]) == (201, "another")
    assert await served.rest(fork.json()["id"]) == "delivered"
    documents = (await served.client.get(f"/v1/runs/{fork.json()['id']}/documents")).json()
    assert documents["prd"]["title"] == "Sums"
    misfit = {"at": "design", "edit": {"prd": edited}}
    answer = await served.client.post(f"/v1/runs/{run}/fork", json=misfit)
    assert codes([answer]) == ["usage_error"]


async def test_what_is_said_reaches_the_company_at_its_next_step(home: Path) -> None:
    model = ScriptedModel(calculator.straight())
    async with serving(home, model) as served:
        run = await served.create()
        assert await served.rest(run) == "waiting"
        path = f"/v1/runs/{run}/words"
        said = await served.client.post(path, json={"words": "no exponents", "to": "engineer"})
        assert said.status_code == 204
        assert codes([await served.client.post(path, json={"words": " "})]) == ["invalid_request"]
        await served.answer(run, "approve")
        assert await served.rest(run) == "delivered"
        assert codes([await served.client.post(path, json={"words": "late"})]) == ["usage_error"]
    assert "no exponents" in model.questions("write_code")[0]
    assert "no exponents" not in model.questions("write_test")[0]


async def test_steps_are_listed_compared_and_undone(served: Served) -> None:
    run = await served.delivered()
    steps = (await served.client.get(f"/v1/runs/{run}/steps")).json()["steps"]
    assert [step["number"] for step in steps] == list(range(len(steps)))
    between = {"first": 0, "second": len(steps) - 1}
    diff = await served.client.get(f"/v1/runs/{run}/steps/diff", params=between)
    assert "+++ b/calc.py" in diff.text
    undone = await served.client.post(f"/v1/runs/{run}/undo")
    assert (undone.status_code, undone.json()["number"]) == (200, len(steps) - 2)
    assert (await served.client.get(f"/v1/runs/{run}")).json()["status"] == "stopped"
    assert (await served.client.post(f"/v1/runs/{run}/resume")).status_code == 202
    assert await served.rest(run) == "delivered"


async def test_a_deleted_run_is_gone_and_one_at_work_is_not(home: Path) -> None:
    async with serving(home, ScriptedModel(calculator.straight(), seconds=30)) as served:
        run = await served.create()
        busy = await served.client.delete(f"/v1/runs/{run}")
        assert codes([busy]) == ["run_busy"]
        assert codes([await served.client.post(f"/v1/runs/{run}/undo")]) == ["run_busy"]
        await served.client.post(f"/v1/runs/{run}/stop")
        assert (await served.client.delete(f"/v1/runs/{run}")).status_code == 204
        assert codes([await served.client.get(f"/v1/runs/{run}")]) == ["unknown_run"]
        assert (await served.client.get("/v1/runs")).json()["runs"] == []


async def test_a_server_that_ends_leaves_its_runs_where_they_can_go_on(home: Path) -> None:
    async with serving(home, ScriptedModel(calculator.straight(), seconds=0.3)) as first:
        run = await first.create(gates=[])
        by_hand = await first.create(gates=[])
        await first.client.post(f"/v1/runs/{by_hand}/stop")
    model = ScriptedModel(calculator.straight())
    async with serving(home, model) as second:
        told = (await second.client.get(f"/v1/runs/{run}")).json()
        assert (told["status"], told["reason"]) == ("stopped", "the server was shut down")
        assert not told["at_work"]
    async with serving(home, model, replace(served_by_default(home), resume=True)) as third:
        assert await third.rest(run) == "delivered"
        assert (await third.client.get(f"/v1/runs/{by_hand}")).json()["status"] == "stopped"


async def test_a_demo_needs_no_model_and_its_idea_is_the_recorded_one(tmp_path: Path) -> None:
    app = create_app(tmp_path / "home")
    async with listening(app) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        none = await client.post("/v1/runs", json={"idea": "A calculator"})
        assert (none.status_code, none.json()["code"]) == (422, "usage_error")
        made = await client.post("/v1/runs", json={"demo": "habits"})
        assert (made.status_code, made.json()["model"]) == (201, "recording")
        assert made.json()["idea"]
        listed = (await client.get("/v1/models")).json()
        assert [demo["name"] for demo in listed["demos"]] == [demo.name for demo in demos()]
        skills = (await client.get("/v1/skills")).json()["skills"]
        assert "write_prd" in [skill["name"] for skill in skills]

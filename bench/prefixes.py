"""How much of a run's prompts providers' prefix caches can serve, and how prompts grow.

    uv run python -m bench.prefixes

The share of the prompts of engineer and reviewer that an earlier prompt of the run began with,
and the tokens of their prompts, for the calculator and for products of 6 and 12 files of 60 lines
whose requirements and design are as long as those of the recorded runs.
"""

import asyncio
import tempfile
from pathlib import Path

from softfactory.config import Settings
from softfactory.demos import recording_of
from softfactory.models.costs import Cost, bill
from softfactory.models.scripted import ScriptedModel
from softfactory.service import open_service
from softfactory.state.documents import PRD, Layout, Plan, PlannedFile, SmallDesign, WorkPackage
from softfactory.workplace import Outside
from tests import calculator

ROLES = ("Engineer", "Code Reviewer")


def sized(files: int) -> calculator.Script:
    """A product of so many files in packages of three, with documents of real length."""
    _, recording = recording_of("habits")
    answers = {call.skill: call.reply.text for call in recording.calls}
    prd = PRD.model_validate_json(answers["write_prd"]).model_copy(update={"size": "medium"})
    design, _ = SmallDesign.model_validate_json(answers["design_api"]).parts()
    paths = [f"part_{number:02}.py" for number in range(files)]
    body = "".join(
        f"def step_{n}(value: int) -> int:\n    return value + {n}\n\n\n" for n in range(15)
    )
    planned = [PlannedFile(path=path, purpose="a part", requirements=["R1"]) for path in paths]
    packages = [
        WorkPackage(id=f"W{n // 3 + 1}", title="parts", files=paths[n : n + 3], needs=[])
        for n in range(0, files, 3)
    ]
    layout = Layout(files=planned, entry=paths[0], start=["python", paths[0]], usage="Start it.")
    code = {
        f"write_code {p.id} round 1": [dict.fromkeys(p.files, f'"""A part."""\n\n\n{body}')]
        for p in packages
    }
    tests = "".join(f"def test_r{n}_holds():\n    assert True\n\n\n" for n in range(1, 31))
    return (
        calculator.straight()
        | code
        | {
            "write_prd": [prd],
            "design_api": [design],
            "design_filenames": [layout],
            "project_management": [Plan(packages=packages)],
            "write_test": [{"tests/test_it.py": tests}],
            "run_code": [
                calculator.RECIPE.model_copy(
                    update={
                        "trials": [
                            calculator.RECIPE.trials[0].model_copy(
                                update={"command": ["python", "-c", "print(42)"]}
                            )
                        ]
                    }
                )
            ],
        }
    )


async def billed(script: calculator.Script) -> list[Cost]:
    with tempfile.TemporaryDirectory() as folder:
        model = ScriptedModel(script)
        async with open_service(Path(folder) / "home", Outside(lambda *_: model)) as service:
            settings = Settings(model="scripted", gates=(), folder=folder)
            run = await service.start(calculator.IDEA, settings)
            run = await service.work(run.id)
            assert run.status == "delivered", run.reason
            return bill(await service.paid(run.id))


async def main() -> None:
    print("| product | calls of engineer and reviewer | prompt tokens a call | repeated prefix |")
    print("|---|---|---|---|")
    for name, script in (
        ("calculator, nothing goes wrong", calculator.straight()),
        ("calculator, four times sent back", calculator.eventful()),
        ("6 files", sized(6)),
        ("12 files", sized(12)),
    ):
        lines = [line for line in await billed(script) if line.role in ROLES]
        tokens, calls = sum(x.input_tokens for x in lines), sum(x.calls for x in lines)
        repeated = sum(x.repeated * x.input_tokens for x in lines) / tokens
        print(f"| {name} | {calls} | {tokens / calls:,.0f} | {repeated:.0%} |")


if __name__ == "__main__":
    asyncio.run(main())

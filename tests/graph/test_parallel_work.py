"""Independent packages are worked on at the same time."""

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.state.documents import Plan, PlannedFile, WorkPackage
from tests import calculator
from tests.conftest import Opened

PACKAGES = 8


async def test_eight_packages_take_less_than_a_sixth_of_the_time_of_one_after_another(
    opened: Opened, settings: Settings
) -> None:
    paths = ["calc.py", *[f"part_{n}.py" for n in range(2, PACKAGES + 1)]]
    planned = [PlannedFile(path=path, purpose="a part", requirements=["R1"]) for path in paths]
    packages = [
        WorkPackage(id=f"W{n}", title="part", files=[path], needs=[])
        for n, path in enumerate(paths, 1)
    ]
    code = {
        f"write_code W{n} round 1": [{path: calculator.CODE}] for n, path in enumerate(paths, 1)
    }
    script = (
        calculator.straight()
        | code
        | {
            "write_prd": [calculator.prd(size="medium")],
            "design_filenames": [calculator.LAYOUT.model_copy(update={"files": planned})],
            "project_management": [Plan(packages=packages)],
        }
    )
    async with opened(ScriptedModel(script, seconds=2.0)) as service:
        run = await service.start(calculator.IDEA, settings)
        run = await service.work(run.id)
        calls = await service.paid(run.id)
        log = await service.events.after(run.id, 0)
    assert run.status == "delivered", run.reason
    engineering = ("write_code", "write_code_review")
    one_after_another = sum(call.seconds for call in calls if call.skill in engineering)
    times = [
        logged.time
        for logged in log
        if logged.event.kind in ("call", "answer") and logged.event.data["skill"] in engineering
    ]
    assert one_after_another / (max(times) - min(times)) >= 6

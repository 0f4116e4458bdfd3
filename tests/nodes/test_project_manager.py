"""Plans are made sound before anybody works by them."""

from softfactory.nodes.project_manager import completed, whole
from softfactory.state.documents import Layout, Plan, PlannedFile, WorkPackage

LAYOUT = Layout(
    files=[PlannedFile(path=f"{name}.py", purpose="part", requirements=[]) for name in "abcd"],
    entry="a.py",
    start=["python", "a.py"],
    usage="Start it.",
)


def package(name: str, files: list[str], needs: list[str]) -> WorkPackage:
    return WorkPackage(id=name, title=name, files=files, needs=needs)


def test_a_sound_plan_stays_as_it_is() -> None:
    plan = Plan(
        packages=[package("W1", ["a.py", "b.py"], []), package("W2", ["c.py", "d.py"], ["W1"])]
    )
    assert completed(plan, LAYOUT) == plan


def test_forgotten_files_are_put_into_a_package_of_their_own() -> None:
    plan = completed(Plan(packages=[package("W1", ["a.py", "b.py"], [])]), LAYOUT)
    assert [p.files for p in plan.packages] == [["a.py", "b.py"], ["c.py", "d.py"]]


def test_files_given_twice_unknown_files_and_circles_are_mended() -> None:
    plan = completed(
        Plan(
            packages=[
                package("W1", ["a.py", "b.py"], ["W2"]),
                package("W2", ["b.py", "c.py", "x.py"], ["W1", "W7"]),
                package("W2", ["d.py"], []),
            ]
        ),
        LAYOUT,
    )
    assert [(p.files, p.needs) for p in plan.packages[:2]] == [
        (["a.py", "b.py"], []),
        (["c.py"], ["W1"]),
    ]
    assert plan.packages[2].files == ["d.py"]
    assert sorted(path for p in plan.packages for path in p.files) == [
        "a.py",
        "b.py",
        "c.py",
        "d.py",
    ]


def test_a_small_product_is_one_package() -> None:
    assert [p.files for p in whole("it", LAYOUT).packages] == [["a.py", "b.py", "c.py", "d.py"]]

"""What a run cost, by role and skill."""

from itertools import permutations

from softfactory.models.costs import bill, total
from softfactory.persistence.calls import Call


def call(role: str, skill: str, *, price: float | None = 0.5, attempt: int = 1) -> Call:
    messages = [{"role": "user", "content": skill}]
    messages += [{"role": "assistant", "content": "no"}] * (attempt - 1)
    return Call(
        run="r",
        key="",
        fit="",
        skill=skill,
        role=role,
        subject="",
        attempt=attempt,
        messages=messages,
        reply={"input_tokens": 1200, "output_tokens": 30, "cached_tokens": 1000},
        price=price,
        seconds=1.0,
    )


def test_a_bill_reads_the_same_whichever_parallel_call_was_answered_first() -> None:
    calls = [
        call("Product Manager", "write_prd"),
        call("Architect", "design_filenames"),
        call("Architect", "analyze_dep_libs"),
        call("Engineer", "write_code"),
    ]
    bills = {tuple(line.cells("?") for line in bill(order)) for order in permutations(calls)}
    [lines] = bills
    assert [line[1] for line in lines] == [
        *("write_prd", "analyze_dep_libs", "design_filenames", "write_code"),
    ]


def test_calls_of_a_skill_are_added_up_and_an_unknown_price_makes_the_sum_unknown() -> None:
    calls = [call("Engineer", "write_code"), call("Engineer", "write_code", attempt=2)]
    [line] = bill(calls)
    assert line.cells("?") == (
        *("Engineer", "write_code", "2", "2,400", "2,000", "60", "$1.0000", "1"),
    )
    assert total([*calls, call("Engineer", "write_code", price=None)]).cells("?")[6] == "?"

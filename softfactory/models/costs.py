"""What a run cost, by role and skill, read off its ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from softfactory.persistence.calls import Call
from softfactory.state.events import RoleName


@dataclass(frozen=True)
class Cost:
    """A line of the bill. `price` is in US dollars, None if that of any call is unknown."""

    role: str
    skill: str
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    price: float | None
    seconds: float
    repairs: int
    repeated: float
    """Share of the prompts that an earlier prompt of the run began with, 0 to 1."""

    def cells(self, unknown: str) -> tuple[str, ...]:
        """Under `COLUMNS`, with the word for an unknown price; the same however long it took."""
        return (
            self.role,
            self.skill,
            f"{self.calls}",
            f"{self.input_tokens:,}",
            f"{self.cached_tokens:,}",
            f"{self.output_tokens:,}",
            unknown if self.price is None else f"${self.price:.4f}",
            f"{self.repairs}",
        )


COLUMNS = ("role", "skill", "calls", "in", "cached", "out", "price", "repairs")
ROLES = get_args(RoleName)


def bill(calls: Sequence[Call]) -> list[Cost]:
    """A line for each role and skill: roles in the order of the process, skills by name.

    So it reads the same whichever of two parallel calls was answered first.
    """
    prompts = [_text(call) for call in calls]
    shared = [_longest_shared(prompts[:n], prompt) for n, prompt in enumerate(prompts)]
    groups: dict[tuple[str, str], list[int]] = {}
    for number, call in enumerate(calls):
        groups.setdefault((call.role, call.skill), []).append(number)
    return [
        _line(name, [calls[n] for n in numbers], _share(prompts, shared, numbers))
        for name, numbers in sorted(groups.items(), key=lambda group: _place(*group[0]))
    ]


def total(calls: Sequence[Call]) -> Cost:
    """The sum of a bill."""
    prompts = [_text(call) for call in calls]
    shared = [_longest_shared(prompts[:n], prompt) for n, prompt in enumerate(prompts)]
    return _line(("all", ""), calls, _share(prompts, shared, range(len(calls))))


def sum_of_prices(calls: Sequence[Call]) -> float | None:
    """Dollars for all calls; None if the price of one is unknown."""
    prices = [call.price for call in calls]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def _place(role: str, skill: str) -> tuple[int, str]:
    return ROLES.index(role), skill


def _line(name: tuple[str, str], calls: Sequence[Call], repeated: float) -> Cost:
    role, skill = name
    return Cost(
        role=role,
        skill=skill,
        calls=len(calls),
        input_tokens=sum(call.reply["input_tokens"] for call in calls),
        cached_tokens=sum(call.reply["cached_tokens"] for call in calls),
        output_tokens=sum(call.reply["output_tokens"] for call in calls),
        price=sum_of_prices(calls),
        seconds=sum(call.seconds for call in calls),
        repairs=sum(call.attempt > 1 and not call.continues for call in calls),
        repeated=repeated,
    )


def _text(call: Call) -> str:
    return "\n".join(message["content"] for message in call.messages)


def _share(prompts: Sequence[str], shared: Sequence[int], numbers: Sequence[int]) -> float:
    length = sum(len(prompts[n]) for n in numbers)
    return sum(shared[n] for n in numbers) / length if length else 0.0


def _longest_shared(earlier: Sequence[str], prompt: str) -> int:
    return max((_shared(known, prompt) for known in earlier), default=0)


def _shared(left: str, right: str) -> int:
    """Length of the common beginning."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low

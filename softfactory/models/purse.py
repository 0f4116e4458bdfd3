"""A run's budget: checked before each call, so that it is never passed by more than one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from softfactory.config import Budget, Settings, budget_of
from softfactory.errors import BudgetReached, UsageError
from softfactory.persistence.calls import Call

USUAL_OUTPUT_TOKENS = 1500
"""What an answer is expected to take before the run has shown more."""
WARNING_SHARE = 0.8


@dataclass
class Purse:
    """What a run has used up, what calls on the wire may still use, and how much there is."""

    budget: Budget | None = None
    spent: float = 0.0
    """In the budget's unit."""
    reserved: float = 0.0
    largest_output: int = USUAL_OUTPUT_TOKENS
    warned: bool = field(default=False, init=False)

    @contextmanager
    def reserve(self, expected: float | None) -> Iterator[None]:
        """Set aside what a call is expected to use, until it has been answered.

        Args:
            expected: in the budget's unit; None where the price is unknown.

        Raises:
            BudgetReached: it would pass the budget.
            UsageError: the budget is in dollars and the price is unknown.
        """
        if self.budget is None:
            yield
            return
        if expected is None:
            raise UsageError(
                "the price of this model is unknown, so a budget in dollars can't be kept: give "
                "--price IN/OUT, or a budget in tokens, as --budget 200k"
            )
        if self.spent + self.reserved + expected > self.budget.amount:
            raise BudgetReached(
                f"the budget of {self.budget} is too small for the next call: "
                f"{self._said(self.spent)} spent, about {self._said(expected)} needed"
            )
        self.reserved += expected
        try:
            yield
        finally:
            self.reserved -= expected

    def spend(self, amount: float | None, output_tokens: int) -> str:
        """Count an answered call; a warning the first time that most is used up, else nothing."""
        self.spent += amount or 0.0
        self.largest_output = max(self.largest_output, output_tokens)
        if self.warned or self.budget is None or self.spent < WARNING_SHARE * self.budget.amount:
            return ""
        self.warned = True
        return f"{self._said(self.spent)} of the budget of {self.budget} is used up"

    def _said(self, amount: float) -> str:
        unit = self.budget.unit if self.budget else "tokens"
        return f"${amount:.4f}" if unit == "dollars" else f"{amount:,.0f} tokens"


def purse_of(budget: Budget | None, calls: Sequence[Call]) -> Purse:
    """A run's budget, less what its answered calls have used up."""
    if budget is not None and budget.unit == "dollars":
        return Purse(budget, sum(call.price or 0.0 for call in calls))
    used = (call.reply["input_tokens"] + call.reply["output_tokens"] for call in calls)
    return Purse(budget, float(sum(used)))


def raised(settings: Settings, words: str) -> Settings:
    """The settings with the budget that the words name, or else with twice as much.

    Raises:
        UsageError: the words name no budget.
    """
    old = settings.budget
    try:
        new = budget_of(words) if words or not old else Budget(amount=2 * old.amount, unit=old.unit)
    except ValueError as error:
        raise UsageError(f"{words!r} is no budget; 3.00 or 200k are") from error
    return settings.model_copy(update={"budget": new})

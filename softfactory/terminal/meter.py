"""What a run has cost so far and who is at work, read off its events."""

import time
from dataclasses import dataclass, field
from math import ceil

from softfactory.persistence.events import LoggedEvent
from softfactory.state.events import Event, RoleName
from softfactory.state.markdown import counted


@dataclass
class AtWork:
    """A question that is being answered, and what holds it up."""

    role: RoleName
    since: float
    again_at: float = 0.0
    reason: str = ""

    def standing(self, now: float) -> str:
        """How long it takes already, and why."""
        taken = clock(now - self.since)
        left = ceil(self.again_at - now)
        return f"{taken}, retrying in {left} s: {self.reason}" if left > 0 else taken


@dataclass
class Meter:
    """Counts along while events go by."""

    calls: int = 0
    known: int = 0
    tokens: int = 0
    price: float | None = 0.0
    started: float = field(default_factory=time.time)
    at_work: dict[str, AtWork] = field(default_factory=dict)
    """By role and question."""

    def count(self, logged: LoggedEvent) -> None:
        """Take an event into account."""
        event, data = logged.event, logged.event.data
        label = f"{event.role}: {question(event)}"
        if event.kind == "call":
            self.at_work[label] = AtWork(event.role, logged.time)
        elif event.kind == "wait" and label in self.at_work:
            self.at_work[label].again_at = logged.time + float(str(data["seconds"]))
            self.at_work[label].reason = str(data["reason"])
        elif event.kind == "answer":
            self.at_work.pop(label, None)
            if data["known"]:
                self.known += 1
                return
            self.calls += 1
            self.tokens += int(str(data["input_tokens"])) + int(str(data["output_tokens"]))
            price = data["price"]
            known = isinstance(price, int | float) and self.price is not None
            self.price = (self.price or 0.0) + float(str(price)) if known else None
        elif event.kind == "run":
            self.at_work.clear()

    def line(self, now: float) -> str:
        """The totals in one line."""
        price = "price unknown" if self.price is None else f"${self.price:.4f}"
        if not self.calls:
            price = "nothing spent"
        calls, elapsed = counted(self.calls, "call"), clock(now - self.started)
        return f"{calls} · {self.tokens:,} tokens · {price} · {elapsed}"


def question(event: Event) -> str:
    """What a model is asked, and whether to go on with an answer or to give a better one."""
    if event.data.get("continued"):
        return f"{event.text}, continued"
    attempt = event.data.get("attempt", 1)
    return event.text if attempt == 1 else f"{event.text}, attempt {attempt}"


def clock(seconds: float) -> str:
    """A duration as people read it."""
    minutes, rest = divmod(int(max(0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

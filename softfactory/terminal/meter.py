"""What a run has cost so far and who is at work, read off its events."""

import time
from dataclasses import dataclass, field

from softfactory.persistence.events import LoggedEvent
from softfactory.state.markdown import counted


@dataclass
class Meter:
    """Counts along while events go by."""

    calls: int = 0
    known: int = 0
    tokens: int = 0
    price: float | None = 0.0
    started: float = field(default_factory=time.time)
    at_work: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Role and question → since when it is being answered."""

    def count(self, logged: LoggedEvent) -> None:
        """Take an event into account."""
        event, data = logged.event, logged.event.data
        label = f"{event.role}: {event.text}"
        if event.kind == "call":
            self.at_work[label] = (event.role, logged.time)
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


def clock(seconds: float) -> str:
    """A duration as people read it."""
    minutes, rest = divmod(int(max(0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

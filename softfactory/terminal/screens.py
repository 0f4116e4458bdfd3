"""Three ways to show events: drawn on a terminal, one line each, or as JSON lines."""

import json
import sys
import time
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from softfactory.graph.steps import Step
from softfactory.models.recorded import RECORDED
from softfactory.persistence.events import LoggedEvent
from softfactory.terminal.meter import Meter, clock

COLOURS = {
    "Product Manager": "magenta",
    "Architect": "cyan",
    "Project Manager": "blue",
    "Engineer": "green",
    "Code Reviewer": "yellow",
    "QA Engineer": "bright_red",
    "Human": "bold white",
    "Company": "white",
}


TOLD_BY_THE_GATE = ("waiting", "limit")
BEGINNINGS = {"named": "names the product", "gate": "waits for a human", "said": "says"}


class Screen(Protocol):
    """Shows the events of a run."""

    def __enter__(self) -> "Screen":
        """Begin to draw."""
        ...

    def __exit__(self, *_: object) -> None:
        """Leave the terminal as it was."""
        ...

    def show(self, logged: LoggedEvent) -> None:
        """Show one event."""
        ...


class PlainScreen:
    """One line for each event: for pipes, files and continuous integration."""

    def __init__(self) -> None:
        self.meter = Meter()

    def __enter__(self) -> "PlainScreen":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, logged: LoggedEvent) -> None:
        """Print the event's line."""
        self.meter.count(logged)
        if logged.event.data.get("status") in TOLD_BY_THE_GATE:
            return
        at = time.strftime("%H:%M:%S", time.localtime(logged.time))
        print(f"{at}  {line_of(logged)}", flush=True)


class JsonScreen:
    """One JSON object a line: for programs."""

    def __enter__(self) -> "JsonScreen":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, logged: LoggedEvent) -> None:
        """Print the event as JSON."""
        value = {"seq": logged.seq, "time": logged.time, **logged.event.model_dump()}
        print(json.dumps(value, ensure_ascii=False), flush=True)


class LiveScreen:
    """What happened scrolls by; who is at work and what it costs stays at the bottom."""

    def __init__(self, console: Console) -> None:
        self.meter = Meter()
        self._console = console
        self._live = Live(
            get_renderable=self._footer, console=console, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> "LiveScreen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        self._console.print(Text(self.meter.line(time.time()), style="dim"))

    def show(self, logged: LoggedEvent) -> None:
        """Print the event above the footer; mere beginnings of calls stand only in it."""
        self.meter.count(logged)
        event = logged.event
        is_rest = event.data.get("status") not in (None, "delivered")
        if event.kind in ("call", "named") or is_rest:
            return
        style = {"finding": "yellow", "test": "bold", "answer": "dim", "note": "dim"}
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(width=15, justify="right", style=COLOURS[event.role])
        line.add_column(style=style.get(event.kind, ""))
        line.add_row(Text(event.role), Text(words_of(logged)))
        self._console.print(line)

    def _footer(self) -> RenderableType:
        now = time.time()
        rows: list[RenderableType] = [
            Spinner("dots", Text(f"{label}  {clock(now - since)}", style=COLOURS[role]))
            for label, (role, since) in self.meter.at_work.items()
        ]
        return Group(*rows, Text(self.meter.line(now), style="dim"))


def screen_for(*, as_json: bool) -> Screen:
    """The screen that fits where the output goes."""
    if as_json:
        return JsonScreen()
    console = Console()
    return LiveScreen(console) if sys.stdout.isatty() else PlainScreen()


def line_of(logged: LoggedEvent) -> str:
    """An event with its role; further lines are indented under the first."""
    return f"{logged.event.role:>15}  {words_of(logged)}".replace("\n", f"\n{'':27}")


def words_of(logged: LoggedEvent) -> str:
    """What an event says, in one line."""
    event, data = logged.event, logged.event.data
    if event.kind == "call":
        return f"asks {event.text}{' again, with the reason' if data.get('again') else ''}"
    if event.kind == "answer":
        if data["known"]:
            return f"{event.text}: known from the ledger"
        took = "recorded" if data.get("model") == RECORDED else f"{data['seconds']:.1f} s"
        tokens = f"{data['input_tokens']:,} tokens in, {data['output_tokens']:,} out"
        return f"{event.text}: {tokens}, {took}"
    if event.kind == "commit":
        files = [str(file) for file in data["files"]] if isinstance(data["files"], list) else []
        more = f" and {len(files) - 3} more" if len(files) > 3 else ""
        return f"commits: {event.text} ({', '.join(files[:3])}{more})"
    if event.kind in BEGINNINGS:
        return f"{BEGINNINGS[event.kind]}: {event.text}"
    problems = data.get("problems")
    shown = "".join(f"\n  - {p}" for p in problems) if isinstance(problems, list) else ""
    return f"{event.text}{': ' + str(data['reason']) if data.get('reason') else ''}{shown}"


def words_of_step(step: Step) -> str:
    """A step in a line: who worked, who is next."""
    by = ", ".join(step.by).replace("_", " ") or "the beginning"
    following = ", ".join(step.next).replace("_", " ") or "nobody: it is done"
    return f"step {step.number}: {by}; next: {following}"

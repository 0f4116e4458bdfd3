"""Runs as tables and logs."""

import shutil
import time
from pathlib import Path

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.markdown import Markdown

from softfactory.nodes.report import cost_line
from softfactory.service import open_service
from softfactory.terminal.attend import next_step
from softfactory.terminal.meter import clock
from softfactory.terminal.screens import JsonScreen, PlainScreen, words_of_step


async def print_runs(home: Path) -> None:
    """All runs, the newest first."""
    async with open_service(home) as service:
        found = await service.runs.all()
    if not found:
        print('No runs yet: `softfactory demo`, or `softfactory build "your idea"`')
        return
    width = shutil.get_terminal_size((160, 24)).columns
    print(f"{'run':<8}{'status':<13}{'at work':<9}{'started':<18}product, idea")
    for run in found:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        status = "interrupted" if run.status == "working" and not run.owned else run.status
        head = f"{run.id:<8}{status:<13}{clock(run.worked_s):<9}{started:<18}"
        idea = run.idea.splitlines()[0]
        line = head + (f"{run.title}: {idea}" if run.title else idea)
        print(set_cell_size(line, width).rstrip() if cell_len(line) > width else line)


async def print_run(home: Path, name: str) -> None:
    """Where one run stands, what it waits for, what it has cost."""
    async with open_service(home) as service:
        run = await service.runs.get(name)
        question = await service.question(run.id)
        calls = await service.paid(run.id)
    console = Console()
    if question:
        console.print(Markdown(question.document))
        for open_question in question.questions:
            console.print(f"? {open_question}", markup=False)
    console.print(f"{run.title or run.idea.splitlines()[0]}", style="bold", markup=False)
    console.print(cost_line(calls, "en"), style="dim")
    console.print(next_step(run), highlight=False, markup=False, soft_wrap=True)


async def print_log(home: Path, name: str, *, follow: bool, as_json: bool) -> None:
    """What has happened in a run, one event a line, and the steps of it with their numbers.

    With `follow`, what happens still; there and for programs it is events only.
    """
    screen = JsonScreen() if as_json else PlainScreen()
    async with open_service(home) as service:
        run = await service.runs.get(name)
        if follow:
            async for logged in service.follow(run.id):
                screen.show(logged)
            return
        steps = [] if as_json else await service.steps(run.id)
        for logged in await service.events.after(run.id, 0):
            while steps and steps[0].time < logged.time:
                print(f"── {words_of_step(steps.pop(0))}")
            screen.show(logged)
        for step in steps:
            print(f"── {words_of_step(step)}")

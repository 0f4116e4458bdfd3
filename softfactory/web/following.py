"""What a page shows while it is open: it follows the run, and only what is new is sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from softfactory.errors import SoftfactoryError
from softfactory.persistence.events import LoggedEvent
from softfactory.persistence.runs import Run
from softfactory.web.office import Office
from softfactory.web.view import View, things_of

PAUSE_SECONDS = 0.4
"""Between two looks, so that a fast run does not flood the page."""
LOOKS_AT_THE_END = 30
Updates = dict[Any, Any]
Panel = Callable[[View], Any]


@dataclass
class Differences:
    """Remembers what a page shows, so that only what differs is sent."""

    panels: Mapping[Any, Panel]
    shown: Updates = field(default_factory=dict)

    def of(self, view: View) -> Updates:
        """What has to be sent."""
        now = {component: panel(view) for component, panel in self.panels.items()}
        news = {c: value for c, value in now.items() if self.shown.get(c, ...) != value}
        self.shown |= news
        return news


async def views(office: Office, run: Run) -> AsyncIterator[View]:
    """A run as it stands, again whenever something has happened."""
    desk, events = office.desk, list[LoggedEvent]()
    following = desk.bulletin.follow(run.id, 0, stays=True)
    async with aclosing(following) as stream:
        async for logged in stream:
            if logged:
                events.append(logged)
                if (await office.service.events.newest([run.id]))[run.id] > logged.seq:
                    continue
            yield await look(office, run.id, events)
            await asyncio.sleep(PAUSE_SECONDS)


async def look(office: Office, name: str, events: list[LoggedEvent]) -> View:
    """A run as it stands now; at its rest, once it has been put down."""
    desk, service = office.desk, office.service
    is_ending = bool(events) and bool(events[-1].event.data.get("status"))
    for _ in range(LOOKS_AT_THE_END if is_ending else 1):
        run = await service.runs.get(name)
        at_work = desk.at_work(name) or run.owned
        if not (is_ending and at_work):
            break
        await asyncio.sleep(0.1)
    question = None if at_work else await service.question(name)
    try:
        things = await things_of(office, run, at_work=at_work)
    except SoftfactoryError:  # there is no product yet
        return View(run, at_work, tuple(events), question)
    return View(run, at_work, tuple(events), question, things)

"""Followers of runs, while the database has its moments."""

import asyncio
from collections.abc import Collection
from contextlib import aclosing

from softfactory.config import Settings
from softfactory.desk import Bulletin
from softfactory.errors import StorageTrouble
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.events import Events
from softfactory.state.events import Event
from tests import calculator
from tests.conftest import Opened


class Shaky(Events):
    """A log whose newest events can't be asked for at first."""

    asked = 0

    async def newest(self, runs: Collection[str]) -> dict[str, int]:
        """Fail twice."""
        self.asked += 1
        if self.asked < 3:
            raise StorageTrouble("the database is away")
        return await super().newest(runs)


async def test_who_follows_hears_of_news_after_the_database_was_away(
    opened: Opened, settings: Settings
) -> None:
    news = Event(kind="note", role="Company", text="news")
    async with opened(ScriptedModel(calculator.straight())) as service:
        run = await service.start(calculator.IDEA, settings)
        service.events = shaky = Shaky(service.events._database)
        bulletin = Bulletin(service, at_work=lambda _: True, still_seconds=600)
        async with aclosing(bulletin.follow(run.id)) as following:
            await anext(following)
            waiting = asyncio.ensure_future(anext(following))
            await asyncio.sleep(0.05)
            await shaky.append(run.id, news)
            heard = await waiting
    assert heard
    assert heard.event == news
    assert shaky.asked >= 3

"""The graph for LangGraph Studio and the LangGraph server, and its picture.

A server brings its own checkpoints, so the graph is handed over without any. Model, ledger,
product and sandbox are those of the command line; the model is named by `SOFTFACTORY_MODEL` and
`SOFTFACTORY_BASE_URL`.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from langchain_core.runnables import RunnableConfig

from softfactory.config import Settings, home
from softfactory.graph.company import GRAPH_VERSION, Company, company
from softfactory.graph.staff import Tools, staff
from softfactory.models.ledger import Ledger
from softfactory.models.model import Model
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.calls import Calls
from softfactory.persistence.database import open_database
from softfactory.product.repository import Repository
from softfactory.prompts import load_all
from softfactory.sandbox import Environments, choose_sandbox
from softfactory.service import open_service
from softfactory.state.events import Event


@asynccontextmanager
async def graph(config: RunnableConfig) -> AsyncIterator[Company]:
    """The company for a thread of the server; without a thread, one that can only be drawn."""
    thread = config.get("configurable", {}).get("thread_id")
    if not thread:
        async with _drawn() as drawn:
            yield drawn
        return
    folder = await asyncio.to_thread(home)
    settings = Settings(
        model=os.environ.get("SOFTFACTORY_MODEL", ""),
        base_url=os.environ.get("SOFTFACTORY_BASE_URL", ""),
        folder=str(folder / "studio"),
    )
    await asyncio.to_thread(load_all)
    async with open_service(folder) as service:
        run = await service.runs.ensure(str(thread), "", settings, GRAPH_VERSION)
        yield await asyncio.to_thread(service.company_of, run)


async def picture() -> str:
    """The process as a Mermaid flowchart, with the inside of engineering."""
    async with _drawn() as drawn:
        return drawn.compile().get_graph(xray=1).draw_mermaid()


@asynccontextmanager
async def _drawn() -> AsyncIterator[Company]:
    """A company whose tools are stand-ins: nothing is opened, asked or written."""

    async def tell(_: Event) -> None:
        return None

    async with open_database(None) as database:
        tools = Tools(
            model=Model(ScriptedModel({}), Ledger(Calls(database), "drawing"), tell),
            product=Repository(home() / "products" / "drawing.git", "drawing"),
            sandbox=choose_sandbox,
            environments=Environments(home()),
            search=None,
            speech=None,
            tell=tell,
        )
        yield company(staff(tools, Settings()))

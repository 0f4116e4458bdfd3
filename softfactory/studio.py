"""The graph for LangGraph Studio and the LangGraph server, and its picture.

A server brings its own checkpoints, so the graph is handed over without any. Model, ledger,
product and sandbox are those of the command line; the model is named in the form of settings, or
by `SOFTFACTORY_MODEL` and `SOFTFACTORY_BASE_URL`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast, get_args

from langchain_core.runnables import RunnableConfig
from langgraph_sdk.runtime import ServerRuntime
from pydantic import BaseModel, Field, create_model

from softfactory.config import RoleKey, Settings, home
from softfactory.graph.company import GRAPH_VERSION, Company, company
from softfactory.graph.staff import Tools, hire
from softfactory.models.ledger import Ledger
from softfactory.models.model import Model
from softfactory.models.scripted import ScriptedModel
from softfactory.persistence.calls import Calls
from softfactory.persistence.database import open_database
from softfactory.product.repository import Repository
from softfactory.prompts import load_all
from softfactory.sandbox import Environments, choose_sandbox
from softfactory.service import Service, open_service
from softfactory.state.events import Event

NODES: dict[RoleKey, str] = {
    role: "engineering" if role in ("engineer", "code_reviewer") else role
    for role in get_args(RoleKey)
}
"""Where in the picture a role is at work."""


def _field(description: str, nodes: list[str], **extra: str) -> Any:
    about: dict[str, Any] = {"langgraph_nodes": nodes, **extra}
    return (str, Field(default="", description=description, json_schema_extra=about))


Choices: type[BaseModel] = create_model(
    "Choices",
    __doc__="What can be chosen for a run in Studio; what is empty stays as it was.",
    model=_field("The model: NAME or PROVIDER:NAME.", list(dict.fromkeys(NODES.values()))),
    base_url=_field("An OpenAI-compatible endpoint.", list(dict.fromkeys(NODES.values()))),
    **{f"{role}_model": _field("Its own model.", [node]) for role, node in NODES.items()},
    **{
        f"{role}_words": _field("What it is to heed.", [node], langgraph_type="prompt")
        for role, node in NODES.items()
    },
)


@asynccontextmanager
async def graph(config: RunnableConfig, runtime: ServerRuntime[Any]) -> AsyncIterator[Company]:
    """The company for a thread of the server; without a thread, one that can only be drawn."""
    thread = config.get("configurable", {}).get("thread_id")
    if not thread:
        async with _drawn() as drawn:
            yield _with_form(drawn)
        return
    await asyncio.to_thread(load_all)
    execution = runtime.execution_runtime
    chosen = Choices.model_validate((execution and execution.context) or {}).model_dump()
    folder = await asyncio.to_thread(home)
    async with open_service(folder) as service:
        first = _changed(Settings(folder=str(folder / "studio")), dict(_environment()))
        run = await service.runs.ensure(str(thread), "", first, GRAPH_VERSION)
        settings = _changed(run.settings, chosen)
        if settings != run.settings:
            await service.runs.set_settings(run.id, settings)
        if execution:
            await _say(service, run.id, chosen)
        current = await service.runs.get(run.id)
        yield _with_form(await asyncio.to_thread(service.company_of, current))


def _environment() -> Iterator[tuple[str, str]]:
    for name in ("model", "base_url"):
        yield name, os.environ.get(f"SOFTFACTORY_{name.upper()}", "")


def _changed(settings: Settings, chosen: Mapping[str, str]) -> Settings:
    """Settings with what was chosen; a field left empty changes nothing."""
    own = {role: chosen[f"{role}_model"] for role in NODES if chosen.get(f"{role}_model")}
    named = {name: chosen[name] for name in ("model", "base_url") if chosen.get(name)}
    return settings.model_copy(update={**named, "roles": {**settings.roles, **own}})


async def _say(service: Service, run: str, chosen: Mapping[str, str]) -> None:
    """Tell the roles what the form says, once."""
    said = [
        (e.event.text, e.event.data.get("to")) for e in await service.events.of_kind(run, "said")
    ]
    for role in NODES:
        words = chosen[f"{role}_words"].strip()
        if words and (words, role) not in said:
            await service.say(run, words, role)


def _with_form(company: Company) -> Company:
    company.context_schema = cast("type[None]", Choices)
    return company


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
        yield company(hire(tools, Settings()))

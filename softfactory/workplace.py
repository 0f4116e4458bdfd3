"""Where runs are worked on: who is hired with which tools, and where products land."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from langgraph.graph.state import CompiledStateGraph

from softfactory.config import Settings, database_url
from softfactory.errors import FolderTaken, UsageError
from softfactory.graph.company import Company, company
from softfactory.graph.staff import Staff, Tools, hire
from softfactory.graph.thread import Thread, step_key
from softfactory.models.choice import chat_model
from softfactory.models.ledger import Ledger
from softfactory.models.model import Model
from softfactory.models.port import ChatModel, Reply
from softfactory.models.prices import Prices, known_prices, price_of
from softfactory.models.purse import Purse
from softfactory.persistence.calls import Calls
from softfactory.persistence.checkpoints import Fenced
from softfactory.persistence.endpoints import Endpoints
from softfactory.persistence.events import Events
from softfactory.persistence.requests import Requests
from softfactory.persistence.runs import Run, Runs
from softfactory.persistence.shelf import Shelf
from softfactory.persistence.words import Words
from softfactory.product.folders import free_folder, out_of_reach, refuse_foreign
from softfactory.product.hands import Folder, Hands
from softfactory.product.publishing import Publishing
from softfactory.product.repository import Change, Repository
from softfactory.sandbox import Environments, Sandbox, Turns, choose_sandbox
from softfactory.state.events import Event, RoleName
from softfactory.tools.search import Search, configured_search
from softfactory.tools.speech import Speech, configured_speech


@dataclass(frozen=True)
class Outside:
    """What the company reaches in the world; by default as the environment says."""

    models: Callable[[Settings, Endpoints], ChatModel] = chat_model
    search: Callable[[], Search | None] = lambda: configured_search(os.environ)
    speech: Callable[[], Speech | None] = lambda: configured_speech(os.environ)
    sandbox: Callable[[bool], Awaitable[Sandbox]] = lambda unsafe: choose_sandbox(
        unsafe_local=unsafe
    )
    database: Callable[[], str] = database_url
    """The address of a PostgreSQL database; empty: files below the data folder."""


@dataclass(frozen=True)
class Records:
    """What is kept of runs."""

    runs: Runs
    events: Events
    calls: Calls
    endpoints: Endpoints
    words: Words
    checkpoints: Fenced
    shelf: Shelf
    requests: Requests


@dataclass(frozen=True)
class Workplace:
    """Everything in this process that runs are worked on with."""

    home: Path
    records: Records
    outside: Outside
    on_the_wire: dict[str, set[asyncio.Task[Reply]]] = field(default_factory=dict)
    """By run: model calls that are being answered."""
    _sandboxes: dict[bool, Sandbox] = field(default_factory=dict)
    _probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def staff_of(self, run: Run, purse: Purse | None = None) -> Staff:
        """Everybody who works on a run, with all their tools."""

        async def tell(event: Event) -> None:
            await self.records.events.append(run.id, event)
            if event.kind == "named":
                await self.place(run, str(event.data["name"]), event.text)

        async def saved(change: Change) -> None:
            files = sorted(change.files)
            await self.tell(run.id, "commit", change.summary, role=change.role, files=files)
            self.publishing.soon(run.id)

        tools = Tools(
            model=Model(
                chat=self.chat_model(run.settings),
                ledger=Ledger(self.records.calls, run.id, run.settings.price, self.prices),
                tell=tell,
                purse=purse or Purse(),
                on_the_wire=self.calls_of(run),
                hear=lambda role: self.records.words.heard(run.id, step_key(), role),
            ),
            product=Repository(
                self.kept(run.id), run.id, saved, lambda: self.records.runs.check(run.id)
            ),
            sandbox=lambda: self.sandbox(run.settings),
            environments=Environments(self.home),
            search=self.outside.search(),
            speech=self.outside.speech(),
            tell=tell,
        )
        return hire(tools, run.settings)

    def company_of(self, run: Run) -> Company:
        """The company with a run's staff in it."""
        return company(self.staff_of(run))

    def thread(self, run: Run, purse: Purse | None = None) -> Thread:
        """The run's thread through the company."""
        return Thread(self._company, run.id, self.staff_of(run, purse))

    @cached_property
    def _company(self) -> CompiledStateGraph[Any, Any, Any, Any]:
        """The company for all runs: drawing and compiling it takes longer than many a step."""
        return company().compile(checkpointer=self.records.checkpoints)

    def calls_of(self, run: Run) -> set[asyncio.Task[Reply]]:
        """Model calls of a run that are being answered."""
        return self.on_the_wire.setdefault(run.id, set())

    def product(self, run: Run) -> Repository:
        """The run's product, to be looked at or changed by the human."""
        return Repository(
            self.kept(run.id), run.id, may_write=lambda: self.records.runs.check(run.id)
        )

    async def hands(self, run: Run) -> Hands:
        """What the human changes in the run's folder."""
        out, product = (await self.records.runs.get(run.id)).out, self.product(run)
        usable = bool(out) and await asyncio.to_thread(product.folder.exists)
        usable = usable and not await asyncio.to_thread(out_of_reach, Path(out))
        return Hands(product, Folder(product, Path(out)) if usable else None)

    def chat_model(self, settings: Settings) -> ChatModel:
        """The models that the settings name, with what was learned of their endpoints."""
        return self.outside.models(settings, self.records.endpoints)

    def refuse_unpriced(self, settings: Settings) -> None:
        """Refuse a budget in dollars for a model whose price is unknown: it could not be kept."""
        if settings.price or settings.budget is None or settings.budget.unit == "tokens":
            return
        chat = self.chat_model(settings)
        for name in {chat.model_for(role) for role in get_args(RoleName)}:
            if price_of(self.prices, name) is None:
                raise UsageError(
                    f"the price of {name!r} is unknown, so a budget in dollars can't be kept: "
                    "give --price IN/OUT, or a budget in tokens, as --budget 200k"
                )

    async def sandbox(self, settings: Settings) -> Sandbox:
        """The sandbox of this machine, probed once."""
        unsafe = settings.unsafe_local
        async with self._probing:
            if unsafe not in self._sandboxes:
                self._sandboxes[unsafe] = Turns(await self.outside.sandbox(unsafe))
        return self._sandboxes[unsafe]

    async def refuse_taken(self, settings: Settings) -> None:
        """Refuse a folder that can't be written or belongs to something else.

        Raises:
            FolderTaken: also if another run will deliver, or has delivered, to it.
        """
        if not settings.out:
            await refuse_foreign(Path(settings.folder) / "product", run="")
            return
        await refuse_foreign(Path(settings.out), run="")
        for other in await self.records.runs.all():
            if other.settings.out == settings.out and other.status != "failed":
                raise FolderTaken(f"run {other.id} delivers to {settings.out!r}; choose another")

    @cached_property
    def publishing(self) -> Publishing:
        """Brings the users' folders up to date."""

        async def folder_of(run_id: str) -> Folder | None:
            run = await self.records.runs.get(run_id)
            return Folder(self.product(run), Path(run.out)) if run.out else None

        return Publishing(folder_of)

    async def tell(
        self, run: str, kind: Any, text: str, *, role: Any = "Company", **data: Any
    ) -> None:
        """Put an event into a run's log."""
        await self.records.events.append(run, Event(kind=kind, role=role, text=text, data=data))

    @property
    def prices(self) -> Prices:
        """What models cost, as far as it is known."""
        return known_prices(self.home / "prices.json")

    def kept(self, run: str) -> Path:
        """Where the product of a run is kept."""
        return self.home / "products" / f"{run}.git"

    async def place(self, run: Run, name: str, title: str) -> None:
        """Decide where the product lands, once its name is known."""
        if (await self.records.runs.get(run.id)).out:
            return
        chosen, base = run.settings.out, Path(run.settings.folder)
        out = Path(chosen) if chosen else await free_folder(base, name, run.id)
        await self.records.runs.set_product(run.id, title, out)

"""`softfactory serve` and `softfactory studio`: the doors for programs, browsers and Studio."""

import importlib.util
import json
import os
import socket
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from softfactory.config import Settings, home, models_of
from softfactory.errors import UsageError
from softfactory.terminal.options import BaseUrl, Model, PriceOption, price_from

if TYPE_CHECKING:
    from fastapi import FastAPI

QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
}
"""Gradio tells nobody about its use, and keeps no account of it (with pandas, at every event)."""


def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; beyond loopback only with SOFTFACTORY_TOKENS.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8750,
    model: Model = None,
    base_url: BaseUrl = "",
    price: PriceOption = "",
    most: Annotated[int, typer.Option(min=1, help="Runs that are worked on at once.")] = 16,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with runs that were interrupted.")
    ] = False,
) -> None:
    """Serve the HTTP API, and the page at /ui."""
    try:
        from softfactory.api import Limits, ServerSettings, create_app, server, tokens_from
    except ImportError as error:
        raise UsageError(
            f"`serve` needs {error.name!r}: `pip install 'softfactory[serve]'` brings it"
        ) from error
    settings = ServerSettings(
        tokens=tokens_from(os.environ.get("SOFTFACTORY_TOKENS", "")),
        host=host,
        limits=Limits(most, max(1, most // 2)),
        defaults=Settings(
            **models_of(model or []),
            base_url=base_url,
            price=price_from(price),
        ),
        resume=resume,
    )
    app = create_app(home(), settings)
    add_page(app)
    server.serve(app, server.bound(host, port))


def add_page(app: "FastAPI") -> None:
    """Put the page for people beside the API of an application."""
    os.environ |= QUIET
    # The API's modules are there only with the extra `serve`.
    from softfactory.api import preview, runs, schemas
    from softfactory.api.settings import digest
    from softfactory.web.office import Office
    from softfactory.web.porch import add_porch

    settings = app.state.settings

    async def create(order: Mapping[str, Any], holder: str | None) -> str:
        new = schemas.NewRun.model_validate(order)
        return (await runs.create_run(new, app.state.desk, settings, holder)).id

    def address(run: str, path: str) -> str:
        return f"/preview/{run}/{preview.ticket_for(app.state.secret, run)}/{quote(path)}"

    def enter(name: str, token: str) -> bool:
        holder = settings.tokens.get(digest(token))
        return holder is not None and name in (holder, token)

    office = Office(
        desk_now=lambda: app.state.desk,
        create=create,
        address=address,
        default_model=settings.defaults.model,
        enter=enter if settings.tokens else None,
        holders=lambda name: settings.tokens.get(digest(name), name),
    )
    add_porch(app, office)


def studio(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 2024,
    browser: Annotated[
        bool, typer.Option("--browser", help="Open LangGraph Studio, a page on the internet.")
    ] = False,
) -> None:
    """Serve the graph to LangGraph Studio and the LangGraph SDK, on this machine."""
    if importlib.util.find_spec("langgraph_cli") is None:
        raise UsageError("`studio` needs the LangGraph server: `pip install 'softfactory[studio]'`")
    _refuse_taken(port)
    folder = home() / "studio-server"
    folder.mkdir(parents=True, exist_ok=True)
    graphs = {"company": {"path": "softfactory.studio:graph", "description": "One idea in."}}
    configuration = folder / "langgraph.json"
    configuration.write_text(json.dumps({"dependencies": ["."], "graphs": graphs}))
    words = ["dev", "--no-reload", "--host", "127.0.0.1", "--port", str(port)]
    words += [] if browser else ["--no-browser"]
    os.chdir(folder)  # the server keeps its threads where it is started
    # The server compiles the graph where our list of documents is not known, and reads them back.
    known = {name: text for name, text in os.environ.items() if name != "LANGGRAPH_STRICT_MSGPACK"}
    os.execve(  # noqa: S606 - our own interpreter, no shell
        sys.executable,
        [sys.executable, "-m", "langgraph_cli", *words, "--config", str(configuration)],
        known,
    )


def _refuse_taken(port: int) -> None:
    """The LangGraph server would silently take another port."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(f"--port {port}: {error.strerror}; choose another one") from error

"""`softfactory serve`: the doors for programs and browsers, in one process."""

import os
from typing import Annotated

import typer

from softfactory.config import Settings, home, models_of
from softfactory.errors import UsageError
from softfactory.terminal.options import BaseUrl, Model, PriceOption, price_from


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
    """Serve the HTTP API."""
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
    server.serve(create_app(home(), settings), server.bound(host, port))

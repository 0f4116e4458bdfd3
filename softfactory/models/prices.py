"""What tokens cost: a bundled table, and a file of the user's that goes before it."""

import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from softfactory.config import Price
from softfactory.errors import UsageError

Prices = Mapping[str, Price]
TABLE = TypeAdapter(dict[str, Price])


def known_prices(user_file: Path) -> Prices:
    """Prices by the name of the model, or the beginning of it.

    Raises:
        UsageError: the user's file is not a table of prices.
    """
    text = files("softfactory.models").joinpath("prices.json").read_text("utf-8")
    bundled = TABLE.validate_python(json.loads(text)["dollars_per_million_tokens"])
    if not user_file.exists():
        return bundled
    try:
        return bundled | TABLE.validate_json(user_file.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{str(user_file)!r} is no table of prices: "
            '{"my-model": {"input": 0.5, "output": 1.5}} in dollars per million tokens is one'
        ) from error


def price_of(prices: Prices, model: str) -> Price | None:
    """The price of a model; None if it is unknown, which is never the same as nothing.

    A dated name, as gpt-4.1-2025-04-14, costs what its longest known beginning costs.
    """
    bare = model.rsplit("/", 1)[-1]
    known = [name for name in prices if bare == name or bare.startswith(f"{name}-20")]
    return prices[max(known, key=len)] if known else None

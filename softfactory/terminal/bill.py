"""What runs cost and what models there are, as tables."""

import os
from pathlib import Path

from softfactory.models.costs import COLUMNS, Cost, bill, total
from softfactory.models.presets import PRESETS, Preset, key_variables
from softfactory.models.prices import known_prices
from softfactory.service import open_service
from softfactory.terminal.columns import print_columns
from softfactory.terminal.meter import clock

HEAD = (*COLUMNS, "time", "repeated")


async def print_cost(home: Path, name: str) -> None:
    """A line for each role and skill, and the sum."""
    async with open_service(home) as service:
        calls = await service.paid(name)
    rows = [HEAD, *map(_row, bill(calls)), _row(total(calls))]
    print_columns(rows, right=range(2, len(HEAD)))
    print("\nin, cached, out: tokens; repeated: share of prompts that earlier ones began with")


def print_models(home: Path) -> None:
    """Providers and prices."""
    print_columns([("provider", "address", "key"), *map(_provider, PRESETS.values())])
    print("\nDollars per million tokens (your own: prices.json in the data folder):")
    prices = known_prices(home / "prices.json")
    rows = [
        (name, f"{p.input:g}", "" if p.cached is None else f"{p.cached:g}", f"{p.output:g}")
        for name, p in sorted(prices.items())
    ]
    print_columns([("model", "in", "cached", "out"), *rows], right=(1, 2, 3))


def _row(cost: Cost) -> tuple[str, ...]:
    return (*cost.cells("unknown"), clock(cost.seconds), f"{cost.repeated:.0%}")


def _provider(preset: Preset) -> tuple[str, ...]:
    found = next((name for name in key_variables(preset) if os.environ.get(name)), "")
    missing = " or ".join(preset.keys) if preset.needs_key else "none needed"
    return (preset.name, preset.base_url or "--base-url", f"✓ {found}" if found else missing)

"""What a command-line calculator costs when every model call takes a second.

    uv run python -m bench.calculator

Prints calls, prompt tokens (characters / 4), wall clock and the share of prompt tokens that repeat
the beginning of an earlier prompt of the same run, for a run in which nothing goes wrong and for
one in which static checks, review and tests each send work back.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from softfactory.config import Settings
from softfactory.models.scripted import ScriptedModel
from softfactory.service import open_service
from softfactory.workplace import Outside
from tests import calculator

SECONDS_PER_CALL = 1.0


async def measured(name: str, script: calculator.Script) -> str:
    """A row of the table for one script."""
    with tempfile.TemporaryDirectory() as folder:
        model = ScriptedModel(script, seconds=SECONDS_PER_CALL)
        async with open_service(Path(folder) / "home", Outside(lambda *_: model)) as service:
            settings = Settings(model="scripted", gates=(), folder=folder)
            run = await service.start(calculator.IDEA, settings)
            started = time.monotonic()
            run = await service.work(run.id)
            seconds = time.monotonic() - started
    prompts = ["".join(m["content"] for m in request.messages) for request in model.asked]
    tokens = sum(map(len, prompts)) // 4
    repeated = sum(_repeated(prompts[:n], prompt) for n, prompt in enumerate(prompts)) // 4
    return (
        f"| {name} | {run.status} | {len(prompts)} | {tokens:,} | {seconds:.1f} s | "
        f"{repeated / tokens:.0%} |"
    )


def _repeated(earlier: list[str], prompt: str) -> int:
    """Characters at the beginning of a prompt that some earlier prompt began with, too."""
    return max((_shared(known, prompt) for known in earlier), default=0)


def _shared(left: str, right: str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(left), len(right)))


async def main() -> None:
    print("| run | ends | calls | prompt tokens | wall clock | repeated prefix |")
    print("|---|---|---|---|---|---|")
    print(await measured("nothing goes wrong", calculator.straight()))
    print(await measured("four times sent back", calculator.eventful()))


if __name__ == "__main__":
    asyncio.run(main())

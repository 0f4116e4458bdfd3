"""What this machine lacks for a real run, each with the line that mends it."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from softfactory.config import Settings
from softfactory.errors import ModelError, SoftfactoryError, UsageError
from softfactory.models.answers import DocumentReader
from softfactory.models.choice import chat_model
from softfactory.models.code_edits import AnswerProblem
from softfactory.models.port import ChatModel, Request
from softfactory.prompts import render
from softfactory.sandbox import choose_sandbox
from softfactory.state.documents import Spoken

PATIENCE_SECONDS = 60
Check = Callable[[], Awaitable[str]]
"""What was found; raises SoftfactoryError with the way to mend it."""
PROGRAMS = {
    "git": ("git", "apt-get install git"),
    "Node.js": ("node", "apt-get install nodejs (products in JavaScript are tested with it)"),
    "Chromium": ("chromium", "apt-get install chromium (web pages are opened in it)"),
    "Xvfb": ("Xvfb", "apt-get install xvfb (programs with a window are opened on it)"),
    "espeak-ng": ("espeak-ng", "apt-get install espeak-ng (only for --speak without Azure)"),
}
NEEDED = {"git", "sandbox", "model", "answer"}


async def diagnose(home: Path, settings: Settings) -> int:
    """Print a line for each check; exit code 0 if a real run can be made."""
    checks: dict[str, Check] = {"data folder": lambda: _writable(home)}
    checks |= {name: _program(*command) for name, command in PROGRAMS.items()}
    checks["sandbox"] = _sandbox
    lacking = [name for name, check in checks.items() if not await _told(name, check)]
    lacking += await _model(settings)
    return 1 if NEEDED & set(lacking) else 0


async def _model(settings: Settings) -> list[str]:
    """The checks of the model: one short question answers for address, key, name and form."""
    if not settings.model:
        print("✗ model       none named: --model NAME, and --base-url URL unless it is OpenAI's")
        return ["model"]
    try:
        model = chat_model(settings)
        model.ready("")
    except SoftfactoryError as error:
        print(f"✗ model       {error}")
        return ["model"]
    return [] if await _told("model", lambda: _answers(model)) else ["model"]


async def _told(name: str, check: Check) -> bool:
    try:
        found = await check()
    except SoftfactoryError as error:
        print(f"✗ {name:<12}{error}")
        return False
    print(f"✓ {name:<12}{found}")
    return True


def _program(command: str, mend: str) -> Check:
    async def check() -> str:
        found = await asyncio.to_thread(shutil.which, command)
        if not found:
            raise UsageError(f"missing: {mend}")
        return found

    return check


async def _writable(home: Path) -> str:
    try:
        await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{error}: set SOFTFACTORY_HOME to a folder of yours") from error
    return str(home)


async def _sandbox() -> str:
    return (await choose_sandbox()).isolation


async def _answers(model: ChatModel) -> str:
    reader = DocumentReader(Spoken)
    words = f"Say hello in one sentence.\n\n{reader.instructions()}"
    messages = [
        {"role": "system", "content": render("parts/company")},
        {"role": "user", "content": words},
    ]
    started = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            reply = await model.reply(Request("azure_tts", "", messages, reader.schema))
        reader.read(reply.text)
    except TimeoutError as error:
        raise ModelError(f"no answer within {PATIENCE_SECONDS} seconds") from error
    except AnswerProblem as problem:
        raise ModelError(f"it answers, but not in the asked form: {problem}") from problem
    seconds = time.monotonic() - started
    return f"{reply.model} answers in the asked form, {seconds:.1f} s"

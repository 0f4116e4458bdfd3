"""What the documentation says is compared with the real thing.

`UPDATE_DOCS=1 make test` puts the picture and the commands into the documents anew.
"""

import asyncio
import os
import re
import shlex
from pathlib import Path
from typing import get_args

import pytest
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from softfactory.api import create_app
from softfactory.api.problems import OF_THE_FRAMEWORK, STATUS, code_of
from softfactory.cli import app
from softfactory.config import read_settings, settings_of
from softfactory.models.presets import preset_for
from softfactory.prompts import SKILLS
from softfactory.state.events import RoleName
from softfactory.studio import picture
from tests.command import Terminal

ROOT = Path(__file__).resolve().parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
DOCUMENTS = [*READMES, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
UPDATE = bool(os.environ.get("UPDATE_DOCS"))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.M)


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_picture_of_the_graph_is_the_graph(path: Path) -> None:
    text, mermaid = path.read_text("utf-8"), asyncio.run(picture()).strip()
    drawn = f"<!-- graph -->\n```mermaid\n{mermaid}\n```\n<!-- /graph -->"
    pattern = re.compile(r"<!-- graph -->.*<!-- /graph -->", re.DOTALL)
    if UPDATE:
        path.write_text(pattern.sub(lambda _: drawn, text), "utf-8")
        text = path.read_text("utf-8")
    assert pattern.findall(text) == [drawn]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_in_the_documents_is_one_that_exists(path: Path) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    for line in "\n".join(blocks(path, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert set(words[1:]) <= set(targets), line
        if words[:1] == ["softfactory"]:
            _parse(words[1:])


def test_the_settings_files_in_the_documents_are_read(tmp_path: Path) -> None:
    examples = [example for path in DOCUMENTS for example in blocks(path, "toml")]
    for example in examples:
        file = tmp_path / "softfactory.toml"
        file.write_text(example, "utf-8")
        settings = settings_of({}, read_settings(file))
        for model in (settings.model, *settings.roles.values()):
            assert preset_for(model, settings.base_url, {}).preset.name == model.split(":")[0]
    assert len(examples) == 3
    assert blocks(READMES[0], "toml") == blocks(READMES[1], "toml")


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.name)
def test_the_test_command_of_the_readme_is_what_continuous_integration_runs(path: Path) -> None:
    [command] = re.findall(r"^(make check.*?) *#", "\n".join(blocks(path, "sh")), re.M)
    assert _read(".ci/run").splitlines()[-1] == command


def test_the_command_line_document_holds_every_command_and_option() -> None:
    path = ROOT / "docs" / "command-line.md"
    written = _command_line()
    if UPDATE:
        path.write_text(written, "utf-8")
    assert path.read_text("utf-8") == written


@pytest.mark.parametrize("name", ["api.md", "api.zh-CN.md"])
def test_the_operations_in_the_api_documents_are_those_of_the_api(name: str) -> None:
    path = ROOT / "docs" / name
    text, rows = path.read_text("utf-8"), _operations()
    drawn = f"<!-- operations -->\n{rows}\n<!-- /operations -->"
    pattern = re.compile(r"<!-- operations -->.*<!-- /operations -->", re.DOTALL)
    if UPDATE:
        path.write_text(pattern.sub(lambda _: drawn, text), "utf-8")
        text = path.read_text("utf-8")
    assert pattern.findall(text) == [drawn]


@pytest.mark.parametrize("name", ["api.md", "api.zh-CN.md"])
def test_the_api_documents_hold_the_code_of_every_problem(name: str) -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "softfactory/api").glob("*.py"))
    codes = set(re.findall(r'(?:RequestRefused|problem)\(\s*\d+,\s*"(\w+)"', sources))
    codes |= {code_of(kind) for kind, _ in STATUS} | set(OF_THE_FRAMEWORK.values())
    assert {"no_token", "gate_gone", "internal_error", "no_such_path"} <= codes
    assert codes <= set(re.findall(r"`(\w+)`", _read(f"docs/{name}")))


def test_the_table_of_skills_is_complete_and_names_real_roles() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", _read("docs/architecture.md"), re.M)
    assert sorted(skill for skill, _ in rows) == sorted(SKILLS)
    assert {role for _, role in rows} <= set(get_args(RoleName))


def test_the_exit_codes_in_the_readme_are_those_of_the_program() -> None:
    from softfactory.terminal.attend import EXIT_CODES

    told = "0 delivered, 1 failed, 2 wrong usage, 3 waits for you (at a gate,"
    assert told in _read("README.md")
    assert EXIT_CODES["delivered"] == 0
    assert EXIT_CODES["failed"] == 1
    assert EXIT_CODES["waiting"] == 3
    assert EXIT_CODES["limit"] == EXIT_CODES["paused"] == 4


@pytest.mark.slow
def test_the_excerpt_in_the_readme_is_what_the_demo_prints(tmp_path: Path) -> None:
    done = Terminal(tmp_path).run("demo")
    assert done.code == 0, done.out + done.err
    for path in READMES:
        [excerpt] = blocks(path, "text")
        for line in excerpt.splitlines():
            assert line.strip() in done.out


def test_no_document_points_to_a_file_that_is_not_there() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def _read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def _operations() -> str:
    """A row for each operation of the API."""
    rows = ["| | |", "|---|---|"]
    for path, methods in create_app(ROOT).openapi()["paths"].items():
        for method, operation in methods.items():
            about = operation["description"].splitlines()[0]
            rows.append(f"| `{method.upper()} {path}` | {about} |")
    return "\n".join(rows)


def _commands() -> dict[str, TyperCommand]:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return {name: c for name, c in group.commands.items() if isinstance(c, TyperCommand)}


def _parse(words: list[str]) -> None:
    """Parse a command line as the program would, without doing anything."""
    _commands()[words[0]].make_context(words[0], words[1:]).close()


def _command_line() -> str:
    parts = ["# The command line\n", f"{app.info.help}\n"]
    for name, command in _commands().items():
        arguments = [p for p in command.params if isinstance(p, TyperArgument)]
        options = [p for p in command.params if isinstance(p, TyperOption) and p.help]
        usage = [p.metavar or str(p.name).upper() for p in arguments]
        parts.append(f"## `{' '.join(['softfactory', name, *usage])}`\n\n{command.help}\n")
        rows = [f"| `{u}` | {p.help} |" for u, p in zip(usage, arguments, strict=True)]
        rows += [f"| `{'/'.join(option.opts)}` | {option.help} |" for option in options]
        if rows:
            parts.append("\n".join(["| | |", "|---|---|", *rows]) + "\n")
    return "\n".join([*parts, _SETTINGS, _ENVIRONMENT])


_SETTINGS = """## Settings file

`softfactory.toml` in the folder where a command is given, or else in the user's config folder
(`~/.config/softfactory`); one of them counts, never both. `build` and `doctor` read it and name it
on stderr. What is typed wins over the environment, and that over the file.

```toml
model = "deepseek:deepseek-chat"          # as --model; asked for every role that has none below
base_url = ""                             # as --base-url
budget = "200k"                           # as --budget
price = { input = 0.27, output = 1.10 }   # as --price: of all models; better leave it to the tables
gates = ["prd", "design"]                 # as --gates; [] is --yes
thorough = false
speak = false
out = "./product"

[roles]                                   # as --model ROLE=...
product_manager = "moonshot:kimi-k2"
architect = "gemini:gemini-2.5-pro"
project_manager = "zhipu:glm-4.6"
engineer = "openai:gpt-5"
code_reviewer = "dashscope:qwen-plus"
qa_engineer = "deepseek:deepseek-chat"
```

All keys may be left out. A `--model` or `SOFTFACTORY_MODEL` that names the run's model replaces
`model`, `base_url` and `[roles]` together, so that no key is sent to an address that was meant for
another model. A run keeps its settings: `resume` and `answer` do not read the file again. Keys of
providers and `unsafe_local` do not belong in it. In a folder that is not yours, look at its
`base_url` before you build: your key goes there.
"""

_ENVIRONMENT = """## Environment

| | |
|---|---|
| `SOFTFACTORY_HOME` | The data folder (`~/.local/share/softfactory`): runs, ledger, products. |
| `SOFTFACTORY_DATABASE_URL` | `postgresql://...`, instead of files; the extra `postgres`. |
| `SOFTFACTORY_MODEL`, `SOFTFACTORY_BASE_URL` | Instead of `--model` and `--base-url`. |
| `OPENAI_API_KEY` and others | The providers' keys: `softfactory models` lists them. |
| `SOFTFACTORY_API_KEY` | The key for an address of your own (`--base-url`), or where none is set. |
| `SOFTFACTORY_TOKENS` | Who may use `serve`: `NAME:TOKEN`, separated by commas. |
| `SOFTFACTORY_SEARCH` | `ddgs`, `tavily` (with `TAVILY_API_KEY`) or the address of a SearXNG. |
| `AZURE_SPEECH_KEY`, `AZURE_SPEECH_REGION` | Speech for `--speak`; `espeak-ng` is used without. |
| `VISUAL`, `EDITOR` | The editor for `answer RUN edit`. |

Exit codes: 0 delivered, 1 failed, 2 wrong usage, 3 waits for you (at a gate, or because you stopped
it), 4 stopped by a limit (rounds, budget, or a model that can't be reached).
"""

"""Prompts: one Markdown file per skill, filled with `string.Template`.

A prompt begins with what does not change during a run and ends with what does, so that the
prefix caches of providers work: `parts/company.md` for all calls, then the dossier of the run,
then the task.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from string import Template
from typing import Literal, get_args

from softfactory.state.events import RoleName

SkillName = Literal[
    "analyze_dep_libs",
    "azure_tts",
    "debug_error",
    "design_api",
    "design_api_review",
    "design_filenames",
    "project_management",
    "run_code",
    "search_and_summarize",
    "write_code",
    "write_code_review",
    "write_prd",
    "write_prd_review",
    "write_test",
]
SKILLS: tuple[SkillName, ...] = get_args(SkillName)


@dataclass(frozen=True)
class Prompt:
    """A question to a model, before the form of the answer is added to it."""

    skill: SkillName
    role: RoleName
    text: str
    subject: str = ""
    """What it is about, for people who watch: a package, a round."""
    printed: tuple[str, ...] = field(default=())
    """Parts of the text that running programs printed: they may differ between machines."""


@cache
def template(name: str) -> Template:
    """The text of a prompt file, by its path below this folder without the suffix."""
    return Template(files("softfactory.prompts").joinpath(f"{name}.md").read_text("utf-8"))


def load_all() -> None:
    """Read every prompt file now, for hosts that forbid reading files later."""
    for folder in ("", "parts/"):
        for file in files("softfactory.prompts").joinpath(folder).iterdir():
            if file.name.endswith(".md"):
                template(folder + file.name.removesuffix(".md"))


def render(name: str, **values: str) -> str:
    """Fill a prompt file; a missing variable is a `KeyError`."""
    return template(name).substitute(values).strip() + "\n"


def prompt(skill: SkillName, role: RoleName, *, subject: str = "", **values: str) -> Prompt:
    """The prompt of a skill. A value named `output` is text that a running program printed."""
    printed = tuple(filter(None, [values.get("output", "")]))
    return Prompt(skill, role, render(skill, **values), subject, printed)

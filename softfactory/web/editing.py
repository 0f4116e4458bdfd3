"""A gate's document as people edit it: as YAML, without what is the machine's own business."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from softfactory.errors import UsageError
from softfactory.nodes.gates import EDITABLE
from softfactory.state.gates import GateName
from softfactory.state.headings import CHINESE, ENGLISH
from softfactory.web.wording import Wording

NOT_SHOWN = ("name", "language", "size", "quadrant", "open_questions")
"""Fields of the requirements that stay as they are unless somebody writes them down."""
MOST_PROBLEMS = 3
Fields = dict[str, Any]


def editable(gate: GateName, state: Mapping[str, Any]) -> Fields | None:
    """All fields of the document that a gate is about; None where there is nothing to edit."""
    document = state.get(gate)
    if gate not in EDITABLE or document is None:
        return None
    return dict(document.model_dump(mode="json"))


def as_text(gate: GateName, fields: Fields, words: Wording) -> str:
    """Fields as people edit them."""
    headings = ENGLISH if words.language == "en" else CHINESE
    hidden = NOT_SHOWN if gate == "prd" else ()
    parts = []
    for name, value in fields.items():
        if name not in hidden:
            text = yaml.safe_dump({name: value}, allow_unicode=True, sort_keys=False, width=1000)
            parts.append(f"# {headings[name]}\n{text}" if name in headings else text)
    return "\n".join(parts)


def from_text(gate: GateName, text: str, shown: Fields, words: Wording) -> Fields:
    """The whole document as it was edited.

    Raises:
        UsageError: it does not fit; it names the line.
    """
    try:
        edited = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = words["line"].format(mark.line + 1 if mark else 1)
        raise UsageError(f"{line}: {words['unreadable']}") from error
    if not isinstance(edited, dict):
        raise UsageError(words["unreadable"])
    try:
        whole = EDITABLE[gate].model_validate({**shown, **edited})
    except ValidationError as error:
        problems = [_problem(text, problem, words) for problem in error.errors()]
        raise UsageError("; ".join(problems[:MOST_PROBLEMS])) from error
    return dict(whole.model_dump(mode="json"))


def _problem(text: str, problem: Mapping[str, Any], words: Wording) -> str:
    place = ".".join(str(part + 1 if isinstance(part, int) else part) for part in problem["loc"])
    line = words["line"].format(_line(text, problem["loc"]))
    return f"{line} ({place}): {words.said(problem['msg'])}"


def _line(text: str, place: Sequence[str | int]) -> int:
    """Where a field stands, or the last thing above it that there is."""
    node = yaml.compose(text)
    line = 1
    for part in place:
        known: Sequence[Any] = getattr(node, "value", ())
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in known if pair[0].value == part]
            if not found:
                break
            key, node = found[0]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(known):
            node = known[part]
            line = node.start_mark.line + 1
    return line

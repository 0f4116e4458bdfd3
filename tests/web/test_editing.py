"""What people edit at a gate: their part of a document, and errors that name a line."""

import pytest

from softfactory.errors import UsageError
from softfactory.web.editing import as_text, editable, from_text
from softfactory.web.wording import Wording
from tests.web import game

EN, ZH = Wording("en"), Wording("zh")
STATE = {"prd": game.PRD, "design": game.DESIGN}


def test_requirements_are_shown_with_headings_and_without_the_machinery() -> None:
    fields = editable("prd", STATE)
    assert fields is not None
    text = as_text("prd", fields, ZH)
    assert "# 用户故事\nuser_stories:" in text
    assert "quadrant" not in text
    assert "language" not in text
    assert from_text("prd", text, fields, ZH) == fields


def test_what_is_edited_is_changed_and_nothing_else() -> None:
    fields = editable("prd", STATE)
    assert fields is not None
    text = as_text("prd", fields, EN).replace("Lights Out", "Lumen").replace("- Sounds", "- Music")
    edited = from_text("prd", text, fields, EN)
    assert edited == fields | {"title": "Lumen", "out_of_scope": ["Music"]}


def test_a_design_is_edited_whole() -> None:
    fields = editable("design", STATE)
    assert fields is not None
    assert from_text("design", as_text("design", fields, EN), fields, EN) == fields


def test_a_gate_without_a_document_has_nothing_to_edit() -> None:
    assert editable("budget", STATE) is None
    assert editable("plan", STATE) is None


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("priority: P0", "priority: P9", "(requirements.1.priority): it has to be 'P0'"),
        ("title: Lights Out", "titel: Lights Out", "(titel): there is no such field"),
        ("title: Lights Out", "title:\n  - 1", "(title): it has to be text"),
        ("  priority: P0", " priority: P0", "the indentation, a dash or a colon"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(old: str, new: str, complaint: str) -> None:
    fields = editable("prd", STATE)
    assert fields is not None
    text = as_text("prd", fields, EN).replace(old, new, 1)
    number = text[: text.index(new)].count("\n") + 1
    with pytest.raises(UsageError) as refused:
        from_text("prd", text, fields, EN)
    assert f"line {number}" in str(refused.value)
    assert complaint in str(refused.value)


def test_text_that_is_no_document_is_refused_in_chinese() -> None:
    with pytest.raises(UsageError, match="缩进、短横线或冒号"):
        from_text("prd", "nothing", {}, ZH)

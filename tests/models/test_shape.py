"""The schemas that endpoints are sent."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from softfactory.models.answers import DocumentReader
from softfactory.models.shape import portable
from softfactory.state.documents import Document, Layout, Plan


@pytest.mark.parametrize(
    ("pattern", "spelt_out"),
    [
        (r"^R\d{1,2}$", "^R[0-9]{1,2}$"),
        (r"^[\w.\-][\w.\-/ ]*$", "^[A-Za-z0-9_.-][A-Za-z0-9_./ -]*$"),
        (r"^[a-z]{2,3}(-\w+)*$", "^[a-z]{2,3}(-[A-Za-z0-9_]+)*$"),
        ("^[a-z][a-z0-9-]{1,38}$", "^[a-z][a-z0-9-]{1,38}$"),
    ],
)
def test_a_pattern_is_spelt_out_and_takes_the_same_words(pattern: str, spelt_out: str) -> None:
    assert portable({"pattern": pattern}) == {"pattern": spelt_out}
    for word in ("R12", "src/a-b.py", "zh-Hans", "a-1", "-", "R\\d", "", "w", "R 1"):
        assert bool(re.search(pattern, word)) == bool(re.search(spelt_out, word))


@pytest.mark.parametrize("document", Document.__subclasses__(), ids=lambda d: d.__name__)
def test_no_schema_that_is_sent_holds_an_escape(document: type[Document]) -> None:
    schema = DocumentReader(document).schema
    assert [pattern for pattern in patterns(schema) if "\\" in pattern] == []


def test_what_a_document_itself_takes_is_not_narrowed() -> None:
    plan = {"packages": [{"id": "W1", "title": "t", "files": ["翻牌.js"], "needs": []}]}
    assert Plan.model_validate(plan).packages[0].files == ["翻牌.js"]
    assert list(patterns(DocumentReader(Layout).schema)) != list(
        patterns(Layout.model_json_schema())
    )


def patterns(schema: Any) -> Iterator[str]:
    """All patterns of a schema."""
    for name, value in schema.items() if isinstance(schema, dict) else ():
        if name == "pattern" and isinstance(value, str):
            yield value
        yield from patterns(value)
    for item in schema if isinstance(schema, list) else ():
        yield from patterns(item)

"""Reading code out of answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softfactory.models.code_blocks import CodeBlock, code_blocks
from softfactory.models.code_edits import AnswerProblem, apply_edits
from softfactory.models.scripted import written


def test_a_block_is_named_by_the_path_on_its_first_line() -> None:
    text = "Here you are:\n````python src/main.py\nprint(1)\n````\nDone."
    assert code_blocks(text) == [CodeBlock("src/main.py", "print(1)\n", is_edit=False)]


def test_a_longer_fence_may_hold_shorter_ones() -> None:
    text = "````text README.md\n# A\n```sh\nls\n```\n````\n"
    assert code_blocks(text)[0].content == "# A\n```sh\nls\n```\n"


def test_blocks_without_a_path_are_passed_over() -> None:
    assert code_blocks("```sh\nrm -rf x\n```\n\n```\nnothing\n```") == []


def test_a_block_that_breaks_off_is_refused() -> None:
    with pytest.raises(AnswerProblem, match=r"main\.py is not closed"):
        code_blocks("````text main.py\nprint(1)\n")


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}\.py", fullmatch=True), st.text(max_size=200)))
def test_files_survive_being_written_and_read(files: dict[str, str]) -> None:
    clean = {path: text.replace("\r", "") for path, text in files.items() if "````" not in text}
    blocks = code_blocks(written(clean))
    lines = {path: text.rstrip() for path, text in clean.items()}
    assert {block.path: block.content.rstrip() for block in blocks} == lines


def test_edits_are_applied_one_after_another() -> None:
    edits = (
        "<<<<<<< SEARCH\na = 1\n=======\na = 2\n>>>>>>> REPLACE\n"
        "<<<<<<< SEARCH\na = 2\n=======\na = 3\n>>>>>>> REPLACE\n"
    )
    assert apply_edits("a.py", "a = 1\nb = 1\n", edits) == "a = 3\nb = 1\n"


def test_blanks_at_line_ends_do_not_keep_an_edit_from_applying() -> None:
    edit = "<<<<<<< SEARCH\nif a:\n    b\n=======\nif c:\n    b\n>>>>>>> REPLACE"
    assert apply_edits("a.py", "if a:  \n    b\nend\n", edit) == "if c:\n    b\nend\n"


@pytest.mark.parametrize(
    ("search", "reason"),
    [("missing", "is not in it"), ("x = 1", "stands in it 2 times"), ("", "empty SEARCH")],
)
def test_an_edit_that_does_not_apply_is_answered_with_the_reason(search: str, reason: str) -> None:
    edit = f"<<<<<<< SEARCH\n{search}\n=======\ny\n>>>>>>> REPLACE"
    with pytest.raises(AnswerProblem, match=reason):
        apply_edits("a.py", "x = 1\nx = 1\n", edit)


def test_an_edit_can_remove_lines() -> None:
    edit = "<<<<<<< SEARCH\nb = 1\n=======\n>>>>>>> REPLACE"
    assert apply_edits("a.py", "a = 1\nb = 1\n", edit) == "a = 1\n"

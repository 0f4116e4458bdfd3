"""Reading documents and files out of answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softfactory.models.answers import DocumentReader, FilesReader
from softfactory.models.code_edits import AnswerProblem
from softfactory.state.documents import Review
from tests import calculator

ANSWER = calculator.REJECTED.model_dump_json()


@pytest.mark.parametrize(
    "text",
    [
        ANSWER,
        f"```json\n{ANSWER}\n```",
        f"Here is the review:\n{ANSWER}\nI hope it helps {{}}.",
        f'<think>Perhaps {{"findings": []}} would do?</think>\n{ANSWER}',
        f"{{}} {ANSWER}",
        ANSWER.replace("Multiplication adds", "Multiplication\nadds"),
    ],
)
def test_wrapping_around_a_document_is_passed_over(text: str) -> None:
    read = DocumentReader(Review).read(text)
    assert read.findings[0].severity == "blocking"
    assert read.findings[0].fix == "use operator.mul"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I can't do that.", "no JSON object"),
        ("", "no JSON object"),
        ('{"findings": [{"severity": "bad"}]}', r"findings\.0\.severity"),
        ('{"findings": [], "mood": "good"}', "mood"),
        (ANSWER[:-20], "no JSON object|findings"),
    ],
)
def test_what_is_no_such_document_is_refused_with_words_that_help(text: str, reason: str) -> None:
    with pytest.raises(AnswerProblem, match=reason):
        DocumentReader(Review).read(text)


@given(st.text())
def test_no_text_makes_the_readers_crash(text: str) -> None:
    readers = (DocumentReader(Review), FilesReader({}, allowed=lambda _: True))
    for reader in readers:
        try:
            reader.read(text)
        except AnswerProblem:
            continue


@pytest.mark.parametrize("path", ["../evil.py", "/etc/passwd", ".git/config", "other.py"])
def test_files_that_are_not_the_engineers_are_refused(path: str) -> None:
    reader = FilesReader({}, allowed=lambda name: name == "mine.py")
    with pytest.raises(AnswerProblem):
        reader.read(f"````text {path}\nx\n````")


def test_edits_and_whole_files_may_stand_in_one_answer() -> None:
    reader = FilesReader({"a.py": "a = 1\n"}, allowed=lambda _: True)
    answer = calculator.edit("a.py", "a = 1", "a = 2") + "\n````text b.py\nb = 1\n````"
    assert reader.read(answer) == {"a.py": "a = 2\n", "b.py": "b = 1\n"}


def test_an_edit_of_a_file_that_does_not_exist_is_refused() -> None:
    reader = FilesReader({}, allowed=lambda _: True)
    with pytest.raises(AnswerProblem, match="give the whole file"):
        reader.read(calculator.edit("a.py", "a = 1", "a = 2"))


@pytest.mark.parametrize(
    "text", ["{" * 9999, "[" * 9999, "```\n" * 999, "* " * 9999, "<think>" * 99]
)
def test_noise_is_refused_in_no_time(text: str) -> None:
    for reader in (DocumentReader(Review), FilesReader({}, allowed=lambda _: True)):
        with pytest.raises(AnswerProblem):
            reader.read(text)


def test_an_edit_that_fails_twice_is_answered_by_asking_for_the_whole_file() -> None:
    lines = "".join(f"line_{i} = {i}\n" for i in range(300))
    reader = FilesReader({"a.py": lines}, allowed=lambda _: True)
    wrong = calculator.edit("a.py", "line_150 = 150\nline_151 = 0", "x = 1")
    with pytest.raises(AnswerProblem, match=r"(?s)line_152 = 152.*edit again") as first:
        reader.read(wrong)
    assert "line_10 = 10" not in str(first.value)
    with pytest.raises(AnswerProblem, match=r"whole file a\.py"):
        reader.read(wrong)


def test_files_that_are_expected_must_be_there() -> None:
    reader = FilesReader({}, allowed=lambda _: True, expected=["a.py", "b.py"])
    with pytest.raises(AnswerProblem, match=r"missing: b\.py"):
        reader.read("````text a.py\nx = 1\n````")

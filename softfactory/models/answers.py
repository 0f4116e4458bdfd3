"""How an answer is asked for and read: as a document, or as files and edits.

Reading is strict about content and lenient about wrapping: thinking aloud, fences and prose
around the answer are passed over.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from softfactory.models.code_blocks import AnswerProblem, apply_edits, code_blocks
from softfactory.models.shape import shape
from softfactory.prompts import render
from softfactory.state.documents import Document, inside_product

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
D = TypeVar("D", bound=Document)
Check = Callable[[dict[str, str]], str]
"""Says what is wrong with the files of an answer; empty if nothing."""


class Reader(Protocol[T_co]):
    """A form of answer."""

    schema: dict[str, Any] | None

    def instructions(self) -> str:
        """What the prompt says about the form."""
        ...

    def read(self, text: str) -> T_co:
        """The answer in `text`.

        Raises:
            AnswerProblem: with words that help the model to do better.

        """
        ...


class DocumentReader(Generic[D]):
    """Reads a JSON object into a document."""

    def __init__(self, document: type[D]) -> None:
        self._document = document
        self.schema: dict[str, Any] | None = document.model_json_schema()

    def instructions(self) -> str:
        """The shape of the document."""
        return render("parts/document", shape=shape(self._document))

    def read(self, text: str) -> D:
        """The first JSON object of the text that is such a document."""
        problem = AnswerProblem("there is no JSON object in it")
        for value in _objects(without_thinking(text)):
            try:
                return self._document.model_validate(value)
            except ValidationError as error:
                problem = AnswerProblem(_explained(error))
        raise problem


class FilesReader:
    """Reads whole files and edits of current files into contents by path."""

    schema: dict[str, Any] | None = None

    def __init__(
        self, current: Mapping[str, str], allowed: Callable[[str], bool], check: Check | None = None
    ) -> None:
        self._current = current
        self._allowed = allowed
        self._check = check

    def instructions(self) -> str:
        """Whole files where there are none yet, else edits."""
        return render("parts/edits" if self._current else "parts/files")

    def read(self, text: str) -> dict[str, str]:
        """Contents of every file that the answer changes."""
        files: dict[str, str] = {}
        for block in code_blocks(without_thinking(text)):
            self._refuse_foreign(block.path)
            if block.is_edit:
                before = files.get(block.path, self._current.get(block.path))
                if before is None:
                    raise AnswerProblem(f"{block.path} does not exist: give the whole file")
                files[block.path] = apply_edits(block.path, before, block.content)
            else:
                files[block.path] = block.content
        if not files:
            raise AnswerProblem("there is no block fenced by ```` with a path in it")
        problem = self._check(files) if self._check else ""
        if problem:
            raise AnswerProblem(problem)
        return files

    def _refuse_foreign(self, path: str) -> None:
        try:
            inside_product(path)
        except ValueError as error:
            raise AnswerProblem(str(error)) from error
        if not self._allowed(path):
            raise AnswerProblem(f"{path} is not one of your files: leave it out")


def without_thinking(text: str) -> str:
    """The text without what a model thought aloud before its answer."""
    return re.sub(r"\A\s*<think>.*?</think>", "", text, count=1, flags=re.DOTALL)


def _objects(text: str) -> list[Any]:
    decoder = json.JSONDecoder(strict=False)
    found, position = [], text.find("{")
    while position != -1:
        try:
            value, end = decoder.raw_decode(text, position)
        except ValueError:
            position = text.find("{", position + 1)
        else:
            found.append(value)
            position = text.find("{", end)
    return found


def _explained(error: ValidationError) -> str:
    lines = [
        f"- {'.'.join(str(part) for part in problem['loc']) or 'answer'}: {problem['msg']}"
        for problem in error.errors()[:8]
    ]
    return "\n".join(lines)

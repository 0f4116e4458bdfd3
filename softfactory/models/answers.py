"""How an answer is asked for and read: as a document, or as files and edits.

Reading is strict about content and lenient about wrapping: thinking aloud, fences, prose and slips
of the pen are passed over. Of several complete answers the last one counts; one that was begun
after it and is damaged makes the whole answer unusable, since it was meant to replace it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from softfactory.models import json_repair
from softfactory.models.code_blocks import CodeBlock, code_blocks
from softfactory.models.code_edits import AnswerProblem, EditProblem, apply_edits
from softfactory.models.json_repair import THINKING, Found, fitted, objects, plain
from softfactory.models.shape import Schema, schema_of, shape
from softfactory.prompts import render
from softfactory.state.documents import Document, inside_product

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
D = TypeVar("D", bound=Document)
Check = Callable[[dict[str, str]], str]
"""Says what is wrong with the files of an answer; empty if nothing."""

THOUGHT_OR_FENCE = re.compile(
    rf"^[ \t]*(?P<fence>`{{3,}}|~{{3,}})(?P<info>.*)$|<(?P<end>/?)(?:{THINKING})>",
    re.MULTILINE | re.I,
)
HTML = re.compile(r"\s*<(?:!doctype html|html)\b", re.IGNORECASE)
DAMAGED_TEXT = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[bf]|u0000)|\b[A-Z]:\\t|\ufffd")
"""In JSON: characters that only a single backslash or a wrong encoding can have brought about."""
LOST = re.compile("[\0\b\ufffd\ud800-\udfff]")
LEFT_OUT = re.compile(
    r"^[ \t]*(?:#|//|--|/\*|<!--|\.\.\.).*\b(?:existing|rest of|remain\w*|unchanged|omitted)\b.*$",
    re.IGNORECASE | re.MULTILINE,
)


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
        self.schema: Schema | None = schema_of(document)
        self._fields = {plain(field): field for field in self.schema["properties"]}
        definitions = self.schema.get("$defs", {})
        self._fitted = partial(fitted, schema=self.schema, definitions=definitions)

    def instructions(self) -> str:
        """The shape of the document."""
        return render("parts/document", shape=shape(self._document))

    def read(self, text: str) -> D:
        """The last object of the text that is such a document."""
        problem = _nothing(text, "JSON object")
        for found in reversed(objects(json_repair.quoted(text))):
            documents = [] if found.damage else self._documents(found.value)
            if len(documents) > 1:
                raise AnswerProblem("it holds several answers that differ: give one")
            if documents:
                return _undamaged(documents[0])
            problem = self._why(found)
            if self._likeness(found.value) or found.damage == json_repair.BREAKS_OFF:
                break
        raise AnswerProblem(problem)

    def _documents(self, value: Any) -> list[D]:
        found: list[D] = []
        for reading in self._readings(value):
            try:
                document = self._document.model_validate(self._fitted(reading))
            except ValidationError:
                continue
            found += [] if document in found else [document]
        return found

    def _readings(self, value: Any, depth: int = 0) -> Iterator[Any]:
        """The value, and what is wrapped in it, unless it is itself the answer."""
        if isinstance(value, list) and depth == 0 and len(self._fields) == 1:
            yield dict.fromkeys(self._fields.values(), value)
        if isinstance(value, dict):
            yield value
            if self._likeness(value) >= min(2, len(self._fields)):
                return
        for item in _inner(value) if depth < 3 else []:
            yield from self._readings(item, depth + 1)

    def _likeness(self, value: Any) -> int:
        """How many fields of the document it has; none, if it is a schema of the document."""
        if isinstance(value, list):
            return max(map(self._likeness, value), default=0)
        if not isinstance(value, dict) or "properties" in value:
            return 0
        return len(self._fields.keys() & set(map(plain, value)))

    def _why(self, found: Found) -> str:
        if found.damage:
            return f"there is no JSON object in it that could be read: {found.damage}"
        closest = max(self._readings(found.value), key=self._likeness, default=found.value)
        try:
            self._document.model_validate(self._fitted(closest))
        except ValidationError as error:
            return _explained(error)
        return "it can be read in two ways"


class FilesReader:
    """Reads whole files and edits of current files into contents by path.

    It reads the answers of one conversation: an edit that does not apply is asked for again
    once, then the whole file is asked for. All files `expected` must be there afterwards; a
    single one needs no name.
    """

    schema: dict[str, Any] | None = None

    def __init__(
        self,
        current: Mapping[str, str],
        allowed: Callable[[str], bool],
        check: Check | None = None,
        *,
        expected: Sequence[str] = (),
    ) -> None:
        self._current = current
        self._allowed = allowed
        self._check = check
        self._expected = expected
        self._failed_edits = 0

    def instructions(self) -> str:
        """Whole files where there are none yet, else edits."""
        return render("parts/edits" if self._current else "parts/files")

    def read(self, text: str) -> dict[str, str]:
        """Contents of every file that the answer changes."""
        wanted = [*(self._expected or self._current)]
        only = wanted[0] if len(wanted) == 1 else ""
        blocks = code_blocks(without_thinking(text), self._is_known, only)
        if not any(block.named for block in blocks):
            blocks = self._in_json(text) or blocks
        files: dict[str, str] = {}
        for block in blocks:
            self._refuse_foreign(block.path)
            if block.is_edit:
                files[block.path] = self._edited(block, files)
            else:
                files[block.path] = self._whole(block, files)
        if not files:
            raise AnswerProblem(_nothing(text, "block fenced by ```` with a path"))
        missing = sorted({*self._expected} - {*self._current, *files})
        if missing:
            raise AnswerProblem(f"these files are missing: {', '.join(missing)}")
        if self._check and (problem := self._check(files)):
            raise AnswerProblem(problem)
        return files

    def _edited(self, block: CodeBlock, files: Mapping[str, str]) -> str:
        before = files.get(block.path, self._current.get(block.path))
        if before is None:
            raise AnswerProblem(f"{block.path} does not exist: give the whole file")
        try:
            return apply_edits(block.path, before, block.content)
        except EditProblem as problem:
            self._failed_edits += 1
            again = "Give the edit again, with lines exactly as they stand there."
            ask = again if self._failed_edits == 1 else f"Give the whole file {block.path} instead."
            raise AnswerProblem(f"{problem}\n{ask}") from problem

    def _whole(self, block: CodeBlock, files: Mapping[str, str]) -> str:
        path, content, before = block.path, block.content, self._current.get(block.path, "")
        if not block.named and path in self._current:
            raise AnswerProblem(f"a block names no path: is it all of {path}, or an edit of it?")
        if files.get(path, content) != content:
            raise AnswerProblem(f"{path} is given twice, and differently")
        for gap in map(re.Match.group, LEFT_OUT.finditer(content)):
            if gap not in before and ("..." in gap or "…" in gap):
                raise AnswerProblem(f"{path} leaves something out: {gap.strip()!r}")
        if not set(LOST.findall(content)) <= set(before):
            raise AnswerProblem(f"{path} has characters that got lost: write them as escapes")
        return content

    def _is_known(self, path: str) -> bool:
        path = path.removeprefix("./")
        looks_like_one = re.search(r"/|\S\.\w+$", path) is not None and " " not in path
        listed = path in self._current or path in self._expected
        return listed or (looks_like_one and self._allowed(path))

    def _in_json(self, text: str) -> list[CodeBlock]:
        """The files of a model that answers with JSON all the same."""
        for found in reversed(objects(json_repair.quoted(text))):
            files = {} if found.damage else _files(found.value)
            if files and all(map(self._is_known, files)):
                return [CodeBlock(path, code, is_edit=False) for path, code in files.items()]
            if found.damage:
                break
        return []

    def _refuse_foreign(self, path: str) -> None:
        try:
            inside_product(path)
        except ValueError as error:
            raise AnswerProblem(str(error)) from error
        if not self._allowed(path):
            raise AnswerProblem(f"{path} is not one of your files: leave it out")


def without_thinking(text: str) -> str:
    """The text without what a model thought aloud outside of its blocks.

    Raises:
        AnswerProblem: the thinking has no end, and no block ends the text.

    """
    position, fence = 0, ""
    while mark := THOUGHT_OR_FENCE.search(text, position):
        position = mark.end()
        if mark["fence"]:
            is_end = mark["fence"].startswith(fence) and not mark["info"].strip()
            fence = ("" if is_end else fence) if fence else mark["fence"]
        elif fence:
            continue
        elif mark["end"]:
            text, position = text[mark.end() :], 0
        elif thought := re.compile(rf"</(?:{THINKING})>", re.IGNORECASE).search(text, position):
            text, position = text[: mark.start()] + text[thought.end() :], mark.start()
        elif text.rstrip()[-1] not in "`~}" and not text.rstrip().endswith("</file>"):
            raise AnswerProblem("it ends while thinking aloud: give the answer itself")
    return text


def _files(value: Any) -> dict[str, str]:
    """Contents by path, from the ways in which JSON may hold them; one line is no content."""
    files = value.get("files", value) if isinstance(value, dict) else value
    pairs = [*files.items()] if isinstance(files, dict) else []
    if isinstance(files, list) and all(isinstance(item, dict) for item in files):
        pairs = [(item.get("path"), item.get("content")) for item in files]
    are_texts = all(
        isinstance(p, str) and isinstance(code, str) and "\n" in code for p, code in pairs
    )
    return dict(pairs) if are_texts and len(dict(pairs)) == len(pairs) else {}


def _nothing(text: str, wanted: str) -> str:
    what = "it is empty: " if not text.strip() else ""
    if HTML.match(text):
        what = "it is an HTML page, perhaps the error of a server: "
    return f"{what}there is no {wanted} in it"


def _undamaged(document: D) -> D:
    if damage := DAMAGED_TEXT.search(document.model_dump_json()):
        raise AnswerProblem(f"a string holds {damage.group()!r}: double every backslash in JSON")
    return document


def _inner(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [found.value for found in objects(value) if not found.damage]
    if isinstance(value, dict):
        return [*value.values()]
    return value if isinstance(value, list) else []


def _explained(error: ValidationError) -> str:
    lines = [
        f"- {'.'.join(str(part) for part in problem['loc']) or 'answer'}: {problem['msg']}"
        for problem in error.errors()[:8]
    ]
    return "\n".join(lines)

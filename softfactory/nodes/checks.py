"""Deterministic checks of written code: free, at once, and never wrong."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import PurePosixPath

from softfactory.nodes.python_checks import Surroundings, check_python, problem
from softfactory.state.documents import Finding

PLACEHOLDER = re.compile(
    r"(#|//|/\*|<!--)\s*(TODO|FIXME|XXX\b|\.{3}|…|your code here|implement(ation)? (here|goes)|"
    r"(the )?rest of (the )?(code|file)|(existing|remaining|other) (code|methods)|待实现|此处省略)",
    re.IGNORECASE,
)


def check_files(
    files: Mapping[str, str],
    planned: Collection[str],
    modules: Collection[str],
    product: Collection[str],
) -> list[Finding]:
    """What is wrong with files of a package.

    Args:
        files: contents by path.
        planned: paths that must be among them.
        modules: third-party modules that may be imported.
        product: every path that the finished product will have.
    """
    around = Surroundings(files, frozenset(modules), frozenset(product))
    missing = [
        problem(path, "the planned file is missing or empty", "write it")
        for path in planned
        if not files.get(path, "").strip() and not path.endswith("__init__.py")
    ]
    found = [f for path, text in files.items() for f in _check_file(path, text, around)]
    return missing + found


def _check_file(path: str, text: str, around: Surroundings) -> Iterator[Finding]:
    for number, line in enumerate(text.splitlines(), 1):
        if PLACEHOLDER.search(line):
            yield problem(f"{path}:{number}", f"placeholder: {line.strip()[:120]}", "write it out")
    suffix = PurePosixPath(path).suffix
    if suffix == ".py":
        yield from check_python(path, text, around)
    elif suffix == ".html":
        yield from _check_html(path, text, around)
    elif suffix == ".json":
        try:
            json.loads(text)
        except ValueError as error:
            yield problem(path, f"no valid JSON: {error}", "correct it")


class _References(HTMLParser):
    """Collects what a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = {"script": "src", "img": "src", "link": "href"}.get(tag)
        self.found += [value for name, value in attrs if name == wanted and value]


def _check_html(path: str, text: str, around: Surroundings) -> Iterator[Finding]:
    references = _References()
    references.feed(text)
    folder = PurePosixPath(path).parent
    for reference in references.found:
        target = str(folder / reference.split("?")[0].split("#")[0])
        if re.match(r"(https?:)?//", reference):
            yield problem(path, f"needs the network: {reference}", "bring it along or do without")
        elif not reference.startswith(("data:", "#")) and target not in around.product:
            yield problem(path, f"{reference} is not in the product", "refer to what exists")

"""The files of a product and what changed in them."""

import base64
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from softfactory.errors import NotThere
from softfactory.persistence.runs import Run
from softfactory.product.history import Commit, History
from softfactory.service import Service
from softfactory.web.markup import Markup, together
from softfactory.web.view import View
from softfactory.web.wording import Wording

LONGEST_TEXT = 200_000
"""In characters: what a browser still shows with ease."""
LARGEST_PICTURE = 2_000_000
"""In bytes."""
MOST_LINES = 1500
PICTURES = {"png": b"\x89PNG", "jpeg": b"\xff\xd8\xff", "gif": b"GIF8"}
"""Kind of a picture → how its content begins."""
BETWEEN_FILES = re.compile(r"^diff --git ", re.MULTILINE)
NAMES = re.compile(r"a/(?P<path>.+) b/(?P=path)")
KINDS = {"+": "sf-plus", "-": "sf-minus", "@": "sf-place"}
PICTURE_NAMES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
LANGUAGES = {
    "py": "python",
    "js": "javascript",
    "mjs": "javascript",
    "ts": "typescript",
    "html": "html",
    "htm": "html",
    "css": "css",
    "json": "json",
    "md": "markdown",
    "yaml": "yaml",
    "yml": "yaml",
    "sh": "shell",
    "sql": "sql",
}
"""Ending of a file's name → what `gr.Code` calls its language."""


def tree(view: View, words: Wording) -> str:
    """The files as a tree; each is a button that names its path."""
    if not view.things.tree:
        return nothing(words)
    rows, shown = [], ""
    for folder, name in sorted(map(_placed, view.things.tree)):
        path = f"{folder}/{name}" if folder else name
        if folder != shown:
            rows.append(Markup("<b>{}/</b>").format(folder))
            shown = folder
        row = Markup('<button type="button" class="{}" data-value="{}">{}</button>')
        rows.append(row.format("sf-deep" if folder else "", path, name))
    return str(Markup('<div class="sf-tree">{}</div>').format(together(rows)))


def commits(view: View, words: Wording) -> str:
    """The steps of the roles, the newest first; each is a button that names its commit."""
    if not view.things.commits:
        return nothing(words)
    count = len(view.things.commits)
    rows = together(
        Markup(
            '<button type="button" data-value="{}"><small>{} · {}</small> <b>{}</b> {} '
            "<small>{}</small></button>"
        ).format(
            commit.id, count - newer, time.strftime("%m-%d %H:%M", time.localtime(commit.time)),
            words.get(commit.role), words.said(commit.summary), _names(commit),
        )
        for newer, commit in enumerate(view.things.commits)
    )  # fmt: skip
    return str(Markup('<div class="sf-tree sf-commits">{}</div>').format(rows))


@dataclass(frozen=True)
class Shown:
    """A file as it is shown: as text in a language that `gr.Code` knows, or as HTML instead."""

    text: str = ""
    language: str = ""
    instead: str = ""


async def shown_of(service: Service, run: Run, path: str, words: Wording) -> Shown:
    """A file of the product; a picture comes with its data, and is no drawing that could act."""
    product = await service.product(run.id)
    blobs = await product.tree()
    if path not in blobs:
        return Shown()
    content = (await product.contents({path: blobs[path]}))[path]
    for kind, beginning in PICTURES.items():
        if content.startswith(beginning):
            return Shown(instead=_picture(kind, content, path, words))
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Shown(instead=_aside(words["binary"]))
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}\n{words['too_long']}"
    return Shown(text, LANGUAGES.get(path.rpartition(".")[2].lower(), ""))


async def diff_of(service: Service, run: Run, commit: str, words: Wording) -> str:
    """What a commit changed, or the newest one."""
    history = History((await service.product(run.id)).folder)
    try:
        text = await history.diff(commit or None)
    except NotThere:
        text = ""
    lines = list(_readable(text, words))
    if not lines:
        return nothing(words)
    shown = together(
        Markup('<span class="{}">{}\n</span>').format(kind, line)
        for kind, line in lines[:MOST_LINES]
    )
    more = words["too_long"] if len(lines) > MOST_LINES else ""
    return str(Markup('<pre class="sf-diff">{}{}</pre>').format(shown, more))


def nothing(words: Wording) -> str:
    """What stands where nothing is."""
    return _aside(words["nothing_yet"])


def _aside(text: str) -> str:
    return str(Markup('<p class="sf-nothing">{}</p>').format(text))


def _picture(kind: str, content: bytes, path: str, words: Wording) -> str:
    if len(content) > LARGEST_PICTURE:
        return _aside(words["picture_large"])
    data = base64.b64encode(content).decode()
    picture = Markup(
        '<p class="sf-name">{0}</p>'
        '<img class="sf-picture" alt="{0}" src="data:image/{1};base64,{2}">'
    )
    return str(picture.format(path, kind, data))


def _placed(path: str) -> tuple[str, str]:
    """Folder and name: files of a folder stand together, those of the root first."""
    folder, _, name = path.rpartition("/")
    return folder, name


def _names(commit: Commit) -> str:
    return ", ".join(commit.files[:3]) + (" …" if len(commit.files) > 3 else "")


def _readable(diff: str, words: Wording) -> Iterator[tuple[str, str]]:
    """A diff as people read it, each line with its kind: a file's name instead of git's heads."""
    for part in filter(None, BETWEEN_FILES.split(diff)):
        head, place, body = part.partition("\n@@")
        first, *rest = head.splitlines()
        found = NAMES.fullmatch(first)
        known = {line.partition(" ")[0] for line in rest}
        change = "file_new" if "new" in known else "file_gone" if "deleted" in known else ""
        name = found["path"] if found else first
        yield "sf-file", words[change].format(name) if change else name
        if "Binary" in known:
            is_picture = name.lower().endswith(PICTURE_NAMES)
            yield "sf-place", words["picture" if is_picture else "no_text"]
        for line in f"{place}{body}".lstrip("\n").splitlines():
            yield KINDS.get(line[:1], ""), line
        yield "", ""

"""The files of a product and what changed in them."""

from softfactory.errors import NotThere
from softfactory.persistence.runs import Run
from softfactory.product.history import Commit, History
from softfactory.service import Service
from softfactory.web.markup import Markup, together
from softfactory.web.view import View
from softfactory.web.wording import Wording

LONGEST_TEXT = 200_000
"""In characters: what a browser still shows with ease."""
MOST_LINES = 1500
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
    for path in sorted(view.things.tree, key=lambda p: (p.count("/") > 0, p)):
        folder, _, name = path.rpartition("/")
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
    rows = together(
        Markup(
            '<button type="button" data-value="{}"><b>{}</b> {} <small>{}</small></button>'
        ).format(commit.id, words.get(commit.role), commit.summary, _names(commit))
        for commit in view.things.commits
    )
    return str(Markup('<div class="sf-tree sf-commits">{}</div>').format(rows))


async def text_of(service: Service, run: Run, path: str, words: Wording) -> tuple[str, str]:
    """A file's text, and its language as `gr.Code` knows it; empty where it is none of those."""
    product = await service.product(run.id)
    blobs = await product.tree()
    if path not in blobs:
        return "", ""
    content = (await product.contents({path: blobs[path]}))[path]
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return words["no_text"], ""
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}\n{words['too_long']}"
    return text, LANGUAGES.get(path.rpartition(".")[2].lower(), "")


async def diff_of(service: Service, run: Run, commit: str, words: Wording) -> str:
    """What a commit changed, or the newest one."""
    history = History((await service.product(run.id)).folder)
    try:
        text = await history.diff(commit or None)
    except NotThere:
        text = ""
    lines = text.splitlines()
    if not lines:
        return nothing(words)
    shown = together(Markup('<span class="{}">{}\n</span>').format(_kind(line), line)
                     for line in lines[:MOST_LINES])  # fmt: skip
    more = words["too_long"] if len(lines) > MOST_LINES else ""
    return str(Markup('<pre class="sf-diff">{}{}</pre>').format(shown, more))


def nothing(words: Wording) -> str:
    """What stands where nothing is."""
    return str(Markup('<p class="sf-nothing">{}</p>').format(words["nothing_yet"]))


def _names(commit: Commit) -> str:
    return ", ".join(commit.files[:3]) + (" …" if len(commit.files) > 3 else "")


def _kind(line: str) -> str:
    if line.startswith(("diff ", "index ", "+++", "---", "new file", "deleted file")):
        return "sf-file"
    return {"+": "sf-plus", "-": "sf-minus", "@": "sf-place"}.get(line[:1], "")

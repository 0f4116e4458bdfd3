"""HTML and Markdown made on the server; whatever is put in is text and stays text."""

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:/@])")

__all__ = ["Markup", "escape", "fenced", "plain", "together"]


def together(parts: Iterable[Markup]) -> Markup:
    """Pieces of HTML, one after another."""
    return Markup("").join(parts)


def plain(text: str) -> str:
    """Text in Markdown that is nothing but text: no link, picture, tag or heading."""
    return SPECIAL.sub(r"\\\1", " ".join(text.split()))


def fenced(text: str) -> str:
    """Text as a block of code in Markdown, which nothing in it can end."""
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"

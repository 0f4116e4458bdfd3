"""Plain columns: as wide as they need to be, whatever the terminal, Chinese included."""

from collections.abc import Sequence

from rich.cells import cell_len


def print_columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows of equal length; the first is the head, `right` are flush right columns."""
    widths = [max(cell_len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        cells = [_padded(cell, widths[n], flush=n in right) for n, cell in enumerate(row)]
        print("  ".join(cells).rstrip())


def _padded(cell: str, width: int, *, flush: bool) -> str:
    blanks = " " * (width - cell_len(cell))
    return blanks + cell if flush else cell + blanks

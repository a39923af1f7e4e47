"""Tables on the console: ruled on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence

# Beyond what any table needs: its columns are as wide as they are told.
_WIDEST = 10_000
# Spaces beside every column.
_GAP = 2


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text to stdout; the first column is left-justified, the others right.

    On a narrow terminal cells are broken between words; no word is ever cut.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    by_column = list(zip(columns, *rows, strict=True))
    widths = [max(map(cell_len, cells)) for cells in by_column]
    console = Console(markup=False, highlight=False)
    is_terminal = sys.stdout.isatty()
    if is_terminal:
        words = [" ".join(cells).split() for cells in by_column]
        least = [max(map(cell_len, each), default=0) for each in words]
        widths = fit_widths(widths, least, console.width - _GAP * len(columns))
    console.width = _WIDEST
    table = Table(
        box=box.SIMPLE_HEAD if is_terminal else None,
        padding=(0, 0, 0, 1) if is_terminal else (0, 1),
        pad_edge=False,
    )
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        table.add_column(column, justify="right" if index else "left", width=width)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def fit_widths(widths: Sequence[int], least: Sequence[int], total: int) -> list[int]:
    """Widths of columns that sum up to `total`, the widest made narrower, none below its `least`.

    Where those are too wide already, the sum stays above it.
    """
    found = list(widths)
    while sum(found) > total:
        loose = [i for i, width in enumerate(found) if width > least[i]]
        if not loose:
            break
        found[max(loose, key=found.__getitem__)] -= 1
    return found

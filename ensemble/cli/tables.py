"""Tables on the console: ruled on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence

_PLAIN_WIDTH = 200


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text to stdout; the first column is left-justified, the others right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    is_terminal = sys.stdout.isatty()
    table = Table(box=box.SIMPLE_HEAD if is_terminal else None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    Console(width=None if is_terminal else _PLAIN_WIDTH, markup=False, highlight=False).print(table)

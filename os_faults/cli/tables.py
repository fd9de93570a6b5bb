"""Tables for people: with rich on a terminal, as aligned text elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from shutil import get_terminal_size

from os_faults.cli.terminal import say
from os_faults.system.text import aligned

_WIDE = 120


def is_terminal() -> bool:
    """Return whether a person reads stdout."""
    return sys.stdout.isatty()


def is_narrow() -> bool:
    """Return whether stdout is a terminal with fewer than 120 columns."""
    return is_terminal() and get_terminal_size().columns < _WIDE


def show(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table. A terminal wraps it between words; no word is cut, so a name can be copied."""
    heads = [column.replace("_", " ") for column in columns]
    if not is_terminal():
        for line in aligned([[head.upper() for head in heads], *rows]):
            say(line)
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head, *cells in zip(heads, *rows, strict=True):
        longest = max(len(word) for cell in (head, *cells) for word in cell.split() or [""])
        table.add_column(head, min_width=longest)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    needed = Measurement.get(console, console.options.update(max_width=_MOST), table).minimum
    Console(width=max(console.width, needed)).print(table)


_MOST = 10_000

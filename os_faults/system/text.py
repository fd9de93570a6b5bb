"""Text for people: foreign text made safe to show, the order of names, aligned lines, durations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def printable(text: str) -> str:
    r"""Return a text with escaped control characters: text of hosts and users must not control a terminal.

    Bytes that were not UTF-8, and marks that change the direction of writing, are escaped, too.

    Example:
        >>> printable("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def without_colours(text: str) -> str:
    r"""Return a text without the marks of terminals for colours and the like.

    Example:
        >>> without_colours("\x1b[0;31mfailed\x1b[0m")
        'failed'
    """
    return _COLOUR.sub("", text)


def is_text(value: object) -> bool:
    r"""Return whether a value is a text that can be written in UTF-8; a text made of other bytes can't.

    Example:
        >>> is_text("é"), is_text("\udcff"), is_text(None)
        (True, False, False)
    """
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def as_counted(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts names as people count.

    Example:
        >>> sorted(["node-10", "node-2", "10.0.0.10", "10.0.0.9"], key=as_counted)
        ['10.0.0.9', '10.0.0.10', 'node-2', 'node-10']
    """
    parts = re.split(r"([0-9]+)", name)  # texts and numbers by turns, so equal places compare
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows as lines with aligned columns.

    Example:
        >>> aligned([["a", "b"], ["long", "c"]])
        ['a     b', 'long  c']
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def span(seconds: float | None) -> str:
    """Return a duration for people.

    Example:
        >>> span(1795), span(None)
        ('29m55s', 'never')
    """
    if seconds is None:
        return "never"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"

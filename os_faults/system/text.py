"""Text that comes from elsewhere, made fit to be shown."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text whose control characters are spelled out: what hosts and users say must not steer a terminal.

    Bytes that were no UTF-8, and marks that turn the direction of writing, are spelled out too.

    Example:
        >>> printable("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def is_text(value: object) -> bool:
    r"""Return whether a value is a text that can be written in UTF-8; one made of other bytes can't.

    Example:
        >>> is_text("é"), is_text("\udcff"), is_text(None)
        (True, False, False)
    """
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False

"""Foreign text, made safe to show."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text with escaped control characters: text of hosts and users must not control a terminal.

    Bytes that were not UTF-8, and marks that change the direction of writing, are escaped, too.

    Example:
        >>> printable("a\x1b[2Jb")
        'a\\x1b[2Jb'
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


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

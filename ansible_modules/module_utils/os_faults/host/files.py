"""Small files of this host, such as those of ``/proc``."""

from __future__ import annotations


def read_text(path: str) -> str:
    """Return the content of a small file; "" if it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""

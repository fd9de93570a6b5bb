"""Texts and lists of answers: no control characters, limited length.

Other users of the host choose some of the texts: names of processes, directories and mounts, lines of logs. These must
not control the terminal of the reader, or make the answer too long.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

TEXT = 2000
"""Most characters of a text: the last ones of a text with several lines, the first ones of any other."""

ITEMS = 1000
"""Most entries of a list or dictionary."""

_DEPTH = 8
"""Most levels of lists and dictionaries."""

_LINES = ("undo_log", "exception")
"""Keys whose texts have several lines."""


def plain(text: str, limit: int = TEXT) -> str:
    r"""Return a text as one line of at most ``limit`` characters, with escaped control characters.

    >>> plain("a\x1b[2Jb\n"), plain("abcdef", limit=4)
    ('a\\x1b[2Jb\\n', 'abc…')
    """
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text if text.isprintable() else "".join(map(_spelled, text))


def few(lines: Sequence[str], limit: int = 12) -> list[str]:
    """Return the first ``limit`` lines, and the number of further lines.

    >>> few(["a", "b", "c"], limit=2)
    ['a', 'b', '... and 1 more']
    """
    more = len(lines) - limit
    return [*lines[:limit], f"... and {more:d} more"] if more > 0 else list(lines)


def last_line(text: str) -> str:
    r"""Return the last line that is not blank, stripped; empty if there is none.

    >>> last_line("first\n last \n\n")
    'last'
    """
    return text.strip().rpartition("\n")[2].strip()


def tidy(answer: Mapping[str, Any]) -> dict[str, Any]:
    r"""Return the answer of a module with plain texts and limited lists.

    ``notes`` has the number of omitted entries.

    >>> tidy({"msg": "a\x07b", "pids": list(range(1001)), "ok": True})["notes"]
    ['1 of the 1001 entries of pids are left out']
    """
    left_out: list[str] = []
    tidied = {plain(str(name)): _tidied(str(name), value, left_out, _DEPTH) for name, value in answer.items()}
    if left_out:
        tidied["notes"] = [*tidied.get("notes", ()), *few(left_out)]
    return tidied


def _tidied(name: str, value: Any, left_out: list[str], depth: int) -> Any:
    if isinstance(value, str):
        return _several_lines(value) if name in _LINES else plain(value)
    if not isinstance(value, (list, tuple, dict)):
        return value
    if len(value) > ITEMS:
        left_out.append(f"{len(value) - ITEMS:d} of the {len(value):d} entries of {plain(name)} are left out")
    if depth == 0:
        return plain(str(value))
    if isinstance(value, dict):
        pairs = list(value.items())[:ITEMS]
        return {plain(str(key)): _tidied(str(key), each, left_out, depth - 1) for key, each in pairs}
    return [_tidied(name, each, left_out, depth - 1) for each in value[:ITEMS]]


def _several_lines(text: str) -> str:
    return "\n".join(plain(line) for line in text[-TEXT:].split("\n"))


def _spelled(char: str) -> str:
    return char if char.isprintable() else repr(char)[1:-1]

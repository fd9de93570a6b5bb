"""Texts and lists that leave this host: without control characters, and bounded.

Other users of the host choose some of what a module tells: names of processes, directories and mounts, lines of logs.
None of it may steer the terminal of who reads it, or make an answer so long that nobody reads it at all.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

TEXT = 2000
"""Characters of a text in an answer; of one with several lines the last ones stay, of any other the first."""

ITEMS = 1000
"""Entries of a list or a dictionary in an answer."""

_DEPTH = 8
"""Levels of lists and dictionaries in an answer."""

_LINES = ("undo_log", "exception")
"""The keys whose texts have several lines."""


def plain(text: str, limit: int = TEXT) -> str:
    r"""Return a text as one line of at most ``limit`` characters, its control characters spelled out.

    >>> plain("a\x1b[2Jb\n"), plain("abcdef", limit=4)
    ('a\\x1b[2Jb\\n', 'abc…')
    """
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return text if text.isprintable() else "".join(map(_spelled, text))


def few(lines: Sequence[str], limit: int = 12) -> list[str]:
    """Return lines for a person to read; of too many the first, and how many there are more.

    >>> few(["a", "b", "c"], limit=2)
    ['a', 'b', '... and 1 more']
    """
    more = len(lines) - limit
    return [*lines[:limit], f"... and {more:d} more"] if more > 0 else list(lines)


def tidy(answer: Mapping[str, Any]) -> dict[str, Any]:
    r"""Return the answer of a module with all its texts plain, and its lists bounded.

    What is left out of a list is told in ``notes``.

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

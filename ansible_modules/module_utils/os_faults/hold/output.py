"""The output of the scripts of a hold."""

from __future__ import annotations

import re
from typing import NamedTuple


class Said(NamedTuple):
    """The parsed standard output of a script of a fault, which has one ``word: text`` per line."""

    notes: list[str]
    changed: bool
    facts: dict[str, str]
    rc: int | None
    theirs: tuple[str, ...] = ()


def parse_said(text: str) -> Said:
    """Parse the output of an inject script: ``note: …``, ``changed: …``, ``fact: name=value``, ``exit: 3``.

    An undo script prints ``note: …``, and ``theirs: …`` for a change that it left to others: the beginning of the line
    of the snapshot.
    """
    notes, facts, changed, code, theirs = [], {}, False, None, ()
    for line in text.splitlines():
        word, _, rest = line.partition(": ")
        if word == "note":
            notes.append(rest)
        elif word == "theirs":
            theirs = (*theirs, rest)
        elif word == "changed":
            changed = True
        elif word == "fact" and "=" in rest:
            name, _, value = rest.partition("=")
            facts[name] = value
        elif word == "exit" and rest.isdigit():
            code = int(rest)
    return Said(notes, changed, facts, code, theirs)


def since_begun(text: str) -> tuple[float | None, float | None, str]:
    r"""Return when an injection with a start time began and ended, in seconds since boot, and its output in between.

    >>> since_begun("exit: 0\nbegan: 1234\nchanged: frozen\nexit: 0\nended: 1240\n")
    (12.34, 12.4, 'changed: frozen\nexit: 0\nended: 1240\n')
    >>> since_begun("exit: 0\n")
    (None, None, '')
    """
    began = re.search(r"^began: ([0-9]+)\n", text, re.MULTILINE)
    if began is None:
        return None, None, ""
    rest = text[began.end() :]
    ended = re.search(r"^ended: ([0-9]+)\n", rest, re.MULTILINE)
    return int(began.group(1)) / 100, int(ended.group(1)) / 100 if ended else None, rest

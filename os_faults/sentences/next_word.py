"""The words with which an unfinished sentence can go on, for the completion of a shell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from os_faults.errors import SentenceError
from os_faults.sentences.grammar import Form
from os_faults.sentences.parser import understand

#: A word that is none: the parser stops at it, or takes it for a name that may be any word.
_GAP = "\x00"


@dataclass(frozen=True)
class Next:
    """What can come next.

    Attributes:
        words: words of the grammar.
        kinds: what may be named there: ``service``, ``container``, ``network``, ``node``.
    """

    words: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()


def next_word(before: Sequence[str], forms: Sequence[Form]) -> Next:
    """Return what can come after some words.

    Example:
        >>> next_word(["restart", "keystone"], forms).words
        ('service',)
        >>> sorted(next_word(["restart"], forms).kinds)
        ['service']
    """
    if not before:
        return Next(tuple(dict.fromkeys(spelling[0] for form in forms for spelling in form.spellings)))
    try:
        understand(" ".join([*before, _GAP]), forms)
    except SentenceError as stop:
        if stop.place > len(before):  # the gap was taken for a name
            return Next(kinds=frozenset({"network"}))
        if stop.place == len(before):
            return _of(stop.expected)
    return Next()


def _of(expected: Sequence[str]) -> Next:
    words = tuple(text.strip("'") for text in expected if text.startswith("'") and " " not in text)
    named = [text for text in expected if not text.startswith("'")]
    kinds = {
        kind for kind in ("service", "container", "network", "node") for text in named if f"name of a {kind}" in text
    }
    if any("names of nodes" in text for text in named):
        kinds.add("node")
    return Next(words, frozenset(kinds))

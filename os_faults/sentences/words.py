"""Reads a sentence word by word, and keeps the expected words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from os_faults.errors import SentenceError


class Mismatch(Exception):
    """The next word does not fit this form; another form may fit."""


class Words:
    """The words of a sentence, read from the first to the last.

    It keeps the expected words at the furthest place that any form has reached. If no form fits, the error lists them.

    Args:
        sentence: the text; words are separated by white space.
    """

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self._words = sentence.split()
        self.place = 0
        self._furthest = 0
        self._expected: list[str] = []

    def peek(self, ahead: int = 0) -> str:
        """Return a word as written, without reading it; "" after the last word."""
        at = self.place + ahead
        return self._words[at] if at < len(self._words) else ""

    def take(self, *accepted: str) -> str | None:
        """Read the next word if it is accepted, in upper or lower case; return it as in ``accepted``, else None."""
        word = self.peek().lower()
        if word in accepted:
            self.place += 1
            return word
        self.expect(*map(repr, accepted))
        return None

    def need(self, *accepted: str) -> str:
        """Read the next word, which must be accepted.

        Raises:
            Mismatch: it is another word.
        """
        found = self.take(*accepted)
        if found is None:
            raise Mismatch
        return found

    def value(self, what: str, fits: Callable[[str], bool] = bool) -> str:
        """Read the next word as a value, and return it as written.

        Args:
            what: description of the value, for the error.
            fits: returns whether a word can be the value.

        Raises:
            Mismatch: the word does not fit, or there is none.
        """
        word = self.peek()
        if not (word and fits(word)):
            self.expect(what)
            raise Mismatch
        self.place += 1
        return word

    def start(self, words: Sequence[str]) -> bool:
        """Start again after the first words; return whether these are ``words``, in upper or lower case."""
        self.place = len(words)
        return [word.lower() for word in self._words[: len(words)]] == list(words)

    def end(self) -> None:
        """Check that all words are read.

        Raises:
            Mismatch: there is another word.
        """
        if self.peek():
            self.expect("the end of the sentence")
            raise Mismatch

    def expect(self, *what: str) -> None:
        """Note the words that would fit at the current place."""
        if self.place > self._furthest:
            self._furthest, self._expected = self.place, []
        if self.place == self._furthest:
            self._expected += [each for each in what if each not in self._expected]

    def refusal(self) -> SentenceError:
        """Return the error for a sentence that fits no form, with the word and the expected words."""
        *others, last = self._expected
        expected = f"{', '.join(others)} or {last}" if others else last
        found = f"its word {self._furthest + 1} is {self._words[self._furthest]!r}" if self._more() else "it ends"
        return SentenceError(
            f"{self.sentence!r} is not understood, so nothing was touched: {found} where {expected} was expected",
            place=self._furthest,
            expected=self._expected,
        )

    def _more(self) -> bool:
        return self._furthest < len(self._words)

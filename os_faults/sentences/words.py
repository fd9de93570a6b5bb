"""A sentence word by word, and what was expected where."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from os_faults.errors import SentenceError


class Mismatch(Exception):
    """The words do not go on as this way of saying something wants; another way may fit."""


class Words:
    """The words of a sentence, read from the first to the last.

    What was tried in vain is remembered, so that a sentence that fits nowhere can be answered by what would have fitted
    at the first word that nothing could be made of.

    Args:
        sentence: the text; words are parted by white space.
    """

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self._words = sentence.split()
        self.place = 0
        self._furthest = 0
        self._expected: list[str] = []

    def peek(self, ahead: int = 0) -> str:
        """Return a word as it was written, without reading it; "" behind the last one."""
        at = self.place + ahead
        return self._words[at] if at < len(self._words) else ""

    def take(self, *accepted: str) -> str | None:
        """Read the next word when it is one of these, in any case; return it as it stands in ``accepted``."""
        word = self.peek().lower()
        if word in accepted:
            self.place += 1
            return word
        self.expect(*map(repr, accepted))
        return None

    def need(self, *accepted: str) -> str:
        """Read the next word, which must be one of these.

        Raises:
            Mismatch: it is another one.
        """
        found = self.take(*accepted)
        if found is None:
            raise Mismatch
        return found

    def value(self, what: str, fits: Callable[[str], bool] = bool) -> str:
        """Read the next word, whatever it is, as it was written.

        Args:
            what: what it should be, for the refusal.
            fits: whether it can be that.

        Raises:
            Mismatch: it can't, or there is none.
        """
        word = self.peek()
        if not (word and fits(word)):
            self.expect(what)
            raise Mismatch
        self.place += 1
        return word

    def start(self, words: Sequence[str]) -> bool:
        """Begin anew behind the first words, when they are these, in any case; return whether they are."""
        self.place = len(words)
        return [word.lower() for word in self._words[: len(words)]] == list(words)

    def end(self) -> None:
        """Make sure that nothing is left.

        Raises:
            Mismatch: there is another word.
        """
        if self.peek():
            self.expect("the end of the sentence")
            raise Mismatch

    def expect(self, *what: str) -> None:
        """Remember what would have fitted at the present word."""
        if self.place > self._furthest:
            self._furthest, self._expected = self.place, []
        if self.place == self._furthest:
            self._expected += [each for each in what if each not in self._expected]

    def refusal(self) -> SentenceError:
        """Return the error for a sentence that fits nowhere: at which word, and what was expected there."""
        *others, last = self._expected
        expected = f"{', '.join(others)} or {last}" if others else last
        found = f"its word {self._furthest + 1} is {self._words[self._furthest]!r}" if self._more() else "it ends"
        return SentenceError(
            f"{self.sentence!r} is not understood, so nothing was touched: {found} where {expected} was expected",
            place=self._furthest,
        )

    def _more(self) -> bool:
        return self._furthest < len(self._words)

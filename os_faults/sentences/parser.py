"""From a sentence to its meaning. A sentence is understood fully, or it is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from os_faults.errors import ArgumentError, did_you_mean
from os_faults.sentences.grammar import AT, DIRECTION, NODE, PREPOSITIONS, Form
from os_faults.sentences.meaning import Holder, Meaning, Peer, Where
from os_faults.sentences.words import Mismatch, Words

_ONE = ("one", "random", "some", "single")
_NODES = ("node", "nodes")
_UNITS = {
    **dict.fromkeys(("second", "seconds", "sec", "s"), 1),
    **dict.fromkeys(("minute", "minutes", "min"), 60),
    **dict.fromkeys(("hour", "hours", "h"), 3600),
}
_KEYWORDS = {*_ONE, *_NODES, "all", "on", "for", "with", "and", "of", "from", "to", "at", "in", *PREPOSITIONS}
_NODE_NAME = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:%-]*")
_THING_NAME = re.compile(r"[A-Za-z0-9@][A-Za-z0-9._:@-]*")


def understand(sentence: str, forms: Sequence[Form]) -> Meaning:
    """Return the meaning of a sentence.

    Args:
        sentence: the text. The words of the grammar may be in upper or lower case; names are kept as written.
        forms: the forms of sentences, as `grammar.forms_of` returns them.

    Raises:
        SentenceError: it is not fully understood; the message has the word and the expected words.

    Example:
        >>> understand("freeze keystone service on one node for 2 minutes", forms)
        Meaning(verb='freeze', subject=Holder(kind='service', name='keystone'), where=Where(count=1), ...)
    """
    words = Words(sentence)
    kinds = tuple(dict.fromkeys(form.kind for form in forms if form.kind != NODE))
    readings = [(form, spelling) for form in forms for spelling in form.spellings if words.start(spelling)]
    for form, spelling in readings:
        words.start(spelling)
        try:
            return _Reading(words, form, kinds).whole()
        except Mismatch:
            pass
    if not readings:
        words.start(())
        words.expect(f"a verb ({did_you_mean(words.peek().lower(), {form.verb for form in forms})})")
    raise words.refusal()


class _Reading:
    """One reading of a sentence, by one form.

    Args:
        words: the words of the sentence, after its verb.
        form: the form of the verb.
        kinds: the kinds of components: ``service``, ``container``.
    """

    def __init__(self, words: Words, form: Form, kinds: Sequence[str]) -> None:
        self._words = words
        self._form = form
        self._kinds = kinds
        self._options: dict[str, str | int] = {}
        self._subject: Holder | None = None
        self._where: Where | None = None
        self._peer: Peer | None = None

    def whole(self) -> Meaning:
        """Return the meaning of the whole sentence."""
        if self._form.kind == NODE:
            self._object()
        else:
            self._subject = self._holder((self._form.kind,))
        clauses: list[Callable[[], bool]] = [self._nodes, self._time, self._start_time, self._with, self._direction]
        while any(clause() for clause in clauses):
            pass
        self._complete()
        self._words.end()
        return Meaning(self._form.verb, self._subject, self._where or Where(), self._options, self._peer)

    # -- the subject ----------------------------------------------------------------------------

    def _object(self) -> None:
        """Read the options of a node verb that may stand without ``with``: a target, the name of a network."""
        if option := self._form.bare:
            choices = tuple(map(str, option.choices))
            if found := self._words.take(*choices):
                self._options[option.name] = found
        if self._form.named:
            name, noun = self._form.named
            if self._words.peek(1).lower() == noun:
                self._options[name] = self._words.value(f"the name of a {noun}")
                self._words.need(noun)
            else:
                self._words.expect(f"the name of a {noun} and the word {noun!r}")
        if (self._form.bare or self._form.named) and not self._options and _is_node_list(self._words.peek()):
            raise Mismatch  # more likely an unknown target than the name of a node

    def _holder(self, kinds: Sequence[str]) -> Holder:
        name = self._words.value(f"the name of a {' or '.join(kinds)}", self._is_thing)
        return Holder(self._words.need(*kinds), name)

    def _is_thing(self, word: str) -> bool:
        return bool(_THING_NAME.fullmatch(word)) and word.lower() not in {*_KEYWORDS, *self._kinds}

    # -- where ----------------------------------------------------------------------------------

    def _nodes(self) -> bool:
        """Read ``on one node``; the nodes themselves need no ``on``."""
        if self._where is not None:
            return False
        if self._words.take("on") is None and self._form.kind != NODE:
            return False
        if self._form.kind == NODE and self._words.peek().lower() in ("for", "with", "at", "in", ""):
            self._words.expect("'nodes'")
            return False
        self._where = self._which()
        return True

    def _which(self) -> Where:
        count, names, alone = self._determiner()
        holder = self._having()
        if alone and holder is None:
            self._words.expect("before it 'one', 'all' or the name of a node")
            raise Mismatch
        return Where(count, names, holder)

    def _determiner(self) -> tuple[int | None, tuple[str, ...], bool]:
        """Return the number of nodes, their names, and whether the word ``node`` stands alone."""
        words = self._words
        if words.peek().isdecimal():
            count = int(words.value("a number of nodes", lambda word: int(word) > 0))
            words.need(*_NODES)
            return count, (), False
        if words.take("all"):
            words.need(*_NODES)
            return None, (), False
        if words.take(*_ONE):
            words.need("node")
            return 1, (), False
        if found := words.take(*_NODES):
            return None, (), found == "node"
        names = self._names()
        words.take(*_NODES)
        return None, names, False

    def _names(self) -> tuple[str, ...]:
        """Read names, with commas or ``and`` between them."""
        names: list[str] = []
        while True:
            word = self._words.value("a number, or names of nodes", _is_node_list)
            names += [name for name in word.split(",") if name]
            if not word.endswith(",") and not self._words.take("and"):
                return tuple(names)

    def _having(self) -> Holder | None:
        """Read ``with mysql service``, unless an option of the verb follows ``with``."""
        words = self._words
        if words.peek().lower() == "with" and words.peek(2).lower() in self._kinds:
            words.place += 1
            return self._holder(self._kinds)
        words.expect(*(f"'with NAME {kind}'" for kind in self._kinds))
        return None

    # -- how ------------------------------------------------------------------------------------

    def _time(self) -> bool:
        """Read ``for 5 minutes``."""
        time = self._form.time
        if time is None or time in self._options or not self._words.take("for"):
            return False
        number = self._words.value("a whole number above 0", lambda word: word.isdecimal() and int(word) > 0)
        self._options[time] = int(number) * _UNITS[self._words.need(*_UNITS)]
        return True

    def _start_time(self) -> bool:
        """Read ``at 12:30:00`` or ``in 3 seconds``."""
        if AT not in self._form.options or AT in self._options:
            return False
        if self._words.take("in"):
            number = self._words.value("a number of seconds, minutes or hours", self._fits(AT))
            self._options[AT] = f"{number} {self._words.need(*_UNITS)}"
            return True
        if self._words.take("at"):
            self._options[AT] = self._words.value("a time of day", self._fits(AT))
            return True
        return False

    def _with(self) -> bool:
        """Read ``with path /var/lib and free 10M``."""
        left = [name for name in self._form.options if name not in self._options]
        if not left or not self._words.take("with"):
            return False
        self._words.expect(*(f"'NAME {kind}'" for kind in self._kinds if self._form.kind == NODE))
        while True:
            name = self._words.need(*(name for name in self._form.options if name not in self._options))
            self._options[name] = self._words.value(f"a value of {name}", self._fits(name))
            if not self._words.take("and"):
                return True

    def _fits(self, name: str) -> Callable[[str], bool]:
        def fits(word: str) -> bool:
            try:
                self._form.options[name].convert(word)
            except ArgumentError:
                return False
            return bool(word)

        return fits

    def _direction(self) -> bool:
        """Read ``egress to mysql service``."""
        if not self._form.directed or self._peer is not None or DIRECTION in self._options:
            return False
        direction = self._words.take(*PREPOSITIONS)
        if direction is None:
            return False
        self._words.need(PREPOSITIONS[direction])
        other = self._holder(("service",))
        self._peer = Peer(other.kind, other.name, direction)
        return True

    def _complete(self) -> None:
        """Refuse a sentence without all required options of the verb."""
        if self._form.kind == NODE and self._where is None:
            self._words.expect("'nodes'")
            raise Mismatch
        for name in self._form.required:
            if name not in self._options:
                self._words.expect(f"'with {name} {'|'.join(map(str, self._form.options[name].choices)) or 'VALUE'}'")
                raise Mismatch


def _is_node_list(word: str) -> bool:
    names = word.removesuffix(",").split(",")
    return all(_NODE_NAME.fullmatch(name) and name.lower() not in _KEYWORDS for name in names)

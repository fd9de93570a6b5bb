"""The typed contract of a playbook: its verbs and their arguments.

A contract is `<playbook>.meta.yml` beside the playbook, in the play-argument format of ansible-core 2.20. Our own keys
are inside the spec; `docs/how-it-works.md` lists them. Arguments are checked here before a run, and once more by
Ansible in the run. Both checks use the messages of Ansible's argument-spec validator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from os_faults.actions.convert import CONVERTERS
from os_faults.actions.template_marks import marked
from os_faults.errors import ArgumentError, ConfigError, did_you_mean
from os_faults.model.duration import seconds_or_never, whole_seconds
from os_faults.model.start_time import seconds_of
from os_faults.resources import read_yaml

#: The options for the end of a fault; the first that is given counts.
ENDS = ("seconds", "duration", "heal_after")

#: The words for the option that `Contract.end_of` returns: the word of all verbs, and one of version 0.3.
_HOW_LONG = ("seconds", "sec")
#: Types of options that only the library sets.
_INTERNAL = ("dict", "raw")
_BIGGEST = 2**53
_SUFFIX = ".meta.yml"
_AMOUNT = re.compile(r"[0-9]+[KMGT]?")


@dataclass(frozen=True)
class Verb:
    """One verb of a contract.

    Attributes:
        name: the verb, also the value of the option ``verbs_from``.
        help: one sentence about its effect.
    """

    name: str
    help: str = ""


@dataclass(frozen=True)
class Option:
    """One option of a playbook.

    Attributes:
        name: name of the variable.
        type: ``str``, ``int``, ``float``, ``bool``, ``list``, ``dict``, ``path`` or ``raw`` as in Ansible; of our own
            types `AT` is a ``start_time``, and the options of ``times`` are a ``duration`` or a ``duration|never``.
        required: whether a run needs it.
        default: the value in the playbook when it is not given.
        choices: the allowed values; empty allows all of the type.
        description: its meaning, with the unit.
    """

    name: str
    type: str = "str"
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    description: str = ""

    def convert(self, value: Any) -> Any:
        """Return ``value`` as the option's type, as Ansible converts it.

        Example:
            >>> Option("seconds", type="int").convert("30")
            30

        Raises:
            ArgumentError: it can't be converted, or is not one of the choices.
        """
        try:
            converted = (_OUR_TYPES.get(self.type) or CONVERTERS[self.type])(value)
        except (TypeError, ValueError, OverflowError) as error:
            if self.type in _OUR_TYPES:
                raise ArgumentError(f"value of {self.name} must be {error}, got: {str(value)[:40]}") from None
            raise ArgumentError(
                f"argument '{self.name}' is of type {type(value).__name__} "
                f"and we were unable to convert to {self.type}: {error}"
            ) from None
        if isinstance(converted, (int, float)) and not abs(converted) < _BIGGEST:
            raise ArgumentError(f"value of {self.name} must be a number that is not that big")
        if self.choices:
            self._choose(converted)
        return converted

    def _choose(self, value: Any) -> None:
        choices = ", ".join(map(str, self.choices))
        if isinstance(value, list):
            if wrong := [str(item) for item in value if item not in self.choices]:
                raise ArgumentError(
                    f"value of {self.name} must be one or more of: {choices}. Got no match for: {', '.join(wrong)}"
                )
        elif value not in self.choices:
            raise ArgumentError(f"value of {self.name} must be one of: {choices}, got: {value}")


#: The option of every verb that can have a start time (``takes_start_time``); its contract need not repeat it.
AT = Option(
    name="at",
    type="start_time",
    description=(
        "The start time on every node: a delay (5s, 2min, in 5 seconds), a time of day (12:30, 12:30:00) or "
        "ISO 8601 (2026-11-27T12:30:00+01:00). A number is seconds from now, or since the epoch when it is above "
        "86400. The nodes are armed before; the fault begins on all of them or on none"
    ),
)


@dataclass(frozen=True)
class Contract:
    """The verbs and options of a bundled playbook.

    Attributes:
        playbook: file name (``service_state.yml``).
        subject: ``service``, ``container``, ``node`` or ``cloud``.
        verbs_from: the option whose choices are the verbs; None when the playbook has no verbs.
        verbs: its verbs, in the order of the choices.
        options: name → option; the one of ``verbs_from`` included.
        also_called: another word for a verb → the verb.
        undone_by: verb → the verb of the same playbook that undoes it.
        only_for: option → the verbs that take it; all verbs take an option that is not named.
        from_outside: whether it acts on the machine of a node, through power management; the node itself may be off.
        breaks_connections: the verbs after which an open ssh connection may be dead.
        asked_by_plan: the verbs for which a plan asks the nodes what goes with them.
        read_only: whether it changes nothing on any host.
        subject_from: the options that name the target of a fault, by which hosts distinguish faults; empty when a host
            can have only one fault.
        times: options that are a duration, see `os_faults.model.duration`.
        endless: those of ``times`` that may also be the word ``never``.
        amounts: options that are a whole number, also with a suffix K, M, G or T.
        ranges: option → its lowest and its highest number.
        short_description: one line for people.
        description: the full description, one text for each paragraph.
        examples: command lines, as text.
    """

    playbook: str
    subject: str
    verbs_from: str | None = None
    verbs: tuple[Verb, ...] = ()
    options: Mapping[str, Option] = field(default_factory=dict)
    also_called: Mapping[str, str] = field(default_factory=dict)
    undone_by: Mapping[str, str] = field(default_factory=dict)
    only_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    from_outside: bool = False
    breaks_connections: frozenset[str] = frozenset()
    asked_by_plan: frozenset[str] = frozenset()
    read_only: bool = False
    subject_from: tuple[str, ...] = ()
    times: frozenset[str] = frozenset()
    endless: frozenset[str] = frozenset()
    amounts: frozenset[str] = frozenset()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    short_description: str = ""
    description: tuple[str, ...] = ()
    examples: str = ""

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments converted to their types.

        Args:
            arguments: option → value; None means "not given".

        Returns:
            The given arguments. Defaults are not filled in: the playbook has them.

        Example:
            >>> contract.check({"service": "keystone", "service_action": "restart", "service_timeout": "60"})
            {'service': 'keystone', 'service_action': 'restart', 'service_timeout': 60}

        Raises:
            ArgumentError: all problems, in Ansible's words, joined by ``; ``.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        verb = str(given.get(self.verbs_from or ""))
        unknown = [name for name in given if name not in self.options]
        problems = [self._unknown(verb, name) for name in unknown]
        problems += [
            f"{verb} does not take {name}, only {' and '.join(self.only_for[name])}"
            for name in given
            if not self.takes(verb, name)
        ]
        missing = sorted(name for name, option in self.options.items() if option.required and name not in given)
        problems += [f"missing required arguments: {', '.join(missing)}"] if missing else []
        problems += [sentence for name, value in given.items() for sentence in marked(value, f"argument '{name}'")]
        converted: dict[str, Any] = {}
        for name, option in self.options.items():
            if name in given:
                try:
                    converted[name] = option.convert(given[name])
                    self._check_number(option, converted[name])
                except ArgumentError as error:
                    problems.append(str(error))
        if problems:
            raise ArgumentError("; ".join(problems))
        return converted

    def _unknown(self, verb: str, name: str) -> str:
        if name == AT.name:
            return f"{verb} takes no at: only a fault that the nodes hold and end by themselves can have a start time"
        return f"unknown argument '{name}': {did_you_mean(name, self.words(verb))}"

    def words(self, verb: str) -> list[str]:
        """Return the arguments that a caller may give for a verb; the library itself sets the others."""
        options = (
            name
            for name, option in self.options.items()
            if name not in (self.verbs_from, self.subject) and self.takes(verb, name) and option.type not in _INTERNAL
        )
        shown = {"timeout" if name == self._timeout else name for name in options}
        shared = {"limit": self.breaks(verb), "seconds": self.end_of(verb)}
        return sorted(shown | {word for word, fits in shared.items() if fits})

    def option_of(self, verb: str, word: str) -> str:
        """Return the option that a word of a caller means: its name, or a word that all verbs share.

        Example:
            >>> contract.option_of("restart", "timeout")
            'service_timeout'
        """
        if word in _HOW_LONG:
            return self.end_of(verb) or word
        return self._timeout if word == "timeout" and self._timeout in self.options else word

    @property
    def _timeout(self) -> str:
        return f"{self.subject}_timeout"

    def takes(self, verb: str, option: str) -> bool:
        """Return whether ``verb`` takes an option."""
        return verb in self.only_for.get(option, (verb,))

    def _check_number(self, option: Option, value: Any) -> None:
        if option.name in self.amounts and not _AMOUNT.fullmatch(value):
            raise ArgumentError(f"value of {option.name} must be a number, or one with K, M, G or T, got: {value}")
        if option.name in self.ranges:
            low, high = self.ranges[option.name]
            if not low <= value <= high:
                raise ArgumentError(f"value of {option.name} must be from {low} to {high}, got: {value}")

    def breaks(self, verb: str) -> bool:
        """Return whether ``verb`` breaks something: it is neither read-only nor the undo of another verb."""
        return not self.read_only and verb not in self.undone_by.values()

    def end_of(self, verb: str) -> str | None:
        """Return the option for the end of ``verb``; None when it does not end by itself.

        Example:
            >>> str(contract.end_of("restart"))
            'None'
        """
        return next((name for name in ENDS if name in self.options and self.takes(verb, name)), None)

    def hits(self, arguments: Mapping[str, Any]) -> str:
        """Return the target of a fault with these arguments, as the hosts report it.

        The name of a container is followed by the word ``container``, as a service may have the same name.

        Args:
            arguments: as `check` returns them.
        """
        given = (arguments.get(name) for name in self.subject_from)
        words = ("/".join(map(str, value)) if isinstance(value, list) else str(value) for value in given if value)
        return " ".join([*words, *([self.subject] if self.subject == "container" else [])])

    def undone_verbs(self, verb: str) -> frozenset[str]:
        """Return the verbs whose faults ``verb`` undoes; none when it undoes nothing."""
        return frozenset(each for each, undo in self.undone_by.items() if undo == verb)

    def undo_of(self, verb: str) -> str | None:
        """Return the verb that undoes ``verb``; None when it needs no undo or has none."""
        return self.undone_by.get(verb)


def load_contracts(directory: Path) -> dict[str, Contract]:
    """Return file name of the playbook → contract, for every contract in a directory.

    Raises:
        ConfigError: a contract has another form than this module reads; the message names the file.
    """
    contracts = (_read(path) for path in sorted(directory.glob(f"*{_SUFFIX}")))
    return {contract.playbook: contract for contract in contracts}


def find_verb(contracts: Mapping[str, Contract], subject: str, verb: str) -> Contract:
    """Return the contract that has ``verb`` for ``subject``.

    Args:
        contracts: as `load_contracts` returns them.
        subject: ``service``, ``container``, ``node`` or ``cloud``.
        verb: the verb.

    Raises:
        ArgumentError: there is no such verb; the message has the nearest ones.
    """
    fitting = [contract for contract in contracts.values() if contract.subject == subject]
    words = {word.name: contract for contract in fitting for word in contract.verbs}
    if verb not in words:
        raise ArgumentError(f"a {subject} has no verb {verb!r}: {did_you_mean(verb, words)}")
    return words[verb]


def _read(path: Path) -> Contract:
    playbook = path.name.removesuffix(_SUFFIX) + ".yml"
    content = read_yaml(path)
    try:
        (spec,) = content["argument_specs"].values()
        options = {name: _option(name, option, spec) for name, option in spec["options"].items()}
        with_start_time = tuple(spec.get("takes_start_time", ()))
        verbs_from = spec.get("verbs_from")
        helps = spec.get("verbs", {})
        return Contract(
            playbook=playbook,
            subject=spec["subject"],
            verbs_from=verbs_from,
            verbs=tuple(Verb(word, helps.get(word, "")) for word in options[verbs_from].choices) if verbs_from else (),
            options={**options, AT.name: AT} if with_start_time else options,
            also_called=spec.get("also_called", {}),
            undone_by=spec.get("undone_by", {}),
            only_for={
                **{name: tuple(verbs) for name, verbs in spec.get("only_for", {}).items()},
                **({AT.name: with_start_time} if with_start_time else {}),
            },
            from_outside=spec.get("from_outside", False),
            breaks_connections=frozenset(spec.get("breaks_connections", ())),
            asked_by_plan=frozenset(spec.get("asked_by_plan", ())),
            read_only=spec.get("read_only", False),
            subject_from=_several(spec.get("subject_from", ())),
            times=frozenset(spec.get("times", ())),
            endless=frozenset(spec.get("endless", ())),
            amounts=frozenset(spec.get("amounts", ())),
            ranges={name: (low, high) for name, (low, high) in spec.get("ranges", {}).items()},
            short_description=spec.get("short_description", ""),
            description=_several(spec.get("description", ())),
            examples=spec.get("examples", ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"{path} is not a contract: {type(error).__name__} {error}") from error


def _option(name: str, spec: Mapping[str, Any], contract: Mapping[str, Any]) -> Option:
    kind = spec.get("type", "str")
    if kind not in CONVERTERS:
        raise ValueError(f"option {name} has the type {kind!r}; allowed are {', '.join(CONVERTERS)}")
    if name in contract.get("times", ()):
        kind = _ENDLESS if name in contract.get("endless", ()) else _DURATION
    return Option(
        name=name,
        type=kind,
        required=spec.get("required", False),
        default=spec.get("default"),
        choices=tuple(spec.get("choices", ())),
        description=" ".join(_several(spec.get("description", ()))),
    )


def _several(text: str | Sequence[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


_DURATION, _ENDLESS = "duration", "duration|never"
#: Types that Ansible does not have → function that converts a value; its error completes "it must be …".
_OUR_TYPES: Mapping[str, Callable[[Any], Any]] = {
    AT.type: seconds_of,
    _DURATION: whole_seconds,
    _ENDLESS: seconds_or_never,
}

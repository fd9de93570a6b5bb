"""From the contracts of the playbooks to the forms of sentences; no verb is named here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from os_faults.actions.contract import Contract, Option

NODE = "node"
#: The option that ``at 12:30`` and ``in 3 seconds`` set.
AT = "at"
#: The option for the direction of the traffic, and for each direction the word before the other end.
DIRECTION = "direction"
PREPOSITIONS: Mapping[str, str] = {"ingress": "from", "egress": "to"}

#: Types of options that are never in a sentence: the library sets them.
_INTERNAL = ("dict", "raw")
_NAME = "_name"


@dataclass(frozen=True)
class Form:
    """The form of sentences with one verb.

    Attributes:
        verb: the verb of the contract.
        kind: the kind of its subject: ``node``, ``service``, ``container``.
        spellings: the spellings of the verb, each as words.
        options: word → option, for ``with WORD VALUE``.
        time: the option that ``for 5 minutes`` sets; None when the verb has no time.
        bare: the option whose value may follow the verb alone (``stress cpu``).
        named: the option whose value may stand before its noun (``storage network``), and that noun.
        required: the required options.
        directed: whether it can act on the traffic from, or to, another service only.
    """

    verb: str
    kind: str
    spellings: tuple[tuple[str, ...], ...]
    options: Mapping[str, Option]
    time: str | None = None
    bare: Option | None = None
    named: tuple[str, str] | None = None
    required: tuple[str, ...] = ()
    directed: bool = False


def forms_of(contracts: Iterable[Contract]) -> tuple[Form, ...]:
    """Return the forms of all verbs of the contracts that act on nodes, services or containers.

    Example:
        >>> [form.verb for form in forms_of(contracts().values()) if form.time == "duration"]
        ['oom', 'stress']
    """
    fitting = [contract for contract in contracts if contract.verbs_from and contract.subject != "cloud"]
    return tuple(_form(contract, verb.name) for contract in fitting for verb in contract.verbs)


def _form(contract: Contract, verb: str) -> Form:
    options = {
        name: option
        for name, option in contract.options.items()
        if name not in (contract.verbs_from, contract.subject)
        and option.type not in _INTERNAL
        and contract.takes(verb, name)
    }
    directed = DIRECTION in options
    required = [option for option in options.values() if option.required]
    words = (verb, *(word for word, meant in contract.also_called.items() if meant == verb))
    return Form(
        verb=verb,
        kind=contract.subject,
        spellings=tuple(spelling for word in words for spelling in _spellings(word)),
        options=options,
        time=contract.end_of(verb),
        bare=next((option for option in required if option.choices), None),
        named=next(((option.name, _noun(option.name)) for option in required if option.name.endswith(_NAME)), None),
        required=tuple(option.name for option in required),
        directed=directed,
    )


def _spellings(word: str) -> list[tuple[str, ...]]:
    """Return a verb as one word and, if it has an underscore, as several words.

    Example:
        >>> _spellings("fill_disk")
        [('fill_disk',), ('fill', 'disk')]
    """
    return [(word,)] + ([tuple(word.split("_"))] if "_" in word else [])


def _noun(option: str) -> str:
    return option.removesuffix(_NAME).replace("_", " ")

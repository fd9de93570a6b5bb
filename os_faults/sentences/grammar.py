"""From the contracts of the playbooks to what can be said; no verb is named here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from os_faults.actions.contract import Contract, Option

NODE = "node"
#: The option that ``at 12:30`` and ``in 3 seconds`` set.
AT = "at"
#: The option that says on which way of the traffic a verb acts, and the word before the other end of each way.
DIRECTION = "direction"
PREPOSITIONS: Mapping[str, str] = {"ingress": "from", "egress": "to"}

#: What stands in the options and is never said: the library finds it out.
_NOT_SAID = ("dict", "raw")
_NAME = "_name"


@dataclass(frozen=True)
class Form:
    """How one verb can be said.

    Attributes:
        verb: the word of the contract.
        kind: what it is done to: ``node``, ``service``, ``container``.
        spellings: the ways to write the verb, each as words.
        options: word → option, for ``with WORD VALUE``.
        time: the option that ``for 5 minutes`` sets; None when the verb knows no time.
        bare: the option whose value may be said alone after the verb (``stress cpu``).
        named: the option whose value may be said before its noun (``storage network``), and that noun.
        required: the options without which the verb can't be done.
        directed: whether it can be done to what comes from, or goes to, another service.
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
    """Return how each verb of the contracts can be said: every verb that is done to nodes or to a thing on them.

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
        and option.type not in _NOT_SAID
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
    """Return a verb in one word, and in several where it has an underscore.

    Example:
        >>> _spellings("fill_disk")
        [('fill_disk',), ('fill', 'disk')]
    """
    return [(word,)] + ([tuple(word.split("_"))] if "_" in word else [])


def _noun(option: str) -> str:
    return option.removesuffix(_NAME).replace("_", " ")

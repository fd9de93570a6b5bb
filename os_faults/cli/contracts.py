"""From a contract to the arguments and options of a command; no verb is named here.

Required options of the contract are arguments of the command, in the contract's order; the others are options.
"""

from __future__ import annotations

import re
from collections.abc import Container
from textwrap import fill
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from os_faults.cli import names
from os_faults.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from os_faults.actions.contract import Contract, Option

    _ParamType = click.ParamType[Any]
else:
    _ParamType = click.ParamType  # older versions of click have no generic one

_WIDTH = 76
#: Option → its completion.
_COMPLETED = {
    "service": names.services,
    "container": names.containers,
    "network_name": names.networks,
    "others": names.other_nodes,
    "fault_ids": names.fault_ids,
    "other": names.services,
}


class Value(_ParamType):
    """The type of a command's argument, checked by the contract, as Ansible does.

    Args:
        option: the option of the contract.
    """

    def __init__(self, option: Option) -> None:
        self.name = option.type
        self._option = option

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the converted value, or fail with the nearest valid values."""
        choices = [str(choice) for choice in self._option.choices]
        if choices and isinstance(value, str) and self._option.type == "str" and value not in choices:
            self.fail(f"{self._option.name} {value!r} is not known: {did_you_mean(value, choices)}", param, ctx)
        try:
            return self._option.convert(value)
        except ArgumentError as error:
            self.fail(str(error), param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str | None:
        """Return the placeholder of the value in the help."""
        return "|".join(map(str, self._option.choices)) or None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the choices that begin with the typed text."""
        return [CompletionItem(str(choice)) for choice in self._option.choices if str(choice).startswith(incomplete)]


def parameters(contract: Contract, verb: str = "") -> list[click.Parameter]:
    """Return the arguments and options of a command for a verb, without the option of the verb itself."""
    options = [
        option
        for name, option in contract.options.items()
        if name != contract.verbs_from and contract.takes(verb, name)
    ]
    words: list[click.Parameter] = [
        click.Argument(
            [option.name],
            type=Value(option),
            metavar=option.name.upper(),
            shell_complete=_COMPLETED.get(option.name),
        )
        for option in options
        if option.required
    ]
    end = contract.end_of(verb)
    return words + [_switch(option, is_end=option.name == end) for option in options if not option.required]


class _HowLong(click.Option):
    """The option ``--for``; its older word works too, and the help does not show it."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the two columns of the help."""
        record = super().get_help_record(ctx)
        return record and (record[0].replace(f", {self.opts[-1]}", ""), record[1])


def _switch(option: Option, *, is_end: bool) -> click.Option:
    word = option.name.replace("_", "-")
    about = plain(option.description)
    if option.default not in (None, [], {}, ""):
        about += f"  [default: {str(option.default).lower() if option.type == 'bool' else option.default}]"
    if option.type == "bool":
        return click.Option([option.name, f"--{word}/--no-{word}"], default=None, help=about)
    kind, words = (_HowLong, ["--for"]) if is_end else (click.Option, [])
    return kind(
        [option.name, *words, f"--{word}"],
        type=Value(option),
        default=None,
        help=about,
        shell_complete=_COMPLETED.get(option.name),
    )


def help_of(contract: Contract, verb: str) -> str:
    """Return the help of a verb: its sentence, its arguments, its undo."""
    sentence = next((plain(word.help) for word in contract.verbs if word.name == verb), "")
    parts = [f"{sentence or plain(contract.short_description)}."]
    words = [option for name, option in contract.options.items() if option.required and name != contract.verbs_from]
    if words:
        lines = (f"{option.name.upper()}: {plain(option.description)}{_one_of(option)}" for option in words)
        parts.append("\b\n" + "\n".join(fill(line, _WIDTH, subsequent_indent="  ") for line in lines))
    if undo := contract.undo_of(verb):
        parts.append(f"Taken back by {undo!r} and by 'os-faults heal'.")
    return "\n\n".join(parts)


def options_given(contract: Contract, values: dict[str, Any], without: Container[str] = ()) -> dict[str, Any]:
    """Return the given values of a command line that are options of the contract."""
    return {
        name: value
        for name, value in values.items()
        if name in contract.options and name not in without and value is not None
    }


def plain(text: str) -> str:
    """Return a description without Ansible's markup.

    Example:
        >>> plain("C(terminate) lasts")
        'terminate lasts'
    """
    return re.sub(r"\b[BCEILMOPRUV]\(([^)]*)\)", r"\1", " ".join(text.split()))


def _one_of(option: Option) -> str:
    return f" ({', '.join(map(str, option.choices))})" if option.choices else ""

"""Names for the completion of a shell: from the configuration and the last discovery; no host is asked."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from os_faults.cli.session import Session
from os_faults.errors import OSFException

if TYPE_CHECKING:
    from os_faults.discovery.names import Names
    from os_faults.faults.journal import Journal
    from os_faults.model import Node
    from os_faults.registry import Drivers


def services(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the services that begin with the typed text."""
    return _beginning(incomplete, _names(_drivers(ctx)).services)


def containers(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the containers that begin with the typed text."""
    return _beginning(incomplete, _names(_drivers(ctx)).containers)


def nodes(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the completions of ``--on``: its words, or a further name in a list of names."""
    words = [] if "," in incomplete else ["all", "one"]
    return _listed(incomplete, [*words, *_known_nodes(_drivers(ctx))])


def other_nodes(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return a further name of a node in a list of names."""
    return _listed(incomplete, _known_nodes(_drivers(ctx)))


def networks(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the networks that begin with the typed text."""
    return _beginning(incomplete, _networks(_drivers(ctx)))


def clouds(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the clouds of ``clouds.yaml`` that begin with the typed text."""
    from os_faults.config.sources import Places, clouds_with_block

    try:
        return _beginning(incomplete, clouds_with_block(Places(os.environ, Path.cwd())))
    except (OSFException, OSError):
        return []


def kinds_of_cloud(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the kinds of cloud that begin with the typed text."""
    from os_faults.registry import present_names

    return _beginning(incomplete, present_names("cloud"))


def fault_ids(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return a further id in a list of ids: those of the faults in the journal of this controller."""
    from os_faults.faults.journal import INTENDED

    journal = _journal(_drivers(ctx))
    entries = journal.open(time.time()) if journal else ()
    return _listed(incomplete, {entry.id for entry in entries if entry.state != INTENDED and " " not in entry.id})


def sentence(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the words with which a sentence can go on."""
    from os_faults.human import forms
    from os_faults.sentences import next_word

    typed = ctx.params.get(str(param.name)) or ()
    found = next_word(tuple(typed), forms())
    named = {"service": services, "container": containers, "network": networks, "node": other_nodes}
    items = [item for kind in sorted(found.kinds) for item in named[kind](ctx, param, incomplete)]
    return [*_beginning(incomplete, found.words), *items]


def _names(drivers: Drivers | None) -> Names:
    """Return the names of the services and containers of the configuration."""
    from os_faults.discovery.names import Names
    from os_faults.resources import catalogue

    if drivers is None:
        return Names({}, {})
    return Names.of(catalogue(drivers.cloud.catalogue), drivers.services, drivers.containers)


def _journal(drivers: Drivers | None) -> Journal | None:
    from os_faults.config.state import file_of, state_dir
    from os_faults.faults.journal import Journal

    return Journal(file_of(state_dir(os.environ), drivers.cloud.identity, ".journal")) if drivers else None


def _known_nodes(drivers: Drivers | None) -> dict[str, Node]:
    """Return the nodes of the last discovery."""
    from os_faults.config.state import file_of, state_dir
    from os_faults.discovery.last_seen import LastSeen

    if drivers is None:
        return {}
    seeds = {seed.ip: seed.auth for seed in drivers.cloud.seeds()}
    return LastSeen(file_of(state_dir(os.environ), drivers.cloud.identity, ".json")).recall(seeds)


def _networks(drivers: Drivers | None) -> set[str]:
    return {name for node in _known_nodes(drivers).values() if drivers for name in drivers.cloud.networks(node)}


def _drivers(ctx: click.Context) -> Drivers | None:
    """Return the drivers of the configuration; None for a missing or wrong one, as completion shows no errors."""
    from os_faults.config import load
    from os_faults.registry import drivers_of

    session = ctx.ensure_object(Session)
    try:
        return drivers_of(load(None, session.config, session.cloud))
    except OSFException:
        return None


def _beginning(incomplete: str, words: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(word) for word in sorted(words) if word.startswith(incomplete) and word.isprintable()]


def _listed(incomplete: str, words: Iterable[str]) -> list[CompletionItem]:
    """Return the completions of a list with commas."""
    before, comma, _ = incomplete.rpartition(",")
    return _beginning(incomplete, (f"{before}{comma}{word}" for word in words if word not in before.split(",")))

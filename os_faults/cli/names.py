"""Names for the completion of a shell: from the configuration and the last discovery; no host is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from os_faults.cli.session import Session
from os_faults.errors import OSFException

if TYPE_CHECKING:
    from os_faults.registry import Drivers


def services(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the services that begin with the typed text."""
    from os_faults.resources import catalogue

    drivers = _drivers(ctx)
    return _beginning(incomplete, {**catalogue(drivers.cloud.catalogue), **drivers.services} if drivers else ())


def containers(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the containers that begin with the typed text."""
    drivers = _drivers(ctx)
    return _beginning(incomplete, drivers.containers if drivers else ())


def nodes(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the completions of ``--on``: its words, or a further name in a list of names."""
    from os_faults.config.state import file_of, state_dir
    from os_faults.discovery.last_seen import LastSeen

    before, comma, _ = incomplete.rpartition(",")
    words = [] if comma else ["all", "one"]
    if drivers := _drivers(ctx):
        seeds = {seed.ip: seed.auth for seed in drivers.cloud.seeds()}
        words += LastSeen(file_of(state_dir(os.environ), drivers.cloud.identity, ".json")).recall(seeds)
    return _beginning(incomplete, (f"{before}{comma}{word}" for word in words if word not in before.split(",")))


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

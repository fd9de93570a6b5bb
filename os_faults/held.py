"""Faults that take a node away, as the controller's journal knows them: a node that is off can tell nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from os_faults.errors import ConfigError
from os_faults.journal import ENDED, HELD, INTENDED, Entry, Journal
from os_faults.model import Action, HostResult, Node, Result

LOG = logging.getLogger(__name__)


class Held:
    """Writes down which nodes are taken away, and when they are back.

    Args:
        journal: of the cloud.
        by: who acts, ``user@controller``.
    """

    def __init__(self, journal: Journal, by: str) -> None:
        self._journal = journal
        self._by = by

    def intend(self, action: Action, nodes: Iterable[Node]) -> None:
        """Write down that an action is about to power nodes off.

        Raises:
            ConfigError: it can't be written, so nobody would know afterwards what to take back.
        """
        now = time.time()
        try:
            self._journal.write([_powered_off(action, node, now, self._by) for node in nodes], now)
        except OSError as error:
            raise ConfigError(
                f"{action}: can't write the journal by which it is taken back, so nothing was done: {error}"
            ) from error

    def learn(self, result: Result, begun: float) -> None:
        """Write down what a result tells of nodes that are away.

        A journal that can't be written is told in the log: what was meant to be done stands there already.

        Args:
            result: what became of an action.
            begun: when it began, seconds since the epoch.
        """
        now = time.time()
        known = self._journal.open(now)
        try:
            self._journal.write(news(result, known, begun, now, self._by), now)
        except OSError as error:
            LOG.warning("can't write down what became of %s: %s", result.action, error)

    def off(self, nodes: Iterable[Node]) -> dict[str, Entry]:
        """Return the nodes that os_faults has powered off, by name; they may be on again."""
        return {node.fqdn: entry for node, entry in self._open(nodes) if entry.from_outside}

    def cut(self, nodes: Iterable[Node]) -> dict[str, Entry]:
        """Return the nodes that os_faults has cut off from the controller, by name; the later end wins."""
        cuts = [(node, entry) for node, entry in self._open(nodes) if not entry.from_outside]
        return {node.fqdn: entry for node, entry in sorted(cuts, key=lambda cut: cut[1].until or 0)}

    def _open(self, nodes: Iterable[Node]) -> Iterator[tuple[Node, Entry]]:
        known = self._journal.open(time.time())
        return ((node, entry) for node in nodes for entry in known if _is_about(entry, node))


def news(result: Result, known: Sequence[Entry], begun: float, now: float, by: str) -> list[Entry]:
    """Return the lines that follow from what became of an action.

    Args:
        result: what became of it.
        known: the faults that are not over.
        begun: when it began, seconds since the epoch.
        now: likewise.
        by: who acted.
    """
    action = result.action
    if action.check_mode:
        return []
    run = Path(result.artifacts or "").name
    lines: list[Entry] = []
    for node in action.nodes:
        host = result.hosts.get(node.fqdn)
        if host is None or not host.ok:
            continue  # an intention stays one: nobody knows how far it came
        entries = [entry for entry in known if _is_about(entry, node)]
        if action.undo and action.from_outside:
            meant = _powered_off(action, node, now, by)
            lines += _done(host, next((entry for entry in entries if entry.id == meant.id), meant), run)
        elif action.undo and host.payload.get("cuts_path"):
            lines.append(_cut_off(action, node, host, begun, by, run))
        else:
            lines += [replace(entry, state=ENDED) for entry in entries if _is_back(entry, action, host, begun, now)]
    return lines


def _is_about(entry: Entry, node: Node) -> bool:
    return node.fqdn == entry.node or node.ip == entry.address


def _powered_off(action: Action, node: Node, now: float, by: str) -> Entry:
    return Entry(
        node=node.fqdn,
        address=node.ip,
        id=f"{action.verb}-{node.fqdn}",
        verb=action.verb,
        subject="power",
        undo=str(action.undo),
        from_outside=True,
        state=INTENDED,
        since=now,
        until=None,
        deadline=now + action.timeout,
        by=by,
        run="",
    )


def _done(host: HostResult, meant: Entry, run: str) -> list[Entry]:
    """A node that went off is ours; one that was found off is not, unless it was ours before."""
    if host.changed:
        return [replace(meant, state=HELD, run=run)]
    return [replace(meant, state=ENDED, run=run)] if meant.state == INTENDED else []


def _cut_off(action: Action, node: Node, host: HostResult, begun: float, by: str, run: str) -> Entry:
    """The node takes this back itself at a time that it has told; until then nobody can ask it."""
    return Entry(
        node=node.fqdn,
        address=node.ip,
        id=str(host.payload.get("id")),
        verb=action.verb,
        subject=action.hits,
        undo=str(action.undo),
        from_outside=False,
        state=HELD,
        since=begun,
        until=host.payload.get("until"),
        deadline=begun + action.timeout,
        by=by,
        run=run,
    )


def _is_back(entry: Entry, action: Action, host: HostResult, begun: float, now: float) -> bool:
    """Return whether a node that did what was asked shows that a fault of an earlier action is over."""
    if entry.since >= begun:
        return False
    if not action.from_outside:
        there = True  # it answered
    else:
        there = entry.from_outside and (action.verb == entry.undo or host.payload.get("power_state") == "on")
    # A node that was asked to shut down is on for a while, also when the one who asked was interrupted.
    on_its_way = entry.state == INTENDED and entry.deadline > now and not (action.from_outside and host.changed)
    return there and not on_its_way

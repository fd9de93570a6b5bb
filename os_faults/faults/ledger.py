"""The ledger: reads and writes the controller's journal, the only record of a node that is off, cut off or silent."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from os_faults.errors import ConfigError
from os_faults.faults.journal import ENDED, HELD, INJECTED, INTENDED, Entry, Journal
from os_faults.model import Action, HostResult, Node, Result, Status

LOG = logging.getLogger(__name__)


class Ledger:
    """Records the faults of nodes: intended, injected, ended.

    Args:
        journal: the journal of the cloud.
        by: the acting user, ``user@controller``.
    """

    def __init__(self, journal: Journal, by: str) -> None:
        self._journal = journal
        self._by = by

    def intend(self, action: Action, nodes: Iterable[Node]) -> None:
        """Record that an action is about to power nodes off.

        Raises:
            ConfigError: the journal can't be written, so the undo would not be known afterwards.
        """
        now = time.time()
        self._must([_powered_off(action, node, now, self._by) for node in nodes], now, action)

    def announce(self, action: Action) -> None:
        """Record that an action is about to inject a fault that the nodes will hold and report themselves.

        Raises:
            ConfigError: the journal can't be written, so the fault of a node that falls silent would not be known.
        """
        now = time.time()
        self._must(
            [_on_the_node(action, node, INTENDED, now, None, self._by, "") for node in action.nodes], now, action
        )

    def withdraw(self, action: Action, *, untouched: bool = False) -> None:
        """Record that the effects of an interrupted action were undone.

        Args:
            action: the interrupted action.
            untouched: whether the action has not begun at all, so that machines are unchanged, too.
        """
        now = time.time()
        entries = [
            entry
            for _, entry in self._open(action.nodes)
            if _meant(entry, action) or (untouched and _meant_from_outside(entry, action))
        ]
        self._try(_ended(entries), now, action)

    def learn(self, result: Result, begun: float) -> None:
        """Record the faults that a result shows on its nodes.

        A journal that can't be written is only logged: it has the intention of the action already.

        Args:
            result: the result of an action.
            begun: start of the action, seconds since the epoch.
        """
        now = time.time()
        known = self._journal.open(now)
        self._try(news(result, known, begun, now, self._by), now, result.action)

    def off(self, nodes: Iterable[Node]) -> dict[str, Entry]:
        """Return the entries of nodes that os_faults has powered off, by name; the nodes may be on again."""
        return {node.fqdn: entry for node, entry in self._open(nodes) if entry.from_outside}

    def cut(self, nodes: Iterable[Node]) -> dict[str, Entry]:
        """Return the entries of nodes that os_faults has cut off from the controller, by name; the later end wins."""
        cuts = [(node, entry) for node, entry in self._open(nodes) if not entry.from_outside and entry.state == HELD]
        return {node.fqdn: entry for node, entry in sorted(cuts, key=lambda cut: cut[1].until or 0)}

    def last_known(self, nodes: Iterable[Node]) -> dict[str, list[Entry]]:
        """Return the faults that nodes held at their last answer, or may hold since then, by name."""
        known: dict[str, list[Entry]] = {}
        for node, entry in self._open(nodes):
            if not entry.from_outside and entry.state != HELD:
                known.setdefault(node.fqdn, []).append(entry)
        return known

    def ids(self) -> set[str]:
        """Return the ids of all recorded faults, also of those that are over; none when the journal can't be read."""
        return self._journal.ids()

    @property
    def unreadable(self) -> str:
        """A sentence with the reason when the last read of the journal failed; "" when it succeeded."""
        return self._journal.unreadable

    def _must(self, lines: Sequence[Entry], now: float, action: Action) -> None:
        try:
            self._journal.write(lines, now)
        except OSError as error:
            raise ConfigError(
                f"{action}: can't write the journal by which it is taken back, so nothing was done: {error}; "
                "XDG_STATE_HOME may name another directory for it"
            ) from error

    def _try(self, lines: Sequence[Entry], now: float, action: Action) -> None:
        try:
            self._journal.write(lines, now)
        except OSError as error:
            LOG.warning("can't record the outcome of %s in the journal: %s", action, error)

    def _open(self, nodes: Iterable[Node]) -> Iterator[tuple[Node, Entry]]:
        about = _by_node(self._journal.open(time.time()))
        return ((node, entry) for node in nodes for entry in about(node))


def news(result: Result, known: Sequence[Entry], begun: float, now: float, by: str) -> list[Entry]:
    """Return the new journal entries after an action.

    Args:
        result: the result of the action.
        known: the faults that are not over.
        begun: start of the action, seconds since the epoch.
        now: the current time, seconds since the epoch.
        by: the acting user, ``user@controller``.
    """
    action = result.action
    if action.check_mode:
        return []
    run = Path(result.artifacts or "").name
    about = _by_node(known)
    lines: list[Entry] = []
    for node in action.nodes:
        host = result.hosts.get(node.fqdn)
        entries = about(node)
        if host is None or not host.ok:
            lines += _failed(host, entries, action, begun)
        elif action.undo and action.from_outside:
            meant = _powered_off(action, node, now, by)
            lines += _done(host, next((entry for entry in entries if entry.id == meant.id), meant), run)
        elif action.undo:
            state = HELD if host.payload.get("cuts_path") else INJECTED
            made = _on_the_node(action, node, state, begun, host, by, run)
            meant_so = [entry for entry in entries if _meant(entry, action) and entry.id != made.id]
            lines += [made, *_ended(meant_so)]
        else:
            lines += _ended(entry for entry in entries if _is_over(entry, action, host, begun, now))
    return lines


def _ended(entries: Iterable[Entry]) -> list[Entry]:
    return [replace(entry, state=ENDED) for entry in entries]


def _by_node(known: Iterable[Entry]) -> Callable[[Node], list[Entry]]:
    """Return a function that returns the entries of a node, by its name or its address, in their order."""
    by_name: dict[str, dict[int, Entry]] = {}
    by_address: dict[str, dict[int, Entry]] = {}
    for number, entry in enumerate(known):
        by_name.setdefault(entry.node, {})[number] = entry
        by_address.setdefault(entry.address, {})[number] = entry

    def about(node: Node) -> list[Entry]:
        found = {**by_name.get(node.fqdn, {}), **by_address.get(node.ip, {})}
        return [found[number] for number in sorted(found)]

    return about


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
    """Return the entry of a power-off. A node that was off already is not ours, unless it was ours before."""
    if host.changed:
        return [replace(meant, state=HELD, run=run)]
    return [replace(meant, state=ENDED, run=run)] if meant.state == INTENDED else []


def _on_the_node(
    action: Action, node: Node, state: str, begun: float, host: HostResult | None, by: str, run: str
) -> Entry:
    """Return the entry of a fault that the node undoes itself; its end comes from the node, and is None before."""
    payload = host.payload if host else {}
    return Entry(
        node=node.fqdn,
        address=node.ip,
        id=str(payload.get("id") or f"{action.verb} {action.hits}".strip()),
        verb=action.verb,
        subject=action.hits,
        undo=str(action.undo),
        from_outside=False,
        state=state,
        since=begun,
        until=payload.get("until"),
        deadline=begun + action.timeout,
        by=by,
        run=run,
    )


def _meant(entry: Entry, action: Action) -> bool:
    """Return whether an entry is the intention of an action."""
    return (
        entry.state == INTENDED and not entry.from_outside and (entry.verb, entry.subject) == (action.verb, action.hits)
    )


def _meant_from_outside(entry: Entry, action: Action) -> bool:
    """Return whether an entry is the intention of an action on machines."""
    return entry.state == INTENDED and entry.from_outside and action.from_outside and entry.verb == action.verb


def _failed(host: HostResult | None, entries: Iterable[Entry], action: Action, begun: float) -> list[Entry]:
    """Return the ended entries of a failed node. One that reports its failure has undone it; a silent one may not."""
    if host is None or host.status is not Status.FAILED or not host.answered or host.payload.get("undo_failed"):
        return []
    return _ended(entry for entry in entries if _meant(entry, action) and entry.since >= begun)


def _is_over(entry: Entry, action: Action, host: HostResult, begun: float, now: float) -> bool:
    """Return whether the success of an action on a node shows that an earlier fault is over."""
    if entry.from_outside or entry.state == HELD:
        return _is_back(entry, action, host, begun, now)
    if "holds" in host.payload:  # it lists what it holds
        return not any(_is_the_same(entry, hold) for hold in host.payload["holds"])
    if "failed_holds" in host.payload:  # it healed
        return not action.arguments.get("fault_ids") or entry.id in host.payload.get("undone", ())
    return (action.verb, action.hits) == (entry.undo, entry.subject)


def _is_the_same(entry: Entry, hold: Mapping[str, Any]) -> bool:
    return entry.verb == hold["fault"] and entry.subject in ("", hold["subject"])


def _is_back(entry: Entry, action: Action, host: HostResult, begun: float, now: float) -> bool:
    """Return whether the success of an action on a node shows that the node is on and reachable again."""
    if entry.since >= begun:
        return False
    if not action.from_outside:
        there = True  # it answered
    else:
        there = entry.from_outside and (action.verb == entry.undo or host.payload.get("power_state") == "on")
    # A node that was asked to shut down stays on for a while, also when the command was interrupted.
    on_its_way = entry.state == INTENDED and entry.deadline > now and not (action.from_outside and host.changed)
    return there and not on_its_way

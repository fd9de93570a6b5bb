"""The listing of the faults in a cloud, and their undo.

A node reports and undoes its own faults. For a node that this controller has powered off or cut off, the journal is
used; a node that was powered off is powered on.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, replace
from itertools import chain
from typing import Any

from os_faults import actions
from os_faults.drivers.machines import Machines
from os_faults.errors import AnsibleExecutionException, ArgumentError
from os_faults.faults.journal import HELD, INTENDED, Entry
from os_faults.faults.ledger import Ledger
from os_faults.model import Action, Fault, HostResult, Node, Result, Status

LOG = logging.getLogger(__name__)

NOT_IN_FORCE = "not in force"
"""State of a fault that is injected, but whose effect somebody else has ended."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,299}")


class Faults:
    """Lists the faults of nodes and undoes them.

    Args:
        run: runs an action; for an action from outside it also gets the machines of the nodes.
        ledger: the faults that nodes can't report.
    """

    def __init__(self, run: Callable[..., Result], ledger: Ledger) -> None:
        self._run = run
        self._ledger = ledger

    def listing(self, nodes: Iterable[Node], machines: Machines) -> Result:
        """Return the faults that each node holds, see `faults_of`.

        Args:
            nodes: the nodes.
            machines: the machines of all nodes of the cloud.
        """
        nodes = tuple(nodes)
        listing = actions.for_playbook("faults.yml", nodes, verb="list", subject="the faults")
        off = self._off(nodes, machines)
        on = _without(nodes, off)
        if not on:
            return Result(listing, off)
        result = self._run(replace(listing, nodes=on))
        for name, host in result.items():
            for note in host.payload.get("notes", ()):
                LOG.warning("%s: %s", name, note)
        cuts, known = self._ledger.cut(on), self._ledger.last_known(on)
        reports = {name: _listed(host, cuts.get(name), known.get(name, ())) for name, host in result.items()}
        return replace(result, action=listing, hosts={**reports, **off})

    def heal(self, nodes: Iterable[Node], ids: Set[str], machines: Machines) -> Result:
        """Power on the nodes that were powered off, then let every node undo its faults.

        An id that no node holds any more is no error; the log has a warning.

        Args:
            nodes: the nodes.
            ids: only the faults with these ids; all when empty.
            machines: the machines of all nodes of the cloud.

        Returns:
            The result of each node; its error has the reason when the journal can't be read.

        Raises:
            ArgumentError: an id is not known (see `_refuse_unknown`); nothing was touched.
        """
        nodes = tuple(nodes)
        self._refuse_unknown(nodes, ids, machines)
        result = self._undone(nodes, ids, machines)
        if self._ledger.unreadable:
            result = replace(result, error=self._ledger.unreadable)
        absent = ids - {name for host in result.values() for name in host.payload.get("undone", ())}
        if absent and not result.failures:
            LOG.warning("no node held %s: there was nothing to take back", ", ".join(sorted(absent)))
        return result

    def _refuse_unknown(self, nodes: Iterable[Node], ids: Set[str], machines: Machines) -> None:
        """Refuse ids that neither the journal has, open or over, nor a node reports.

        Nothing is refused when a node can't be asked: it may hold them.
        """
        if not (unknown := ids - self._ledger.ids()):
            return
        listing = self.listing(nodes, machines)
        unknown -= {fault.id for fault in faults_of(listing)}
        if unknown and not listing.failures:
            raise ArgumentError(
                f"heal: refused, nothing was touched: no node holds {', '.join(sorted(unknown))}; "
                "'os-faults faults' lists the ids of all faults"
            )

    def _undone(self, nodes: tuple[Node, ...], ids: Set[str], machines: Machines) -> Result:
        ours = self._ours(nodes, ids)
        powered = self._power_on(nodes, ours, machines)
        healing = _healing(nodes, ids)
        others = ids - {entry.id for entry in ours.values()}
        if ids and not others:
            return Result(healing, powered)
        off = {
            **self._off(_without(nodes, ours), machines),
            **{name: host for name, host in powered.items() if not host.ok},
        }
        on = _without(nodes, off)
        if not on:
            return Result(healing, off)
        result = self._run(_healing(on, others))
        cuts = self._ledger.cut(on)
        healed = {name: _healed(host, powered.get(name), cuts.get(name)) for name, host in result.items()}
        return replace(result, action=healing, hosts={**healed, **off})

    def left(self, nodes: Iterable[Node], ids: Set[str]) -> list[str]:
        """Return a sentence for each fault that the nodes may still hold after an interrupted `heal`.

        Args:
            nodes: the nodes to heal.
            ids: only the faults with these ids; all when empty.
        """
        nodes = tuple(nodes)
        held = [*self._ledger.off(nodes).values(), *self._ledger.cut(nodes).values()]
        known = [*held, *chain.from_iterable(self._ledger.last_known(nodes).values())]
        return [
            *(f"{entry.node}: may hold {_last_known(entry)}" for entry in known if not ids or entry.id in ids),
            "'os-faults faults' lists the faults of the nodes, also those of other users",
        ]

    def healing(self, nodes: Iterable[Node], ids: Set[str], machines: Machines) -> list[Action]:
        """Return the actions of `heal`, run by run; nothing is touched. Arguments and errors are those of `heal`."""
        nodes = tuple(nodes)
        self._refuse_unknown(nodes, ids, machines)
        ours = self._ours(nodes, ids)
        others = ids - {entry.id for entry in ours.values()}
        return [*_powering_on(nodes, ours), *([] if ids and not others else [_healing(nodes, others)])]

    def _ours(self, nodes: Iterable[Node], ids: Set[str]) -> dict[str, Entry]:
        return {name: entry for name, entry in self._ledger.off(nodes).items() if not ids or entry.id in ids}

    def _off(self, nodes: Iterable[Node], machines: Machines) -> dict[str, HostResult]:
        """Return the entries of the nodes that we have powered off, unless their machines report that they are on."""
        nodes = tuple(nodes)
        entries = self._ledger.off(nodes)
        ours = [node for node in nodes if node.fqdn in entries]
        return {
            name: _off(host, entries[name])
            for name, host in self._to_machines(actions.power_state(ours), machines).items()
            if host.payload.get("power_state") != "on"
        }

    def _power_on(self, nodes: Iterable[Node], ours: Mapping[str, Entry], machines: Machines) -> dict[str, HostResult]:
        return {
            name: _powered_on(host, ours[name])
            for action in _powering_on(nodes, ours)
            for name, host in self._to_machines(action, machines).items()
        }

    def _to_machines(self, action: Action, machines: Machines) -> dict[str, HostResult]:
        """Perform an action from outside; an error is a failure of its node, so that the others can be healed."""
        refused = {
            name: HostResult(name, Status.FAILED, message=why)
            for name, why in machines.refusals(action.verb, action.nodes).items()
        }
        known = _without(action.nodes, refused)
        if not known:
            return refused
        try:
            return {**refused, **self._run(replace(action, nodes=known), machines.variables(known))}
        except AnsibleExecutionException as error:
            failed = {node.fqdn: HostResult(node.fqdn, Status.FAILED, message=str(error)) for node in known}
            return {**refused, **failed, **(error.result or {})}


def holding(action: Action, faults: Iterable[Fault]) -> frozenset[str]:
    """Return the names of the nodes that hold a fault which an action undoes.

    Args:
        action: an action of a verb that undoes others.
        faults: the faults of its nodes.
    """
    verbs = actions.undone_verbs(action)
    return frozenset(
        fault.node for fault in faults if fault.verb in verbs and (not action.hits or fault.subject == action.hits)
    )


def faults_of(result: Result) -> list[Fault]:
    """Return the faults of a listing, node by node."""
    return [fault for name in result for fault in _faults(name, result[name].payload)]


def _faults(node: str, payload: Mapping[str, Any]) -> Iterator[Fault]:
    for hold in payload.get("holds", ()):
        yield Fault(
            node=node,
            id=hold["id"],
            verb=hold["fault"],
            subject=hold["subject"],
            state=NOT_IN_FORCE if hold.get("in_force") is False else hold["state"],
            since=hold["since"],
            until=hold.get("until"),
            by=hold.get("by", ""),
            in_force_seconds=hold.get("in_force_seconds"),
            detail=hold,
        )


def checked(ids: Iterable[Any]) -> set[str]:
    """Return the ids of faults as a set.

    Args:
        ids: the ids; a text is one id.

    Raises:
        ArgumentError: a value can't be an id, so it may come from a hostile host.

    Example:
        >>> checked("freeze-keystone")
        {'freeze-keystone'}
    """
    wanted = {ids} if isinstance(ids, str) else set(ids)
    for name in wanted:
        if not isinstance(name, str) or not _ID.fullmatch(name):
            raise ArgumentError(
                f"{name!r} is no identity of a fault: that has letters, digits, '_', '.' and '-' only; "
                "'os-faults faults --output json' lists them"
            )
    return wanted


def _healing(nodes: Iterable[Node], ids: Set[str]) -> Action:
    return actions.for_playbook("heal.yml", nodes, verb="heal", subject="the nodes", fault_ids=sorted(ids) or None)


def _powering_on(nodes: Iterable[Node], ours: Mapping[str, Entry]) -> list[Action]:
    """Return the actions (as a rule one, or none) that power on the nodes which the journal reports as off."""
    undo = {node: ours[node.fqdn].undo for node in nodes if node.fqdn in ours}
    return [
        actions.for_verb("node", verb, [node for node in undo if undo[node] == verb], wait=True)
        for verb in sorted(set(undo.values()))
    ]


def _without(nodes: Iterable[Node], names: Iterable[str]) -> tuple[Node, ...]:
    left_out = set(names)
    return tuple(node for node in nodes if node.fqdn not in left_out)


# The entries of nodes that can't report themselves.


def _off(host: HostResult, entry: Entry) -> HostResult:
    """Return the entry of a node that is off. A machine that can't be asked is a failure; its fault is listed still."""
    what = f"off by {entry.verb} of {entry.by} at {_time(entry.since)}"
    message = what if host.ok else f"{what}; its power state is not known: {host.message}"
    return replace(host, changed=False, message=message, payload=_hold(entry))


def _powered_on(host: HostResult, entry: Entry) -> HostResult:
    if host.ok:
        return replace(host, payload={**host.payload, "undone": [entry.id] if host.changed else []})
    message = f"{entry.verb} at {_time(entry.since)} could not be taken back: {host.message}"
    return replace(host, message=message, payload={**host.payload, "undo_failed": True})


def _listed(host: HostResult, cut: Entry | None, known: Sequence[Entry]) -> HostResult:
    if host.status is not Status.UNREACHABLE:
        return host
    if cut:
        return HostResult(host.node, Status.OK, message=_until(cut), payload=_hold(cut))
    reports = "; ".join(_last_known(entry) for entry in known)
    return replace(host, message=f"{host.message} (by the journal of this controller: {reports})") if reports else host


def _last_known(entry: Entry) -> str:
    what = f"{entry.verb} {entry.subject}".strip()
    if entry.state == INTENDED:
        return f"{what} of {entry.by} was begun at {_time(entry.since)}, its outcome is not known"
    end = f"until {_time(entry.until)}" if entry.until else "until it is taken back"
    return f"{what} of {entry.by} at {_time(entry.since)}, {end}"


def _healed(host: HostResult, powered: HostResult | None, cut: Entry | None) -> HostResult:
    if cut and host.status is Status.UNREACHABLE:
        host = replace(host, message=f"{host.message} ({_until(cut)})")
    if powered is None:
        return host
    undone = [*powered.payload["undone"], *host.payload.get("undone", ())]
    return replace(host, changed=host.changed or powered.changed, payload={**host.payload, "undone": undone})


def _hold(entry: Entry) -> dict[str, Any]:
    """Return a payload in the form of a node's own report of its holds."""
    return {"holds": [{**asdict(entry), "fault": entry.verb, "state": HELD}]}


def _until(cut: Entry) -> str:
    return f"cut off by {cut.verb} {cut.subject} until {_time(cut.until or 0)}"


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

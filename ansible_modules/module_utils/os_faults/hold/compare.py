"""Compare the state of a host after an undo with the state before the fault. Nothing here touches the host.

A fault has touched what changed during its injection and belongs to its targets. All other differences after the undo
are changes by others.
"""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import suppress
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from typing import Any, Container, Iterable, Mapping, NamedTuple, Sequence, Union

from ansible.module_utils.os_faults.hold.snapshot import COMMANDS, State, beginnings, seen_in_both, without
from ansible.module_utils.os_faults.hold.targets import Targets

_STOPPED = "stopped process "
_ADDRESS = "address: "

_OF_ADDRESS = re.compile(r"address: (\S+) inet6? (\S+)")
_OF_ROUTE = re.compile(r"route of IPv[46]: .*? dev (\S+)")
_SOURCE = re.compile(r" src ([0-9a-f.:]+)")
_CONNECTED = re.compile(r"route of IPv[46]: ([0-9a-f.:/]+) dev .* proto kernel")
_GATEWAY = re.compile(r" via (?:inet6? )?([0-9a-f.:]+)")
_Address = Union[IPv4Interface, IPv6Interface]

_TOUCHED_BY = {
    "processes": r"stopped process|drop-in ",
    "ports": r"rule of ",
    "network": r"rule of ",
    "interface": r"link |mtu |address|route of|neighbour|qdisc |rule of ",
    "traffic": r"qdisc ",
    "host": r"(?!unit |rules of |routing rule |file |mask )",
}
"""Kind of target, as in `osf_hold` → beginnings of the lines that such a fault changes itself, if they are about its
targets.

Other changes during the injection are by another fault, by others, or a consequence: no fault changes the state of a
unit, a file of the host, or a rule of others.
"""

_SLACK = {"free bytes": (64 * 1024 * 1024, 0.1), "seconds": (2.0, 0.0)}
"""First words of a level → its tolerated change: a number, and a share of the old value."""


class Memory(NamedTuple):
    """The baseline of a fault.

    Attributes:
        before: the state before the injection.
        removed: lines that the injection removed; the undo must restore them.
        added: lines that the injection added; the undo must remove them.
        moved: level that the injection changed → its value then; the undo must bring it nearer to the old value.
        passed: changed lines that are not compared: they are by other faults, or a consequence.
    """

    before: State
    removed: frozenset[str]
    added: frozenset[str]
    moved: Mapping[str, float]
    passed: frozenset[str]

    @property
    def touched(self) -> frozenset[str]:
        """All lines that the fault changed."""
        return self.removed | self.added


class Verdict(NamedTuple):
    """The differences after an undo, as lines for a person.

    Attributes:
        left: changes that the fault has left.
        drift: changes by others.
        silent: what could not be compared, see `State`.
    """

    left: list[str]
    drift: list[str]
    silent: tuple[str, ...] = ()


def remember(
    before: State, after: State, others: Iterable[Memory], acts_on: str = "host", targets: Targets | None = None
) -> Memory:
    """Return the baseline of a fault.

    Args:
        before: the state before its injection.
        after: the state after its injection.
        others: the baselines of the faults that existed before.
        acts_on: the kind of target.
        targets: its interfaces and mounts; None for all.
    """
    kind = re.compile(_TOUCHED_BY.get(acts_on, _TOUCHED_BY["host"]))
    before, after = seen_in_both(before, after)
    others = list(others)
    foreign = frozenset().union(*(other.touched for other in others))
    removed, added = before.lines - after.lines, after.lines - before.lines
    passed = frozenset(line for line in removed | added if not (kind.match(line) and _is_about(line, targets)))
    return Memory(
        before=before,
        # A change of another fault need not be restored, as that fault may have ended by then.
        removed=removed - passed - frozenset().union(*(other.added for other in others)),
        added=added - passed - frozenset().union(*(other.removed for other in others)),
        moved={name: after.levels[name] for name in _away(before.levels, after.levels) if acts_on == "host"},
        passed=passed | foreign,
    )


def again(memory: Memory, before: State, after: State, acts_on: str = "host", targets: Targets | None = None) -> Memory:
    """Return the baseline of a fault after a repeated injection, see `remember`."""
    more = remember(before, after, (), acts_on, targets)
    return memory._replace(
        removed=(memory.removed | more.removed) - memory.added,
        added=(memory.added | more.added) - memory.removed,
        moved={**memory.moved, **more.moved},
        passed=memory.passed | more.passed,
    )


def only_processes(memory: Memory, pids: Container[str]) -> Memory:
    """Return a baseline in which only the stopped processes with the given pids count as touched."""
    stopped = {line for line in memory.touched if line.startswith(_STOPPED)}
    own = {line for line in stopped & memory.added if line[len(_STOPPED) :].partition(":")[0] in pids}
    return memory._replace(
        removed=memory.removed - stopped,
        added=memory.added - (stopped - own),
        passed=memory.passed | (stopped - own),
    )


def only_addresses(memory: Memory, own: Iterable[str]) -> Memory:
    """Return a memory in which of all addresses only those that begin like one of ``own`` must come back.

    Setting an interface down drops no IPv4 address, and adds none at all: that was somebody else.
    """
    addresses = {line for line in memory.touched if line.startswith(_ADDRESS)}
    kept = {line for line in addresses & memory.removed if line.startswith(tuple(own))}
    return memory._replace(removed=memory.removed - (addresses - kept), added=memory.added - addresses)


def left_to_others(memory: Memory, theirs: Sequence[str]) -> Memory:
    """Return a memory in which what begins like one of ``theirs`` need not come back: somebody else has it."""
    return memory._replace(removed=without(memory.removed, tuple(theirs)))


def compare(memory: Memory, now: State, others: Iterable[Memory]) -> Verdict:
    """Return the differences after the undo of a fault.

    Args:
        memory: its baseline.
        now: the state after its undo.
        others: the baselines of the remaining faults; lines that they have touched can't be compared yet.
    """
    others = list(others)
    lacking = beginnings((*memory.before.unread, *now.unread))
    failed = {COMMANDS[kind][0] for kind in set(now.unread) - set(memory.before.unread)}
    was, now = seen_in_both(memory.before, now)
    memory = memory._replace(before=was, removed=without(memory.removed, lacking), added=without(memory.added, lacking))
    hidden = _things(*(other.touched for other in others))
    elsewhere = frozenset().union(*(other.moved for other in others))
    moved = {name: level for name, level in memory.moved.items() if name not in elsewhere}
    levels = _levels_away(memory.before.levels, now.levels, moved)
    stayed = {name for name in levels if _stayed(memory.before.levels[name], moved[name], now.levels[name])}
    missing = memory.removed - now.lines
    lost = memory.before.lines - now.lines - missing
    followed = _routes_of_lost_addresses(missing, lost, memory.before.lines & now.lines)
    left = [
        *_signed(_without(missing - followed, hidden), _without(memory.added & now.lines, hidden)),
        *(levels[name] for name in sorted(stayed)),
    ]
    known = hidden | _things(memory.passed)
    old = (memory.before.lines - now.lines - memory.touched) | followed
    new = now.lines - memory.before.lines - memory.touched
    drift = [levels[name] for name in sorted(levels.keys() - stayed)]
    return Verdict(
        left, [*_signed(_without(old, known), _without(new, known)), *drift], tuple(sorted({*now.silent, *failed}))
    )


def _routes_of_lost_addresses(missing: Iterable[str], lost: Iterable[str], kept: Iterable[str]) -> frozenset[str]:
    """Return the routes that can't come back, as somebody else has taken away the address that they need."""
    gone, stayed = _addresses(lost), _addresses(kept)
    found = ((line, _OF_ROUTE.match(line)) for line in missing)
    interfaces = {line: match.group(1) for line, match in found if match}
    return frozenset(line for line, name in interfaces.items() if _needs(line, gone[name], stayed[name]))


def _addresses(lines: Iterable[str]) -> Mapping[str, list[_Address]]:
    """Return the addresses of each interface, with their networks."""
    addresses: dict[str, list[_Address]] = defaultdict(list)
    for found in filter(None, map(_OF_ADDRESS.match, lines)):
        with suppress(ValueError):
            addresses[found.group(1)].append(ip_interface(found.group(2)))
    return addresses


def _needs(route: str, gone: Iterable[_Address], stayed: Iterable[_Address]) -> bool:
    """Return whether a route has a source, a network or a gateway that only the addresses ``gone`` give."""
    if source := _SOURCE.search(route):
        return any(str(address.ip) == source.group(1) for address in gone)
    if connected := _CONNECTED.match(route):
        network = ip_network(connected.group(1))
        given = [any(network == address.network for address in some) for some in (gone, stayed)]
    elif gateway := _GATEWAY.search(route):
        point = ip_address(gateway.group(1))
        given = [any(point in address.network for address in some) for some in (gone, stayed)]
    else:
        return False
    return given == [True, False]


def dump_state(state: State) -> dict[str, Any]:
    """Return a state as plain values for JSON."""
    return {
        "lines": sorted(state.lines),
        "levels": dict(state.levels),
        "silent": list(state.silent),
        "unread": list(state.unread),
    }


def load_state(told: Any) -> State | None:
    """Return the state of a `dump_state`; None if it is anything else, of an older version or damaged."""
    try:
        levels = {str(name): float(value) for name, value in told["levels"].items()}
        return State(_texts(told["lines"]), levels, unread=tuple(_texts(told.get("unread", ()))))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


_SETS = ("removed", "added", "passed")


def dump(memory: Memory) -> dict[str, Any]:
    """Return a baseline as plain values for JSON."""
    sets = {name: sorted(getattr(memory, name)) for name in _SETS}
    return {"before": dump_state(memory.before), "moved": dict(memory.moved), **sets}


def load(told: Any) -> Memory | None:
    """Return the baseline of a `dump`; None if it is anything else."""
    before = load_state(told.get("before")) if isinstance(told, dict) else None
    if before is None or not all(isinstance(told.get(name), list) for name in _SETS):
        return None
    removed, added, passed = (_texts(told[name]) for name in _SETS)
    return Memory(before, removed, added, _moved(told.get("moved"), before.levels), passed)


def _moved(told: Any, before: Mapping[str, float]) -> dict[str, float]:
    """Return the levels that an injection changed; an older version has only told their names."""
    if not isinstance(told, dict):
        told = {name: before.get(name) for name in told or ()} if isinstance(told, list) else {}
    return {name: float(level) for name, level in told.items() if name in before and isinstance(level, (int, float))}


_INTERFACE = re.compile(r"(?:^link |^mtu of |^qdisc of |^address: | dev )(\S+)")


def _is_about(line: str, targets: Targets | None) -> bool:
    """Return whether a line is about the targets; a line about neither an interface nor a mount always is."""
    if targets is None:
        return True
    if line.startswith("mount "):
        return line[len("mount ") :].partition(": ")[0] in targets.mounts
    interfaces = _INTERFACE.findall(line)
    return not interfaces or not targets.interfaces.isdisjoint(interfaces)


def _thing(line: str) -> str:
    """Return the subject of a line.

    Of two faults with one subject the later hides the changes of the earlier; an interface that is down has no queue.
    """
    found = _INTERFACE.search(line)
    return "interface " + found.group(1) if found else line.partition(" = ")[0]


def _things(*lines: Iterable[str]) -> frozenset[str]:
    return frozenset(_thing(line) for some in lines for line in some)


def _without(lines: Iterable[str], things: frozenset[str]) -> set[str]:
    return {line for line in lines if _thing(line) not in things}


def _texts(values: Iterable[Any]) -> frozenset[str]:
    return frozenset(str(value) for value in values)


def _away(before: Mapping[str, float], now: Mapping[str, float]) -> list[str]:
    return [name for name, was in before.items() if name in now and abs(now[name] - was) > _slack(name, was)]


def _levels_away(before: Mapping[str, float], now: Mapping[str, float], names: Iterable[str]) -> dict[str, str]:
    """Return the levels that are not as before, each with a line; more free space than before is no difference."""
    return {
        name: f"{name} were {before[name]:.0f}, are {now[name]:.0f}"
        for name in set(names) & set(_away(before, now))
        if not (name.startswith("free ") and now[name] > before[name])
    }


def _stayed(before: float, injected: float, now: float) -> bool:
    """Return whether a level is still nearer to that of the fault: the rest of the way others may have moved it."""
    return abs(now - before) >= abs(now - injected) or injected == before


def _slack(name: str, was: float) -> float:
    number, share = next(slack for words, slack in _SLACK.items() if name.startswith(words))
    return max(number, share * was) if share else number


def _signed(gone: Iterable[str], there: Iterable[str]) -> list[str]:
    return ["- " + line for line in sorted(gone)] + ["+ " + line for line in sorted(there)]

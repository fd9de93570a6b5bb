"""The state of this host as comparable lines, as far as faults change it.

A state has lines (``link eth1 = up``) and levels, which are numbers that vary a little by themselves (free space).
Reading it changes nothing, and takes some hundredths of a second: the commands run in parallel.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import subprocess
import time
from typing import Callable, Iterable, Iterator, Mapping, NamedTuple

from ansible.module_utils.os_faults.hold.targets import Targets
from ansible.module_utils.os_faults.host import mounts, proc
from ansible.module_utils.os_faults.host.files import read_text
from ansible.module_utils.os_faults.host.text import plain

OWN_RULE = re.compile(r"os[-_]?faults|osf[-_]")
"""Part of the name of each chain and table of packet filter rules of os_faults."""


class State(NamedTuple):
    """The state of a host.

    Attributes:
        lines: each describes one thing, as ``kind: thing`` or, if it has a value, ``kind name = value``.
        levels: name → number.
        silent: directories whose file system did not answer, and programs that did not end in time.
        unread: kinds of lines that are not there, as their command failed or did not end in time.
    """

    lines: frozenset[str]
    levels: Mapping[str, float]
    silent: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


COMMANDS: Mapping[str, tuple[str, ...]] = {
    "address": ("ip", "-o", "address"),
    "route of IPv4": ("ip", "-4", "-o", "route", "show", "table", "all"),
    "route of IPv6": ("ip", "-6", "-o", "route", "show", "table", "all"),
    "routing rule of IPv4": ("ip", "-4", "rule"),
    "routing rule of IPv6": ("ip", "-6", "rule"),
    "neighbour": ("ip", "neighbour", "show", "nud", "permanent"),
    "qdisc": ("tc", "qdisc", "show"),
    "nft": ("nft", "--stateless", "list", "ruleset"),
    "iptables": ("iptables-save",),
    "ip6tables": ("ip6tables-save",),
    "unit": (
        *("systemctl", "list-units", "--plain", "--no-legend", "--no-pager", "--type=service,socket"),
        "--state=active,failed",
    ),
}
"""Kind of line → the command that prints it. A missing command prints nothing."""

_VOLATILE = re.compile(
    r"^\d+: |@\S+|\\|\[\d+:\d+\]|(?:valid|preferred)_lft \S+| expires \S+| users \d+| age \d+| refcnt \d+"
    r"| (?:tentative|dadfailed|nodad|linkdown|dead|offload|rt_offload|trap)(?= |$)"
)
"""Indices, counters, lifetimes, and flags of the other end of a link."""

_BY_ITSELF = re.compile(
    r" dynamic| temporary|scope link.* kernel_ll|inet6 fe80:"
    r"| proto (?:ra|redirect|bgp|ospf|isis|rip|eigrp|babel|bird|zebra)"
    r"|^(?:local|broadcast|anycast|multicast|unreachable) |^(?:fe80::/64|ff00::/8) | table local| cache"
)
"""Addresses and routes of the kernel, of a router or of a routing daemon."""

_PASSING_UNIT = re.compile(
    r"(?:user@|user-runtime-dir@|session-|ssh@|os-faults-|systemd-|apt-|dpkg-|fstrim|logrotate|man-db)"
)
"""Units of logins, timers and os_faults."""

_PASSING_MOUNT = re.compile(r"/(?:run|proc|sys|dev)(?:/|$)")
"""Mounts of the system, of sessions and of containers."""


PATIENCE = 10.0
"""Seconds that all commands get together."""

ROOM = "free bytes of "
CLOCK = "seconds of the clock since boot"
"""Names of levels; the first is followed by the path of a directory."""


def read(about: Targets) -> State:
    """Return the state of this host.

    A missing command adds no lines. A host with many thousands of routes takes longer.

    Args:
        about: the targets whose levels are read. No other file system is accessed.
    """
    said, unread, late = _ask(COMMANDS)
    lines = {line for kind, text in said.items() for line in LINES.get(kind, _plain)(kind, text)}
    for source in (_links, _mounts, _stopped, _masks_and_drop_ins, _files):
        lines.update(source())
    free, silent = mounts.room(about.room) if about.room else ({}, [])
    levels = {ROOM + path: number for path, number in free.items()}
    if about.clock:
        levels[CLOCK] = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return State(frozenset(lines), levels, (*silent, *late), tuple(unread))


def seen_in_both(one: State, other: State) -> tuple[State, State]:
    """Return two states without the kinds of lines that one of them lacks."""
    lacking = beginnings((*one.unread, *other.unread))
    return one._replace(lines=without(one.lines, lacking)), other._replace(lines=without(other.lines, lacking))


def beginnings(kinds: Iterable[str]) -> tuple[str, ...]:
    """Return how lines of these kinds begin."""
    return tuple(begin.format(kind) for kind in kinds for begin in ("{}: ", "{} ", "rule of {} ", "rules of {} "))


def without(lines: frozenset[str], beginnings: tuple[str, ...]) -> frozenset[str]:
    """Return the lines that begin in another way."""
    return frozenset(line for line in lines if not line.startswith(beginnings)) if beginnings else lines


def _ask(commands: Mapping[str, tuple[str, ...]]) -> tuple[dict[str, str], list[str], list[str]]:
    """Run commands in parallel.

    Returns:
        Kind → output of the successful ones; the kinds of the others, without missing ones; the late programs.
    """
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    started = {}
    for kind, command in commands.items():
        try:
            started[kind] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
        except OSError:
            continue
    said, late = {}, []
    deadline = time.monotonic() + PATIENCE
    for kind, process in started.items():
        try:
            output, _ = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=0.1)  # one that hangs in the kernel does not end
            late.append(commands[kind][0])
            continue
        if process.returncode == 0:
            said[kind] = output.decode("utf-8", "replace")
    return said, [kind for kind in started if kind not in said], late


# ---- output of commands ----------------------------------------------------------------------------------------------


def _rows(text: str) -> Iterator[str]:
    for row in text.splitlines():
        plain = " ".join(_VOLATILE.sub(" ", row).split())
        if plain:
            yield plain


def _plain(kind: str, text: str) -> Iterator[str]:
    return (f"{kind}: {row}" for row in _rows(text) if not _BY_ITSELF.search(row))


def _qdiscs(kind: str, text: str) -> Iterator[str]:
    for row in _rows(text):
        device = row.partition(" dev ")[2].split(" ")[0]
        yield f"{kind} of {device} = {row}"


def _units(kind: str, text: str) -> Iterator[str]:
    for row in text.splitlines():
        words = row.split()
        if len(words) > 2 and not _PASSING_UNIT.match(words[0]):
            yield f"{kind} {words[0]} = {words[2]}"


def _rules(kind: str, text: str) -> Iterator[str]:
    """Yield our own rules one by one, and a checksum per table for rules of others: there may be thousands."""
    sums: dict[str, list[str]] = {}
    table = ""
    ours = False
    for row in _rows(text):
        if row.startswith(("table ", "*")):
            table = re.sub("^table ", "", row.strip("* {"))
            ours = bool(OWN_RULE.search(table))
            if not ours:
                continue
        if row.strip("} ") == "":
            continue
        if ours or OWN_RULE.search(row):
            yield f"rule of {kind} in {table}: {row}"
        elif not row.startswith(("#", "COMMIT")):
            sums.setdefault(table, []).append(row)
    for name, rows in sums.items():
        whole = _sum("\n".join(rows))
        yield f"rules of {kind} in {name} = {len(rows):d} lines, sum {whole}"


LINES: Mapping[str, Callable[[str, str], Iterable[str]]] = {
    "qdisc": _qdiscs,
    "unit": _units,
    "nft": _rules,
    "iptables": _rules,
    "ip6tables": _rules,
}


# ---- content of files -----------------------------------------------------------------------------------------------


def _links() -> Iterator[str]:
    top = "/sys/class/net"
    for name in os.listdir(top):
        flags = read_text(os.path.join(top, name, "flags")).strip()
        if flags:
            yield f"link {name} = {'up' if int(flags, 16) & 1 else 'down'}"
            yield f"mtu of {name} = {read_text(os.path.join(top, name, 'mtu')).strip()}"


def _mounts() -> Iterator[str]:
    for row in read_text("/proc/self/mounts").splitlines():
        words = row.split(" ")
        if len(words) >= 4 and not _PASSING_MOUNT.match(words[1]):
            yield f"mount {plain(mounts.unescaped(words[1]))}: {words[2]} {words[3]}"


def _stopped() -> Iterator[str]:
    for name in os.listdir("/proc"):
        found = proc.stat(int(name)) if name.isdigit() else None
        if found and found.state in "Tt":
            command = read_text(f"/proc/{name}/comm").strip()
            yield f"stopped process {found.pid:d}: {plain(command)}"


def _masks_and_drop_ins() -> Iterator[str]:
    for top in ("/run/systemd/system", "/etc/systemd/system", "/run/systemd/system.control"):
        for folder, _folders, names in os.walk(top):
            for name in names:
                path = os.path.join(folder, name)
                if folder == top and os.path.islink(path) and os.readlink(path) == "/dev/null":
                    yield f"mask {name}: {top}"
                elif folder.endswith(".d") and not top.startswith("/etc"):
                    yield f"drop-in {path} = {_sum(read_text(path))}"


def _files() -> Iterator[str]:
    return (f"file {path} = {_sum(read_text(path))}" for path in ("/etc/hosts", "/etc/resolv.conf"))


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]

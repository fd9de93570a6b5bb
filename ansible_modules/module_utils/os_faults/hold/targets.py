"""The targets of a fault, by its own lines in ``targets``. All other changes during its injection are by others.

The lines are ``interface=NAME``, ``changes=room`` and ``changes=mount`` (of the directory in the file ``path``), and
``changes=clock``.
"""

from __future__ import annotations

import os
from typing import Iterable, NamedTuple

from ansible.module_utils.os_faults.hold import store


class Targets(NamedTuple):
    """The parts of a host that a fault may change."""

    interfaces: frozenset[str] = frozenset()
    """Names of network interfaces and of their VLANs, which go down and up together."""
    mounts: frozenset[str] = frozenset()
    """Directories over which it mounts something."""
    room: frozenset[str] = frozenset()
    """Directories on whose file systems it takes space."""
    clock: bool = False
    """Whether it sets the clock."""


def of_hold(hold: store.Hold) -> Targets:
    """Return the targets of an existing hold."""
    return of(hold.text("targets").splitlines(), (hold.text("path"), hold.text("mounted")))


def of(lines: Iterable[str], paths: Iterable[str]) -> Targets:
    """Return the targets of a fault.

    Args:
        lines: the lines of ``targets``.
        paths: its directories.

    >>> of(["changes=mount"], ["/srv", ""]).mounts
    frozenset({'/srv'})
    """
    pairs = [line.partition("=")[::2] for line in lines]
    interfaces = {value for word, value in pairs if word == "interface"}
    changes = {value for word, value in pairs if word == "changes"}
    named = frozenset(path.rstrip("\n") for path in paths if path.strip())
    return Targets(
        frozenset(interfaces.union(*map(_vlans_on, interfaces))),
        named if "mount" in changes else frozenset(),
        named if "room" in changes else frozenset(),
        "clock" in changes,
    )


def _vlans_on(interface: str) -> set[str]:
    try:
        names = os.listdir("/sys/class/net/" + interface)
    except OSError:
        return set()
    uppers = [name[len("upper_") :] for name in names if name.startswith("upper_")]
    vlans = {name for name in uppers if os.path.exists("/proc/net/vlan/" + name)}
    return vlans.union(*map(_vlans_on, vlans))

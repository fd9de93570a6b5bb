"""The state of a host that faults touch, as text that can be compared."""

from __future__ import annotations

import re
from collections.abc import Mapping

Fingerprint = Mapping[str, frozenset[str]]

# Every section is a set of lines. `[o]s-faults` keeps grep from finding itself.
SCRIPT = r"""
section() { echo "== $1"; }
section nft; nft --stateless list ruleset
section iptables; iptables-save
section ip6tables; ip6tables-save
section links; ip -o link
section addresses; ip -o address
section 'routes of IPv4'; ip -4 -o route show table all
section 'routes of IPv6'; ip -6 -o route show table all
section rules; ip -4 rule; ip -6 rule
section 'neighbours'; ip neighbour show nud permanent
section units; systemctl list-units --all --plain --no-legend --no-pager --type=service,socket
section 'stopped processes'; ps -eo stat=,args= | grep '^[Tt]'
section 'units of os_faults'; systemctl list-units --all --plain --no-legend --no-pager 'os-faults*'
ls -d /run/systemd/transient/os-faults* 2>/dev/null
section 'processes of os_faults'; ps -eo args= | grep -E '[o]s-faults|[s]tress-ng'
section 'files of os_faults'
find /run/os-faults 2>/dev/null
ls -d /tmp/os-faults* /tmp/ansible* /tmp/osf* 2>/dev/null
ls -d /root/.ansible/tmp/* /opt/stack/.ansible/tmp/* /home/*/.ansible/tmp/* 2>/dev/null
true
"""

_VOLATILE = re.compile(
    r"^\d+: |@if\d+|link-netnsid \d+|\[\d+:\d+\]|(?:valid|preferred)_lft \d+sec|expires \d+sec"
    r"| cache .*$| users \d+| age \d+"
)
"""Indices of interfaces, counters and lifetimes."""

_BUILT_IN = re.compile(r"#|\*|COMMIT$|:[A-Z]+ ACCEPT$")
"""What ``iptables-save`` tells of a table without rules, which is there from the first use of iptables on."""

_PASSING_UNITS = re.compile(
    r"(?:user@|user-runtime-dir@|session-|systemd-tmpfiles-clean|systemd-(?:hostnamed|timedated|localed|udevd)|dpkg-db|ssh@)"
)
"""Units that come and go with logins and timers."""


def parse(text: str) -> Fingerprint:
    """Return section → lines, without what changes by itself."""
    sections: dict[str, set[str]] = {}
    lines: set[str] = set()
    for line in text.splitlines():
        if line.startswith("== "):
            lines = sections.setdefault(line[3:], set())
        elif plain := " ".join(_VOLATILE.sub("", line).split()):
            lines.add(plain)
    sections["units"] = {row for row in sections["units"] if _matters(row)}
    for name in ("iptables", "ip6tables"):
        sections[name] = {line for line in sections[name] if not _BUILT_IN.match(line)}
    return {name: frozenset(found) for name, found in sections.items()}


def _matters(row: str) -> bool:
    """Whether a row of ``systemctl list-units`` tells of a unit that is not simply down."""
    name, _load, active, *_ = row.split()
    return active != "inactive" and not _PASSING_UNITS.match(name)


def at_rest(found: Fingerprint) -> bool:
    """Whether no unit of the host is on its way from one state to another."""
    return not any(row.split()[2] in ("activating", "deactivating", "reloading") for row in found["units"])


def difference(before: Fingerprint, after: Fingerprint) -> str:
    """Return what is gone (-) and what is new (+), section by section; "" when nothing is."""
    return "\n".join(
        f"{name}: {sign} {line}"
        for name in before
        for sign, lines in (("-", before[name] - after[name]), ("+", after[name] - before[name]))
        for line in sorted(lines)
    )


def traces(found: Fingerprint) -> str:
    """Return what os_faults itself has on the host; "" when nothing is."""
    return "\n".join(
        f"{name}: {line}" for name, lines in found.items() if "os_faults" in name for line in sorted(lines)
    )

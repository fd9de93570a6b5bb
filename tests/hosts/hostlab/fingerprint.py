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
find /sys/fs/cgroup -name cgroup.events -exec grep -lx 'frozen 1' {} +
section qdiscs; tc qdisc show
section mounts; cut -d ' ' -f 1-4 /proc/self/mounts
section 'free space'; df --block-size=1M --output=avail,target --exclude-type=overlay 2>/dev/null | tail -n +2
section 'name resolution'; grep -H '' /etc/hosts /etc/resolv.conf
# Not those of systemd itself: for each, it puts together all that it knows of it.
section limits; systemctl show --property=Id,MemoryMax,CPUQuotaPerSecUSec '[!s]*.service' |
    awk 'BEGIN { RS = ""; FS = "\n"; OFS = " " } { $1 = $1; print }' | grep -v 'infinity.*infinity'
find /run/systemd/system /run/systemd/system.control -name '*.conf' -exec grep -H '^[A-Z]' {} + 2>/dev/null
section 'priorities out of memory'
for each in /proc/[0-9]*; do
    { read -r score <"$each/oom_score_adj" && read -r name <"$each/comm"; } 2>/dev/null || continue
    [ "$score" = 0 ] || echo "$score $name"
done
section 'units of os_faults'; systemctl list-units --all --plain --no-legend --no-pager 'os-faults*'
ls -d /run/systemd/transient/os-faults* 2>/dev/null
section 'processes of os_faults'; ps -eo args= | grep -E '[o]s-faults|[s]tress-ng'
section 'files of os_faults'
# `seen` and `lost` are what the looks of a hold note, by themselves and at any time.
find /run/os-faults /var/lib/os-faults ! -path '/run/os-faults/*/seen*' ! -path '/run/os-faults/*/lost' 2>/dev/null
ls -d /tmp/os-faults* /tmp/ansible* /tmp/osf* 2>/dev/null
ls -d /root/.ansible/tmp/* /opt/stack/.ansible/tmp/* /home/*/.ansible/tmp/* 2>/dev/null
true
"""

_VOLATILE = re.compile(
    r"^\d+: |@if\d+|link-netnsid \d+|\[\d+:\d+\]|(?:valid|preferred)_lft \d+sec|expires \d+sec"
    r"| cache .*$| users \d+| age \d+| refcnt \d+|,uuid=\w+"
)
"""Indices of interfaces, counters and lifetimes, and what the kernel says of an overlay that is mounted anew."""

_PASSING_MOUNTS = re.compile(r"\S+ /(?:run/user/|run/credentials/|proc/sys/fs/binfmt_misc|sys/fs/cgroup)")
"""Mounts that come and go with logins and units, and control groups that tests of limits remount."""

_PASSING_SCORES = re.compile(r"100 |250 ")
"""What systemd gives the processes of a user manager."""

_SPACE_TOLERANCE = 16
"""MiB of a file system that logs and the like may take or leave; what `fill_disk` takes is more."""

_BUILT_IN = re.compile(r"#|\*|COMMIT$|:[A-Z]+ ACCEPT$")
"""What ``iptables-save`` tells of a table without rules, which is there from the first use of iptables on."""

_BUILT_IN_NFT = re.compile(
    r"table ip6? (?:filter|nat|mangle|raw|security) \{|chain (?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) \{"
    r"|type \w+ hook \w+ priority [\w -]+; policy accept;|\}"
)
"""The same by nft, whose tables those of iptables are."""

_PASSING_SPACE = re.compile(r"\d+ /(?:run/user/|run/host/|sys/fs/cgroup)")

_PASSING = {
    "nft": _BUILT_IN_NFT,
    "iptables": _BUILT_IN,
    "ip6tables": _BUILT_IN,
    "mounts": _PASSING_MOUNTS,
    "free space": _PASSING_SPACE,
    "priorities out of memory": _PASSING_SCORES,
}
"""Section → the lines of it that tell nothing."""

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
    for name in sections.keys() & _PASSING:
        sections[name] = {line for line in sections[name] if not _PASSING[name].match(line)}
    return {name: frozenset(found) for name, found in sections.items()}


def _matters(row: str) -> bool:
    """Whether a row of ``systemctl list-units`` tells of a unit that is not simply down."""
    name, _load, active, *_ = row.split()
    return active != "inactive" and not _PASSING_UNITS.match(name)


def at_rest(found: Fingerprint) -> bool:
    """Whether no unit of the host changes its state, and no IPv6 address is still looked for on the network."""
    changing = any(row.split()[2] in ("activating", "deactivating", "reloading") for row in found["units"])
    return not changing and not any(" tentative " in address for address in found["addresses"])


def difference(before: Fingerprint, after: Fingerprint) -> str:
    """Return what is gone (-) and what is new (+), section by section; "" when nothing is."""
    return "\n".join(
        f"{name}: {sign} {line}"
        for name in before
        if name != "free space" or _space_differs(before[name], after[name])
        for sign, lines in (("-", before[name] - after[name]), ("+", after[name] - before[name]))
        for line in sorted(lines)
    )


def _space_differs(before: frozenset[str], after: frozenset[str]) -> bool:
    """Whether a file system came, went, or has much more or less room than before."""
    one, other = (
        {path: int(free) for free, path in (line.split(" ", 1) for line in lines)} for lines in (before, after)
    )
    return one.keys() != other.keys() or any(abs(one[path] - other[path]) > _SPACE_TOLERANCE for path in one)


def traces(found: Fingerprint) -> str:
    """Return what os_faults itself has on the host; "" when nothing is."""
    return "\n".join(
        f"{name}: {line}" for name, lines in found.items() if "os_faults" in name for line in sorted(lines)
    )

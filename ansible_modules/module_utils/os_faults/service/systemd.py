"""Query systemd: units, their aliases, state and processes."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import Callable, Iterable, Mapping, Sequence

from ansible.module_utils.os_faults import errors

Run = Callable[..., "tuple[int, str, str]"]
"""The function that runs a command: ``module.run_command``."""

_SUFFIXES = (".service", ".socket", ".path", ".timer", ".target", ".slice", ".scope", ".mount")
_PLAIN = r"[A-Za-z0-9_*?\[][A-Za-z0-9:_.\\@*?\[\]!-]*"
_GLOB = r"[*?\[]"

STATE = ("Id", "LoadState", "ActiveState", "SubState", "Result")
"""The properties about the state of a unit."""

ENVIRONMENT = {"LC_ALL": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
"""Environment for output of systemctl that a program can parse."""


def booted() -> bool:
    """Return whether systemd runs this host (the test of sd_booted(3))."""
    return os.path.isdir("/run/systemd/system")


def version_of(text: str) -> int | None:
    """Return the version in an answer of systemd; None if there is none.

    Example:
        >>> version_of("systemd 252 (252.39-1~deb12u1)"), version_of("v257.13"), version_of("")
        (252, 257, None)
    """
    found = re.search(r"\d+", text)
    return int(found.group()) if found else None


def pattern(text: str) -> str:
    """Return a unit name or shell pattern with its suffix.

    Raises:
        UnitError: it is neither a name nor a pattern.

    Example:
        >>> pattern("devstack@n-cond-cell*")
        'devstack@n-cond-cell*.service'
    """
    if not re.fullmatch(_PLAIN, text):
        raise errors.UnitError(f"{text!r} is not the name of a systemd unit")
    return text if text.endswith(_SUFFIXES) else text + ".service"


def choose(patterns: Sequence[str], existing: set[str]) -> list[str]:
    """Return the matches of the first pattern with a match.

    Args:
        patterns: in order of preference.
        existing: names of units and of templates (``name@.service``) on the host.

    Example:
        >>> choose(["devstack@n-cond*.service", "nova-conductor.service"], {"nova-conductor.service", "ssh.service"})
        ['nova-conductor.service']
    """
    for each in patterns:
        if re.search(_GLOB, each):
            names = [name for name in existing if fnmatchcase(name, each) and "@." not in name]
        else:
            names = [each] if each in existing or template_of(each) in existing else []
        if names:
            return sorted(names)
    return []


def template_of(name: str) -> str | None:
    """Return the template of an instance (``getty@tty1.service`` → ``getty@.service``); None for other units."""
    prefix, at, rest = name.partition("@")
    instance, dot, suffix = rest.rpartition(".")
    return prefix + at + dot + suffix if at and instance else None


def parse_show(text: str) -> list[dict[str, str]]:
    """Parse ``systemctl show``: a block of ``Key=value`` lines per unit, separated by empty lines."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]


def seconds(timespan: str) -> float:
    """Return a time span of systemd in seconds.

    Example:
        >>> seconds("1min 30s"), seconds("100ms"), seconds("infinity")
        (90.0, 0.1, inf)
    """
    if timespan == "infinity":
        return float("inf")
    scale = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
    parts = re.findall(r"([\d.]+)(us|ms|min|s|h|d|w)", timespan)
    return sum(float(number) * scale[unit] for number, unit in parts)


def _systemctl(run: Run, *args: str) -> str:
    code, out, err = run(["systemctl", "--no-pager", *args])
    nothing_listed = args[0].startswith("list-") and not err.strip()
    if code and not nothing_listed:
        why = (err or out).strip() or f"exit code {code:d}"
        raise errors.UnitError(f"systemctl {args[0]} failed: {why}")
    return out


def existing(run: Run, patterns: Iterable[str] = ()) -> set[str]:
    """Return the names of the units on this host, loaded or not, with aliases and templates.

    Args:
        run: runs a command.
        patterns: patterns of the names; empty for all services.
    """
    wanted = sorted(set(patterns) | {found for found in map(template_of, patterns) if found})
    options = ["--all", "--full", "--plain", "--no-legend", *([] if wanted else ["--type=service"]), "--", *wanted]
    loaded = [line.split(None, 4) for line in _systemctl(run, "list-units", *options).splitlines()]
    names = {fields[0] for fields in loaded if len(fields) > 3 and fields[1] != "not-found"}
    return names | {name for name in _files(run) if name.endswith(_SUFFIXES if wanted else ".service")}


def _files(run: Run) -> set[str]:
    """Return the names in the directories of unit files.

    ``systemctl list-unit-files`` has systemd look for the state of each file in all directories: 0.1 s of a host for
    250 files, and many times that where directories are slow.
    """
    found: set[str] = set()
    for directory in _systemctl(run, "show", "--property=UnitPath", "--value").split():
        try:
            found.update(os.listdir(directory))
        except OSError:  # most of them need not be there
            continue
    return found


def show(run: Run, names: Iterable[str], properties: Iterable[str] = STATE) -> dict[str, Mapping[str, str]]:
    """Return the properties of units, by the requested name, which may be an alias (see ``Id``).

    Raises:
        UnitError: systemd did not answer.
    """
    names = sorted(names)
    if not names:
        return {}
    wanted = "--property=" + ",".join(dict.fromkeys(("Id", *properties)))
    return dict(zip(names, parse_show(_systemctl(run, "show", wanted, "--", *names))))


def first(run: Run, patterns: Sequence[str], properties: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """Return the properties of the units that match the first pattern with a match, by id.

    Names are queried directly. Only shell patterns need the list of all units, which is slow.

    Args:
        run: runs a command.
        patterns: in order of preference.
        properties: the properties, with those of `STATE`.

    Raises:
        UnitError: systemd did not answer.
    """
    names = list(takewhile(lambda each: not re.search(_GLOB, each), patterns))
    shown = show(run, names, properties)
    for name in names:
        if shown[name]["LoadState"] != "not-found":
            return by_id({name: shown[name]})
    rest = patterns[len(names) :]
    return by_id(show(run, choose(rest, existing(run, rest)), properties)) if rest else {}


def by_id(facts: Mapping[str, Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
    """Return the properties by id, so that an alias and its unit are one entry."""
    return {each["Id"]: each for each in facts.values()}


def hierarchies(mountinfo: str) -> list[tuple[str, str]]:
    """Return ``(mount point, root)`` of the cgroup hierarchies of systemd.

    The named hierarchy of cgroup v1 comes first: in the hybrid layout systemd always manages it.
    """
    named, unified = [], []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, kind = left.split(), right.split()
        if len(fields) < 5 or len(kind) < 3:
            continue
        if kind[0] == "cgroup" and "name=systemd" in kind[2].split(","):
            named.append((fields[4], fields[3]))
        elif kind[0] == "cgroup2":
            unified.append((fields[4], fields[3]))
    return named + unified


def cgroup_directory(control_group: str, mounts: Iterable[tuple[str, str]]) -> str | None:
    """Return the directory of the control group of a unit; None if the unit has none now."""
    if control_group in ("", "/"):
        return None
    for mount, root in mounts:
        inside = control_group
        if root != "/" and control_group.startswith(root + "/"):
            inside = control_group[len(root) :]
        directory = mount + inside
        if os.path.isdir(directory):
            return directory
    return None


def cgroup_of(control_group: str) -> str | None:
    """Return the `cgroup_directory` in the hierarchies of this host."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        return cgroup_directory(control_group, hierarchies(file.read()))


def pids_in(directory: str) -> list[int]:
    """Return the pids in a control group and in all groups below it."""
    found: set[int] = set()
    for path, _, _ in os.walk(directory):
        try:
            with open(os.path.join(path, "cgroup.procs"), encoding="ascii") as file:
                found.update(int(line) for line in file.read().split())
        except OSError:
            continue
    return sorted(found - {0})

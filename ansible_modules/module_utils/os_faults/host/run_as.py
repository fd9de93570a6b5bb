"""The user that started a program, so that it is started again as this user and not as root.

A program that was started as root and has dropped its rights by itself is started as root again, as it needs that. The
kernel shows the difference: a process that has changed its user since its execution is not "dumpable" (see prctl(2)),
and its files below ``/proc`` belong to root.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import NamedTuple, Sequence

from ansible.module_utils.os_faults.host import proc

SETPRIV = "setpriv"
"""The program that runs another one as a user; without its path in a command line, the host does not have it."""

_SWITCHERS = frozenset(("sudo", "su", "runuser", "doas", "setpriv", "chroot", "start-stop-daemon", "systemd-run"))
"""Programs that must be root to run another one as a user. Their children get the user from them."""


class Identity(NamedTuple):
    """The numeric user and groups of a process."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def of(pid: int) -> Identity | None:
    """Return the user and groups that started a process; None for this user, and if they are unknown."""
    directory = f"/proc/{pid:d}"
    try:
        status = proc.read(directory + "/status")
        itself = os.stat(directory + "/environ").st_uid
    except OSError:
        return None
    users, groups, more = (_numbers(status, name) for name in ("Uid", "Gid", "Groups"))
    if not users or not groups or users[0] == os.geteuid() or itself != users[0]:
        return None
    return Identity(users[0], groups[0], tuple(more))


def dump(identity: Identity | None) -> str:
    """Return an identity as text; empty for None."""
    if identity is None:
        return ""
    return f"{identity.uid:d} {identity.gid:d} {','.join(map(str, identity.groups))}\n"


def load(text: str) -> Identity | None:
    r"""Return the identity of a `dump`; None for any other text.

    >>> load("1000 100 4,27\n"), load("")
    (Identity(uid=1000, gid=100, groups=(4, 27)), None)
    """
    found = re.fullmatch(r"(\d+) (\d+) ([\d,]*)\n", text)
    if found is None:
        return None
    return Identity(int(found.group(1)), int(found.group(2)), tuple(map(int, filter(None, found.group(3).split(",")))))


def command(identity: Identity | None, argv: Sequence[str]) -> list[str]:
    """Return a command line that runs ``argv`` as a user.

    Args:
        identity: the user and groups; None for this user.
        argv: the command line. If it changes the user by itself, it is returned unchanged.

    >>> command(Identity(7, 8, ()), ["/opt/shop"])[1:]
    ['--reuid=7', '--regid=8', '--clear-groups', '/opt/shop']
    >>> command(Identity(7, 8, ()), ["runuser", "-u", "shop", "/opt/shop"])
    ['runuser', '-u', 'shop', '/opt/shop']
    """
    if identity is None or os.geteuid() != 0 or _SWITCHERS.intersection(re.findall(r"[\w.-]+", " ".join(argv))):
        return list(argv)
    groups = "--groups=" + ",".join(map(str, identity.groups)) if identity.groups else "--clear-groups"
    ids = [f"--reuid={identity.uid:d}", f"--regid={identity.gid:d}", groups]
    return [shutil.which(SETPRIV) or SETPRIV, *ids, *argv]


def _numbers(status: str, name: str) -> list[int]:
    found = re.search(rf"^{name}:([ \t\d]*)$", status, re.MULTILINE)
    return [int(number) for number in found.group(1).split()] if found else []

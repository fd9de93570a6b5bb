"""As which user a program ran, so that it comes back as that one and not as root.

A program that was started as root and has given up its rights by itself is started as root again, as it needs that.
The kernel tells the two apart: what has changed its user since it was executed hands out no memory (it is not
"dumpable", see prctl(2)), and its files below ``/proc`` belong to root.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import NamedTuple, Sequence

from ansible.module_utils.os_faults.host import proc

SETPRIV = "setpriv"
"""The program that starts another as somebody else; it stands alone in a command line where the host lacks it."""

_SWITCHERS = frozenset(("sudo", "su", "runuser", "doas", "setpriv", "chroot", "start-stop-daemon", "systemd-run"))
"""Programs that need to be root to start another as somebody else. What is started by one gets its user from it."""


class Identity(NamedTuple):
    """The user and the groups of a process, by their numbers."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def of(pid: int) -> Identity | None:
    """Return as whom a process was started; None for this very user, and where that can't be told."""
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
    """Return an identity as a line of text; empty for None."""
    if identity is None:
        return ""
    return f"{identity.uid:d} {identity.gid:d} {','.join(map(str, identity.groups))}\n"


def load(text: str) -> Identity | None:
    r"""Return what `dump` has made; None of everything else.

    >>> load("1000 100 4,27\n"), load("")
    (Identity(uid=1000, gid=100, groups=(4, 27)), None)
    """
    found = re.fullmatch(r"(\d+) (\d+) ([\d,]*)\n", text)
    if found is None:
        return None
    return Identity(int(found.group(1)), int(found.group(2)), tuple(map(int, filter(None, found.group(3).split(",")))))


def command(identity: Identity | None, argv: Sequence[str]) -> list[str]:
    """Return the command line that runs another one as somebody, and itself where it is to run as this user.

    Args:
        identity: as whom; None for this user.
        argv: what to run. One that changes the user by itself is left as it is.

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

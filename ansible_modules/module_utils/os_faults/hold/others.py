"""The faults of other users on this host, which this one can neither list nor take back."""

from __future__ import annotations

import itertools
import os
import re
import stat
from typing import Iterator

from ansible.module_utils.os_faults.hold import store
from ansible.module_utils.os_faults.host import paths, text

_FEW = 5
"""Users that are named."""

_LOOKED_THROUGH = 20000
"""Entries of ``/tmp`` that are looked at: every user may make as many as he likes."""


def of_others() -> list[str]:
    """Return a sentence for each of some users who have faults here that this one can neither see nor take back.

    A user is named by his name alone: what a directory in ``/tmp`` is called is chosen by whoever makes it.
    """
    entries = list(itertools.islice(_entries(), _LOOKED_THROUGH + 1))
    places = [store.SYSTEM_ROOT, store.LASTING_ROOT, *entries[:_LOOKED_THROUGH]]
    users = sorted({owner for owner in map(_owner_of_faults, places) if owner is not None})
    told = [
        f"{paths.user_of(uid)} has faults on this host; only {paths.user_of(uid)} can list and heal them"
        for uid in users
    ]
    more = ["/tmp has too many entries to be looked through for faults of other users"]
    return text.few(told, _FEW) + more * (len(entries) > _LOOKED_THROUGH)


def _entries() -> Iterator[str]:
    try:
        with os.scandir("/tmp") as entries:
            for entry in entries:
                yield entry.path
    except OSError:
        return


def _owner_of_faults(path: str) -> int | None:
    """Return which other user keeps faults in a directory; None when nobody does.

    A name in ``/tmp`` counts only when it is the user's own. A directory without directories in it has no fault, where
    the file system tells their number: one that says 1 does not.
    """
    found = re.fullmatch(r"/tmp/os-faults-([0-9]{1,10})", path)
    if found is None and path.startswith("/tmp/"):
        return None
    try:
        info = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISDIR(info.st_mode) or info.st_uid == os.geteuid() or info.st_nlink == 2:
        return None
    return info.st_uid if found is None or int(found.group(1)) == info.st_uid else None

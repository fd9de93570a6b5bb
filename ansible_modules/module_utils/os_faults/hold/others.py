"""The faults of other users on this host, which this user can neither list nor undo."""

from __future__ import annotations

import itertools
import os
import re
import stat
from typing import Iterator

from ansible.module_utils.os_faults.hold import store
from ansible.module_utils.os_faults.host import paths, text

_FEW = 5
"""Most users in the answer."""

_LOOKED_THROUGH = 20000
"""Most entries of ``/tmp`` that are read, as every user may create any number."""


def of_others() -> list[str]:
    """Return a sentence for each of the first users with faults that this user can neither list nor undo.

    The sentence has only the name of the user: anybody can choose the name of a directory in ``/tmp``.
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
    """Return the id of another user who has faults in a directory; None if there is none.

    A directory in ``/tmp`` counts only if its name has the id of its owner. A directory with two links has no
    subdirectory, and so no fault; on file systems that do not count subdirectories it has one link.
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

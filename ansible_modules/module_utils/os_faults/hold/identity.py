"""The id of a hold."""

from __future__ import annotations

import hashlib
import re

from ansible.module_utils.os_faults import errors

_ID = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"


def hold_id(fault: str, subject: str) -> str:
    """Return the id of a fault. It has plain characters only, as a unit and a directory have this name.

    A long subject is cut and gets a checksum of the whole subject.

    >>> hold_id("freeze", "devstack@keystone")
    'freeze-devstack-keystone'
    >>> hold_id("partition", ",".join(f"node-{number}" for number in range(20)))
    'partition-node-0-node-1-node-2-node-3-node-4-node-5-node-6-node-7-node-8-node-9-node-10-nod-ba061985'
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{fault}-{subject}").strip("-.")
    if len(plain) <= 100:
        return plain
    return f"{plain[:91]}-{hashlib.sha256(subject.encode()).hexdigest()[:8]}"


def is_plain(hold_id: str) -> bool:
    r"""Return whether a text can be the id of a hold.

    >>> is_plain("freeze-keystone"), is_plain("../x"), is_plain("x\n")
    (True, False, False)
    """
    return re.fullmatch(_ID, hold_id) is not None


def checked_id(hold_id: str) -> str:
    """Return an id if it is plain.

    Raises:
        Refused: it is not plain.
    """
    if not is_plain(hold_id):
        raise errors.Refused(f"the id {hold_id!r} is not plain: only letters, digits, '_', '.' and '-' are allowed")
    return hold_id

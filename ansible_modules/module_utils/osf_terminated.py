"""Services that os_faults has terminated on this host, and as whom they ran, as their records tell."""

from __future__ import annotations

import re
from typing import Sequence

from ansible.module_utils import osf_hold_id, osf_hold_store, osf_identity, osf_pidfile, osf_proc


def is_terminated(name: str) -> bool:
    """Whether os_faults itself has stopped a service, which then is to come back.

    Args:
        name: what the service is called in the record.
    """
    return _record(name) is not None


def identity_of(mains: Sequence[osf_pidfile.Named], name: str) -> osf_identity.Identity | None:
    """Return as whom a service was started; of one that is down, as whom it ran when it was terminated.

    Args:
        mains: its main processes, all of one user; the oldest counts.
        name: what it is called in the record.
    """
    first = min(osf_proc.identify(each.pid for each in mains), key=lambda each: each.start, default=None)
    return osf_identity.of(first.pid) if first is not None else osf_identity.load(_recorded(name, "run_as"))


def user_of(mains: Sequence[osf_pidfile.Named], name: str) -> int | None:
    """Return the user whose processes alone count as a service; of one that is down, as when it was terminated.

    Unlike `identity_of` it is who the service has become. Arguments are those of `identity_of`; None when nobody knows.
    """
    found = [users[0] for users in (osf_proc.users(each.pid) for each in mains) if users]
    return found[0] if found else user_when_terminated(name)


def user_when_terminated(name: str) -> int | None:
    """Return the user that a service had when it was terminated; None for one that was not, or found otherwise."""
    text = _recorded(name, "user").strip()
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else None


def _record(name: str) -> osf_hold_store.Hold | None:
    return osf_hold_store.find(osf_hold_id.hold_id("terminate", name))


def _recorded(name: str, file: str) -> str:
    record = _record(name)
    return record.text(file) if record else ""

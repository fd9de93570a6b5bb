"""Services that os_faults has terminated on this host, and as whom they ran, as their records tell."""

from __future__ import annotations

import re
from typing import Sequence

from ansible.module_utils.os_faults.hold import identity, store
from ansible.module_utils.os_faults.host import pidfiles, proc, run_as


def is_terminated(name: str) -> bool:
    """Whether os_faults itself has stopped a service, which then is to come back.

    Args:
        name: what the service is called in the record.
    """
    return _record(name) is not None


def identity_of(mains: Sequence[pidfiles.Named], name: str) -> run_as.Identity | None:
    """Return as whom a service was started; of one that is down, as whom it ran when it was terminated.

    Args:
        mains: its main processes, all of one user; the oldest counts.
        name: what it is called in the record.
    """
    first = min(proc.identify(each.pid for each in mains), key=lambda each: each.start, default=None)
    return run_as.of(first.pid) if first is not None else run_as.load(_recorded(name, "run_as"))


def user_of(mains: Sequence[pidfiles.Named], name: str) -> int | None:
    """Return the user whose processes alone count as a service; of one that is down, as when it was terminated.

    Unlike `identity_of` it is who the service has become. Arguments are those of `identity_of`; None when nobody knows.
    """
    found = [users[0] for users in (proc.users(each.pid) for each in mains) if users]
    return found[0] if found else user_when_terminated(name)


def user_when_terminated(name: str) -> int | None:
    """Return the user that a service had when it was terminated; None for one that was not, or found otherwise."""
    text = _recorded(name, "user").strip()
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else None


STOPPED_WITH = "stopped_with"
"""The file of a record that names the units which systemd has stopped with the service, one a line."""


def stopped_with(name: str) -> list[str]:
    """Return the units that systemd stopped with a service when it was terminated; none for one that was not."""
    return _recorded(name, STOPPED_WITH).split()


def _record(name: str) -> store.Hold | None:
    return store.find(identity.hold_id("terminate", name))


def _recorded(name: str, file: str) -> str:
    record = _record(name)
    return record.text(file) if record else ""

"""The owners of the faults on this host: a fault blocks other owners.

There is no separate lock. The record of a fault has its owner and its end, so a fault is its own lock: the lock begins
and ends with the fault, and leaves nothing behind.
"""

from __future__ import annotations

import time
from typing import Any, Mapping

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import store
from ansible.module_utils.os_faults.host import clock

WITHOUT_END = 1800.0
"""Seconds for which a fault without an end (``terminate``, ``never``) blocks other owners."""


def end_of(record: Mapping[str, Any]) -> float:
    """Return the time until which a fault blocks other owners, seconds since the epoch.

    >>> end_of({"since": 100.0, "until": 160.0}), end_of({"since": 100.0, "until": None})
    (160.0, 1900.0)
    """
    until = record["until"]
    return float(record["since"]) + WITHOUT_END if until is None else float(until)


def claims() -> list[dict[str, Any]]:
    """Return the faults that block other owners, each with ``fault``, ``subject``, ``by``, ``since`` and ``until``.

    A record without an owner blocks nobody.
    """
    now = clock.now()
    records = [hold.record for hold in store.find_all() if store.is_of_this_boot(hold)]
    return [
        dict({name: record[name] for name in ("fault", "subject", "by", "since")}, until=end_of(record))
        for record in records
        if record["by"] and end_of(record) > now
    ]


def refuse_others(by: str | None, force: bool) -> None:
    """Refuse a fault on a host with faults of other owners.

    Args:
        by: the owner of the new fault; by default the user and the address of the session.
        force: allow it all the same.

    Raises:
        Refused: another owner has a fault here; the message has the owner and the end.
    """
    you = by or store.who()
    others = [] if force else [claim for claim in claims() if claim["by"] != you]
    if others:
        last = max(others, key=lambda claim: claim["until"])
        raise errors.Refused(
            f"{last['fault']} {last['subject']} by {last['by']} is on this host since {time_of_day(last['since'])}, "
            f"and keeps others (you are {you}) away until {time_of_day(last['until'])}; "
            "wait, have it healed, or set force"
        )


def time_of_day(seconds: float) -> str:
    """Return a local time as text."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

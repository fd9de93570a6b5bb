"""Whose this host is at this moment: what somebody who made a fault keeps others from.

There is no lock beside the faults. A fault's own record names who made it and when it ends, so whoever has a fault here
holds the host. Hence the lock is taken and given up together with the fault, ends by itself when it does, and leaves
nothing behind.
"""

from __future__ import annotations

import time
from typing import Any, Mapping

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import store
from ansible.module_utils.os_faults.host import clock

WITHOUT_END = 1800.0
"""Seconds for which a fault that has no end of its own (``terminate``, ``never``) keeps others away."""


def end_of(record: Mapping[str, Any]) -> float:
    """Return until when a fault keeps others away, seconds since the epoch.

    >>> end_of({"since": 100.0, "until": 160.0}), end_of({"since": 100.0, "until": None})
    (160.0, 1900.0)
    """
    until = record["until"]
    return float(record["since"]) + WITHOUT_END if until is None else float(until)


def claims() -> list[dict[str, Any]]:
    """Return who holds this host, by which fault: ``fault``, ``subject``, ``by``, ``since`` and ``until`` of each.

    A record that does not say who made it keeps nobody away.
    """
    now = clock.now()
    records = [hold.record for hold in store.find_all() if store.is_of_this_boot(hold)]
    return [
        dict({name: record[name] for name in ("fault", "subject", "by", "since")}, until=end_of(record))
        for record in records
        if record["by"] and end_of(record) > now
    ]


def refuse_others(by: str | None, force: bool) -> None:
    """Refuse to break anything on a host that somebody else holds.

    Args:
        by: who is about to; the host's own knowledge when empty.
        force: do it all the same.

    Raises:
        Refused: with the holder, and until when.
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
    """Return a time of day for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))

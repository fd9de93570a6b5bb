"""Remembers for each hold what this host was like before it, and says afterwards whether it is so again.

The state before is written with the hold, before anything is done; what the injection changed is written when it has
succeeded. A hold without them was made by an older version, and its undo is believed.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

from ansible.module_utils import osf_hold_check as check
from ansible.module_utils import osf_hold_store as store
from ansible.module_utils import osf_host_state as host
from ansible.module_utils.osf_hold_check import Memory, Verdict

BEFORE, TOUCHED = "before.json", "touched.json"
"""The files in a hold's directory."""

_PATIENCE = 5.0
"""Seconds that a host has to settle: an address comes back some time after its link."""


def before() -> str:
    """Return the text of the file that is written before anything is done."""
    return json.dumps(check.dump_state(host.read()))


def remember(hold: store.Hold) -> None:
    """Write down what the injection of a hold has changed, unless that is written or the hold is over by then."""
    was = _state(hold)
    if was is not None and _memory(hold) is None:
        _write(hold, check.remember(was, host.read(), others(hold.id)))


def remember_more(hold: store.Hold, memory: Memory | None, was: host.State) -> None:
    """Write down what one more injection has changed."""
    if memory is not None:
        _write(hold, check.again(memory, was, host.read()))


def recall(hold: store.Hold) -> Memory | None:
    """Return what is remembered of a hold, None when nothing is.

    When its injection was not seen to its end, all that has changed until now counts as touched.
    """
    memory = _memory(hold)
    was = _state(hold) if memory is None else None
    return memory if was is None else check.remember(was, host.read(), others(hold.id))


def others(hold_id: str) -> list[Memory]:
    """Return what is remembered of the other holds of this host."""
    standing = [hold for hold in store.find_all() if hold.id != hold_id and store.is_of_this_boot(hold)]
    return [memory for memory in map(_memory, standing) if memory is not None]


def verdict(hold_id: str, memory: Memory | None) -> Verdict:
    """Return what is different now that a hold has been undone; a host gets some seconds to settle."""
    if memory is None:
        return Verdict([], [])
    deadline = time.monotonic() + _PATIENCE
    found = check.compare(memory, host.read(), others(hold_id))
    while found.left and time.monotonic() < deadline:
        time.sleep(0.2)
        found = check.compare(memory, host.read(), others(hold_id))
    return found


def _memory(hold: store.Hold) -> Memory | None:
    return check.load(_json(hold, TOUCHED))


def _state(hold: store.Hold) -> host.State | None:
    return check.load_state(_json(hold, BEFORE))


def _json(hold: store.Hold, name: str) -> Any:
    try:
        return json.loads(hold.text(name))
    except ValueError:
        return None


def _write(hold: store.Hold, memory: Memory) -> None:
    with contextlib.suppress(OSError):
        store.replace(hold, TOUCHED, json.dumps(check.dump(memory)))

"""Remembers for each hold what this host was like before it, and says afterwards whether it is so again.

The state before is written with the hold, before anything is done; what the injection changed is written when it has
succeeded. A hold without them was made by an older version, and its undo is believed.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any, Sequence

from ansible.module_utils.os_faults.hold import compare, files, snapshot, store, targets
from ansible.module_utils.os_faults.hold.compare import Memory, Verdict

BEFORE, TOUCHED = "before.json", "touched.json"
"""The files in a hold's directory."""

_NOTHING = snapshot.State(frozenset(), {})

_PATIENCE = 5.0
"""Seconds that a host has to settle: an address comes back some time after its link."""


def before(acts_on: str, about: targets.Targets) -> str:
    """Return the text of the file that is written before anything is done.

    The faults that stand now are in it too: one of them may end while the new one is injected.

    Args:
        acts_on: what the fault acts on, as `osf_hold` calls it.
        about: which things of this kind.
    """
    return json.dumps(
        {
            "acts_on": acts_on,
            "state": compare.dump_state(snapshot.read(about)),
            "others": [compare.dump(memory._replace(before=_NOTHING)) for memory in others("")],
        }
    )


def remember(hold: store.Hold) -> None:
    """Write down what the injection of a hold has changed, unless that is written or the hold is over by then."""
    if _memory(hold) is None:
        _write(hold, _changed_until_now(hold))


def remember_more(hold: store.Hold, memory: Memory | None, was: snapshot.State) -> None:
    """Write down what one more injection has changed."""
    if memory is not None:
        about = targets.of_hold(hold)
        _write(hold, _own(hold, compare.again(memory, was, snapshot.read(about), _told(hold)["acts_on"], about)))


def notes(hold: store.Hold) -> list[str]:
    """Return what could not be looked at before a fault was made, in sentences."""
    state = _told(hold)["state"]
    silent = state.get("silent") if isinstance(state, dict) else None
    return [
        f"the file system of {path} does not answer, so its room is not compared"
        for path in (silent if isinstance(silent, list) else [])
    ]


def recall(hold: store.Hold) -> Memory | None:
    """Return what is remembered of a hold, None when nothing is.

    When its injection was not seen to its end, all that has changed until now counts as touched.
    """
    return _memory(hold) or _changed_until_now(hold)


def _changed_until_now(hold: store.Hold) -> Memory | None:
    told = _told(hold)
    was = compare.load_state(told["state"])
    if was is None:
        return None
    stood = [memory for memory in map(compare.load, told["others"]) if memory is not None]
    about = targets.of_hold(hold)
    return _own(hold, compare.remember(was, snapshot.read(about), stood + others(hold.id), told["acts_on"], about))


def _own(hold: store.Hold, memory: Memory) -> Memory:
    """Return a memory without what somebody else did meanwhile: stop other processes, or move an address.

    A fault that stops processes writes them down in ``stopped``, a pid and its start on each line; one that sets an
    interface down writes the addresses that it drops to ``saved/addresses6``, as ``ADDRESS dev INTERFACE`` and more.
    """
    pids = {line.partition(" ")[0] for line in hold.text("stopped").splitlines()}
    rows = (line.split() for line in hold.text("saved/addresses6").splitlines())
    addresses = {f"address: {row[2]} inet6 {row[0]} " for row in rows if len(row) > 2}
    return compare.only_addresses(compare.only_processes(memory, pids), addresses)


def _told(hold: store.Hold) -> dict[str, Any]:
    """Return what was written before anything was done, with nothing in place of what is missing."""
    told = _json(hold, BEFORE)
    told = told if isinstance(told, dict) else {}
    stood = told.get("others")
    return {
        "acts_on": str(told.get("acts_on", "host")),
        "state": told.get("state"),
        "others": stood if isinstance(stood, list) else [],
    }


def others(hold_id: str) -> list[Memory]:
    """Return what is remembered of the other holds of this host."""
    standing = [hold for hold in store.find_all() if hold.id != hold_id and store.is_of_this_boot(hold)]
    return [memory for memory in map(_memory, standing) if memory is not None]


def verdict(hold_id: str, memory: Memory | None, theirs: Sequence[str] = ()) -> Verdict:
    """Return what is different now that a hold has been undone; a host gets some seconds to settle.

    Args:
        hold_id: the hold.
        memory: what is remembered of it.
        theirs: how the lines begin that its undo has left to somebody else.
    """
    if memory is None:
        return Verdict([], [])
    memory = compare.without(memory, theirs)
    deadline = time.monotonic() + _PATIENCE
    about = _watched(memory)
    found = compare.compare(memory, snapshot.read(about), others(hold_id))
    while found.left and time.monotonic() < deadline:
        time.sleep(0.2)
        found = compare.compare(memory, snapshot.read(about), others(hold_id))
    return found


def _watched(memory: Memory) -> targets.Targets:
    """Return what of the levels has to be looked at again: the hold is gone by then, and its targets with it."""
    room = frozenset(name[len(snapshot.ROOM) :] for name in memory.moved if name.startswith(snapshot.ROOM))
    return targets.Targets(room=room, clock=snapshot.CLOCK in memory.moved)


def _memory(hold: store.Hold) -> Memory | None:
    return compare.load(_json(hold, TOUCHED))


def _json(hold: store.Hold, name: str) -> Any:
    try:
        return json.loads(hold.text(name))
    except ValueError:
        return None


def _write(hold: store.Hold, memory: Memory | None) -> None:
    if memory is None:
        return
    with contextlib.suppress(OSError):  # it is over by now, and its directory with it
        files.replace(hold, TOUCHED, json.dumps(compare.dump(memory)))

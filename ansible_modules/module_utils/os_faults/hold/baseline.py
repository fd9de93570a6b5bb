"""The baseline of a hold: the state of this host before it, for the comparison after the undo.

The state is written with the hold, before the injection. The changes of the injection are written after it has
succeeded. A hold of an older version has neither; the success of its undo is enough.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any, Iterable, Sequence

from ansible.module_utils.os_faults.hold import compare, files, snapshot, store, targets
from ansible.module_utils.os_faults.hold.compare import Memory, Verdict

BEFORE, TOUCHED = "before.json", "touched.json"
"""Files in the directory of a hold: the state before, and the changes of the injection."""

_NOTHING = snapshot.State(frozenset(), {})

_PATIENCE = 5.0
"""Seconds of wait for a host to settle: an address comes back some time after its link."""


def before(acts_on: str, about: targets.Targets) -> str:
    """Return the content of the file `BEFORE`.

    It includes the changes of the present faults, as one of them may end during the injection of the new one.

    Args:
        acts_on: the kind of target, as in `osf_hold`.
        about: the targets.
    """
    return json.dumps(
        {
            "acts_on": acts_on,
            "state": compare.dump_state(snapshot.read(about)),
            "others": [compare.dump(memory._replace(before=_NOTHING)) for memory in others("")],
        }
    )


def remember(hold: store.Hold) -> None:
    """Record the changes of the injection of a hold, unless they are recorded or the hold has ended."""
    if _memory(hold) is None:
        _write(hold, _changed_until_now(hold))


def remember_more(hold: store.Hold, memory: Memory | None, was: snapshot.State) -> None:
    """Record the changes of a repeated injection."""
    if memory is not None:
        about = targets.of_hold(hold)
        _write(hold, _own(hold, compare.again(memory, was, snapshot.read(about), _told(hold)["acts_on"], about)))


def notes(hold: store.Hold) -> list[str]:
    """Return sentences about parts of the host that could not be read before the injection."""
    state = _told(hold)["state"]
    silent = state.get("silent") if isinstance(state, dict) else None
    return not_compared(map(str, silent) if isinstance(silent, list) else ())


def not_compared(silent: Iterable[str]) -> list[str]:
    """Return sentences about what did not answer, see `snapshot.State`."""
    return [
        f"the file system of {each} does not answer, so its room is not compared"
        if each.startswith("/")
        else f"{each} gave no list within {snapshot.PATIENCE:g} s, so what it lists is not compared"
        for each in silent
    ]


def recall(hold: store.Hold) -> Memory | None:
    """Return the recorded baseline of a hold; None without one.

    If the end of the injection was not observed, all changes until now count as changes of the injection.
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
    """Return a baseline without changes by others: processes that they stopped, addresses that they moved.

    A fault that stops processes lists them in the file ``stopped``, with pid and start time in each line. One that sets
    an interface down writes the addresses that it drops to ``saved/addresses6``, as ``ADDRESS dev INTERFACE`` and more.
    """
    pids = {line.partition(" ")[0] for line in hold.text("stopped").splitlines()}
    rows = (line.split() for line in hold.text("saved/addresses6").splitlines())
    addresses = {f"address: {row[2]} inet6 {row[0]} " for row in rows if len(row) > 2}
    return compare.only_addresses(compare.only_processes(memory, pids), addresses)


def _told(hold: store.Hold) -> dict[str, Any]:
    """Return the content of the file `BEFORE`, with empty values for missing ones."""
    told = _json(hold, BEFORE)
    told = told if isinstance(told, dict) else {}
    stood = told.get("others")
    return {
        "acts_on": str(told.get("acts_on", "host")),
        "state": told.get("state"),
        "others": stood if isinstance(stood, list) else [],
    }


def others(hold_id: str) -> list[Memory]:
    """Return the baselines of the other holds of this host."""
    standing = [hold for hold in store.find_all() if hold.id != hold_id and store.is_of_this_boot(hold)]
    return [memory for memory in map(_memory, standing) if memory is not None]


def verdict(hold_id: str, memory: Memory | None, theirs: Sequence[str] = ()) -> Verdict:
    """Return the differences after the undo of a hold; the host gets some seconds to settle.

    Args:
        hold_id: the hold.
        memory: its baseline.
        theirs: beginnings of the lines of the snapshot that the undo has left to others.
    """
    if memory is None:
        return Verdict([], [])
    memory = compare.left_to_others(memory, theirs)
    deadline = time.monotonic() + _PATIENCE
    about = _watched(memory)
    found = compare.compare(memory, snapshot.read(about), others(hold_id))
    while found.left and time.monotonic() < deadline:
        time.sleep(0.2)
        found = compare.compare(memory, snapshot.read(about), others(hold_id))
    return found


def _watched(memory: Memory) -> targets.Targets:
    """Return the levels to read again. They come from the baseline, as the targets are gone with the hold."""
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
    with contextlib.suppress(OSError):  # the hold has ended, and its directory is gone
        files.replace(hold, TOUCHED, json.dumps(compare.dump(memory)))

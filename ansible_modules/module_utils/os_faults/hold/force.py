"""Whether a fault is in force, and for how long it has been: others may end what it did without ending the fault.

The script ``look.sh`` of a hold looks at that. It is run for a listing, before an undo, and by the waiter of the hold
every few seconds. It keeps in ``seen`` when the fault was in force last, and in ``lost`` when first it was not, both in
hundredths of a second since boot like ``began``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from typing import Iterable, NamedTuple

from ansible.module_utils.os_faults.hold import store
from ansible.module_utils.os_faults.host import clock

_BOUND = 5.0
"""Seconds that all looks of one time may take; the script bounds itself by less."""


class Force(NamedTuple):
    """What a look at a fault has shown.

    Attributes:
        holds: whether it is in force; None when that can't be told.
        seconds: for how long it has been, as far as it was looked at; None when that can't be told.
    """

    holds: bool | None = None
    seconds: float | None = None


def look(holds: Iterable[store.Hold]) -> dict[str, Force]:
    """Look at faults side by side.

    Args:
        holds: the faults. One of an older version, or one without a look of its own, can't be told.

    Returns:
        Id → what was seen.
    """
    holds = list(holds)
    started = {hold.id: _start(hold) for hold in holds if os.path.exists(hold.path("look.sh"))}
    deadline = time.monotonic() + _BOUND
    codes = {hold_id: _code(process, deadline) for hold_id, process in started.items()}
    return {hold.id: _seen(hold, codes.get(hold.id)) for hold in holds}


def told(force: Force) -> list[str]:
    """Return what is worth telling of a fault that is being undone, in sentences.

    >>> told(Force(False, 12.34))
    ['it was not in force any more when it was undone; it was in force for 12.3 s, as far as it was looked at']
    """
    if force.holds is not False or force.seconds is None:
        return []
    how_long = f"it was in force for {force.seconds:.1f} s, as far as it was looked at"
    return [f"it was not in force any more when it was undone; {how_long}"]


def _start(hold: store.Hold) -> subprocess.Popen[bytes] | None:
    """Start a look. Return None if the host has no process to spare: that must not keep an undo from its turn."""
    command, null = ["/bin/sh", hold.path("look.sh")], subprocess.DEVNULL
    try:
        return subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)
    except OSError:
        return None


def _code(process: subprocess.Popen[bytes] | None, deadline: float) -> int | None:
    if process is None:
        return None
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(timeout=max(0.0, deadline - time.monotonic()))
    process.kill()  # and it is not waited for: what hangs in the kernel may not end
    return None


def _seen(hold: store.Hold, code: int | None) -> Force:
    holds = {0: True, 1: False}.get(-1 if code is None else code)
    began = store.hundredths(hold.text("began"))
    if holds is None or began is None:
        return Force()
    last = clock.uptime() if holds else store.hundredths(hold.text("seen")) or began
    return Force(holds, max(0.0, round(last - began, 2)))

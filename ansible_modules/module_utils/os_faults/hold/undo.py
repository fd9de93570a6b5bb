"""The undo of one hold, with the comparison of the host with its baseline.

A fault is undone if its directory is gone: a successful undo removes it at the end. Nothing else counts, in particular
not the exit code of ``systemctl stop``.
"""

from __future__ import annotations

import io
import os
from typing import NamedTuple, Sequence, TextIO

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import baseline, carriers, files, force, output, store
from ansible.module_utils.os_faults.host import text

_ATTEMPTS = 2
"""Attempts of an undo: one that was killed, for instance by the OOM killer, is started again."""


class Undone(NamedTuple):
    """The report of an undo.

    Attributes:
        drift: changes by others since the injection.
        notes: sentences of the undo script, and one if the fault was no longer in force.
        seconds: how long the fault was in force; None if that is not known.
    """

    drift: Sequence[str] = ()
    notes: Sequence[str] = ()
    seconds: float | None = None

    @property
    def told(self) -> list[str]:
        """All of it in sentences."""
        return [*self.notes, *told(self.drift)]


def take_back(module: AnsibleModule, hold: store.Hold) -> Undone:
    """Undo a hold, and check that it is gone and that its targets are as before.

    Raises:
        Failed: it still exists, or has left changes; ``undo_failed`` is in the payload.
    """
    carrier = carriers.carrier_of(module, hold)
    if not store.is_of_this_boot(hold):
        files.discard(hold)
        return Undone()
    begun = not os.path.exists(hold.path("moment"))
    seen = force.look([hold])[hold.id]
    memory = baseline.recall(hold) if begun else None
    with _log_of(hold) as log:
        _run(module, hold, carrier)
        log.seek(0)
        said = output.parse_said(log.read())
    carrier.clear(hold.id)
    found = baseline.verdict(hold.id, memory, said.theirs)
    if found.left:
        raise errors.Failed(_not_as_it_was(hold.id, found.left), undo_failed=True, id=hold.id, notes=told(found.drift))
    notes = [*force.told(seen), *said.notes, *baseline.not_compared(found.silent)]
    return Undone(found.drift, notes, seen.seconds)


def told(drift: Sequence[str]) -> list[str]:
    """Return notes of what others have changed on this host meanwhile."""
    return ["changed meanwhile, not by us: " + line for line in text.few(drift)]


def _log_of(hold: store.Hold) -> TextIO:
    """Return what the undo of a hold writes; its name goes with the hold."""
    try:
        return open(hold.path("undo.log"), encoding="utf-8", errors="replace")
    except OSError:
        return io.StringIO()


def _run(module: AnsibleModule, hold: store.Hold, carrier: carriers.Carrier) -> None:
    """End a hold, which undoes it.

    Raises:
        Failed: it is still there.
    """
    said = ""
    for _ in range(_ATTEMPTS):
        carrier.stop(hold)
        if hold.exists:
            said = _undo_by_hand(module, hold)
        if not hold.exists or hold.text("state").strip() == "undo_failed":
            break
    if hold.exists:
        raise errors.Failed(_why_not_undone(hold, said), undo_failed=True, id=hold.id)


def _undo_by_hand(module: AnsibleModule, hold: store.Hold) -> str:
    """Run the undo script of a hold without its carrier, and return its last error or its exit code."""
    command = ["/bin/sh", hold.path("undo.sh")]
    code, _out, err = module.run_command(command, environ_update=carriers.ENVIRONMENT)
    return text.last_line(err) or f"its undo ended with exit code {code:d} before it was done"


def _why_not_undone(hold: store.Hold, said: str) -> str:
    log = hold.text("undo.log").splitlines()
    why = text.last_line("\n".join(log[:-1])) or text.last_line("\n".join(log)) or said
    readme = os.path.join(os.path.dirname(hold.directory), "README")
    return (
        f"could not take back {hold.id}: {why} "
        f"(see {hold.path('undo.log')} on the host; {readme} tells how to go on by hand)"
    )


def _not_as_it_was(id_: str, left: Sequence[str]) -> str:
    lines = "; ".join(text.few(left))
    return f"{id_} was taken back, but not all is as it was before (- is missing, + is left): {lines}"

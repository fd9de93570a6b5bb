"""The answer about a hold, as the controller gets it."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

from ansible.module_utils.os_faults.hold import output
from ansible.module_utils.os_faults.hold.start_time import StartTime


class Cut(NamedTuple):
    """Whether a fault cuts a network (``network``), and whether it cuts the connection of this module (``session``)."""

    network: bool = False
    session: bool = False
    notes: Sequence[str] = ()
    """What a person should know of it, in sentences."""


def outcome(
    id_: str,
    state: str,
    changed: bool,
    since: float | None,
    until: float | None,
    cut: Cut,
    said: output.Said | None = None,
    notes: Sequence[str] = (),
    extended: bool = False,
) -> dict[str, Any]:
    """Return the answer.

    Args:
        id_: of the hold.
        state: "armed", "injected" or "absent".
        changed: whether something on this host is not as before.
        since: when it began, in seconds since the epoch; None when that is not known.
        until: when it ends; None for one without an end.
        cut: the connections that the fault cuts.
        said: what its inject script printed.
        notes: further sentences.
        extended: whether a standing hold ends later than before.
    """
    return {
        "id": id_,
        "state": state,
        "changed": changed,
        "since": since,
        "until": until,
        "extended": extended,
        "cuts_path": cut.session,
        "notes": [*(said.notes if said else []), *cut.notes, *notes],
        "facts": said.facts if said else {},
    }


def of_start(start: StartTime) -> dict[str, Any]:
    """Return the part of an answer about the start time."""
    values = start._asdict()
    return {name: values[name] for name in ("at", "clock_ahead", "clock_within", "moved")}


def why_not_injected(problem: str, said: output.Said) -> str:
    """Return why an injection failed whose script gave no reason."""
    if said.rc is not None:
        return f"the injection failed with exit code {said.rc:d}"
    return problem or "the injection did not end in time"

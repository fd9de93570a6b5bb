"""A hold as plain values: the request, the record, and the rules about its end.

A hold is a lasting fault on a host: a directory with a record, and with scripts that inject the fault, wait for its end
and undo it. Nothing in this file touches the host.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple, Sequence

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold.identity import checked_id
from ansible.module_utils.os_faults.hold.start_time import StartTime

FORMAT = 1
"""Version of ``record.json``. A newer os_faults must still be able to undo what an older one left."""

_FILE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_TARGET = r"[a-z]+=[A-Za-z0-9_.:@/\\,+-]+"

OWN_FILES = frozenset(
    (
        *("record.json", "inject.sh", "begin.sh", "wait.sh", "undo.sh", "watchdog.sh", "watchdog.pid", "targets"),
        *("deadline", "state", "answer", "inject.out", "inject.err", "undo.log", "before.json", "touched.json"),
        *("moment", "begun", "released", "look.sh", "lasts", "began", "seen", "lost"),
    )
)
"""Names in the directory of a hold that a fault can't use for its own files."""


class Plan(NamedTuple):
    """A requested hold.

    Attributes:
        id: its id on the host; the same verb and target have the same id.
        fault: the verb (``freeze``).
        subject: the target (``keystone``).
        seconds: its duration; None for no end.
        inject, undo: commands as argument lists, run in the hold's directory.
        files: name → content of the fault's own files (scripts, rules).
        targets: ``word=value`` lines for the scripts.
        undo_timeout: longest time of each undo command in seconds.
        start_timeout: longest time of the whole injection in seconds.
        by: the owner.
        acts_on: the kind of target, as in `osf_hold`.
        prepare: commands that run before ``inject``, and change only the directory of the hold.
        check: commands that run last when the hold is armed for a start time; they check that it can begin.
        start_time: its start time; None for at once. Until then it is only prepared.
        momentary: whether it ends together with its injection.
        look: commands that all succeed while the fault is in force, and change nothing. Exit code 1 means that it is
            not in force, any other code that this is not known.
    """

    id: str
    fault: str
    subject: str
    seconds: int | None
    inject: Sequence[Sequence[str]]
    undo: Sequence[Sequence[str]]
    files: Mapping[str, str]
    targets: Sequence[str]
    undo_timeout: int
    start_timeout: int
    by: str
    acts_on: str = "host"
    prepare: Sequence[Sequence[str]] = ()
    check: Sequence[Sequence[str]] = ()
    start_time: StartTime | None = None
    momentary: bool = False
    look: Sequence[Sequence[str]] = ()


def check(plan: Plan) -> None:
    """Refuse a plan with names that are not plain, or with missing commands.

    Raises:
        Refused: a name, a file name or a target is not plain, a command is empty, or there is no undo.
    """
    checked_id(plan.id)
    for name in plan.files:
        if not re.fullmatch(_FILE, name) or name in OWN_FILES:
            raise errors.Refused(f"a hold can't have a file named {name!r}")
    for target in plan.targets:
        if not re.fullmatch(_TARGET, target):
            raise errors.Refused(f"the host reported {target!r}, which is not a plain name")
    for command in [*plan.prepare, *plan.check, *plan.inject, *plan.undo, *plan.look]:
        if not command:
            raise errors.Refused("a command of a hold is empty")
    if not plan.undo:
        raise errors.Refused("a hold without an undo is not allowed")


def new_record(plan: Plan, now: float, boot_id: str, carrier: str, uptime: float | None = None) -> dict[str, Any]:
    """Return the content of ``record.json``.

    Args:
        plan: what is asked for.
        now: the time of the record, seconds since the epoch.
        boot_id: this boot of the host.
        carrier: ``systemd``, ``watchdog`` or ``none``.
        uptime: the same time in seconds since boot; the fault begins when its injection has ended, which is told so.
    """
    since = now if plan.start_time is None else plan.start_time.since
    return {
        "format": FORMAT,
        "id": plan.id,
        "fault": plan.fault,
        "subject": plan.subject,
        "since": round(since, 3),
        "until": None if plan.seconds is None else round(since + plan.seconds, 3),
        "uptime": uptime if plan.start_time is None else None,
        "moment": None if plan.start_time is None else plan.start_time._asdict(),
        "momentary": plan.momentary,
        "by": plan.by,
        "boot_id": boot_id,
        "carrier": carrier,
        "inject": [list(command) for command in [*plan.prepare, *plan.inject]],
        "undo": [list(command) for command in plan.undo],
    }


def stop_timeout(plan: Plan) -> int:
    """Return the seconds after which an undo hangs, as each of its commands has been killed by then.

    >>> stop_timeout(Plan("a", "freeze", "a", 9, [], [["true"], ["true"]], {}, [], 60, 60, "me"))
    160
    """
    return len(plan.undo) * (plan.undo_timeout + 5) + 30


def later_end(old: float | None, new: float | None) -> float | None:
    """Return the later of two ends, where None is never.

    >>> later_end(10, 20), later_end(None, 20)
    (20, None)
    """
    return None if old is None or new is None else max(old, new)


def about_to_end(until: float | None, now: float) -> bool:
    """Return whether a hold is too near to its end to move the end; it is made anew then.

    >>> about_to_end(100.0, 99.0), about_to_end(100.0, 90.0), about_to_end(None, 90.0)
    (True, False, False)
    """
    return until is not None and until - now < 2


def deadline_line(until: float | None, now: float, uptime: float) -> str:
    r"""Return an end given in wall-clock time as the host's uptime, which no clock change can move.

    The first line has whole seconds; scripts of older versions read only this line. The second line has the hundredths
    of a second by which the end is earlier.

    >>> deadline_line(100.75, 90.0, 5.0), deadline_line(None, 90.0, 5.0)
    ('16\n25\n', 'never\n')
    """
    if until is None:
        return "never\n"
    hundredths = round((uptime + until - now) * 100)
    whole = -(-hundredths // 100)
    return f"{whole:d}\n{whole * 100 - hundredths:d}\n"


def merged_targets(old: str, new: Sequence[str]) -> str:
    """Return the old target lines and the new ones, as the undo must also reach the old targets."""
    lines = [line for line in old.splitlines() if line]
    return "".join(line + "\n" for line in lines + [line for line in new if line not in lines])

"""The requested hold, from the options of `osf_hold`."""

from __future__ import annotations

import re
from typing import Any, Mapping

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import start_time
from ansible.module_utils.os_faults.hold.plan import Plan
from ansible.module_utils.os_faults.hold.store import who
from ansible.module_utils.os_faults.host import clock


def seconds_of(value: str | None) -> int | None:
    """Return the seconds until the end of a hold; None for never.

    Raises:
        Refused: it is neither a number from 1 to a year's seconds nor the word ``never``.
    """
    text = (value or "").strip()
    if text == "never":
        return None
    if not re.fullmatch("[0-9]{1,8}", text) or not 1 <= int(text) <= clock.LONGEST:
        raise errors.Refused(
            f"the end of a fault must be a number of seconds from 1 to {clock.LONGEST:d} (a year) or the word never, "
            f"got: {text[:40]}"
        )
    return int(text)


def start_time_of(options: Mapping[str, Any]) -> start_time.StartTime | None:
    """Return the start time of the fault; None for at once.

    Raises:
        Refused: it is more than a year away, or the controller's reading of the clock is none.
    """
    if options["at"] is None:
        return None
    reading = start_time.reading_of(options["clock_reading"])
    start = start_time.on_this_host(options["at"], reading, clock.now(), clock.uptime())
    if start.uptime - clock.uptime() > clock.LONGEST:
        raise errors.Refused(f"the start time of a fault must be within a year, got: {start.at}")
    return start


def plan_of(options: Mapping[str, Any], hold_id: str, targets: list[str]) -> Plan:
    """Return the requested hold."""
    return Plan(
        id=hold_id,
        fault=options["fault"],
        subject=options["subject"],
        seconds=seconds_of(options["seconds"]),
        inject=[[str(part) for part in command] for command in options["inject"]],
        undo=[[str(part) for part in command] for command in options["undo"]],
        files={name: str(content) for name, content in options["files"].items()},
        targets=targets,
        undo_timeout=options["undo_timeout"],
        start_timeout=options["start_timeout"],
        by=options["by"] or who(),
        acts_on=options["acts_on"],
        prepare=[[str(part) for part in command] for command in options["prepare"]],
        check=[[str(part) for part in command] for command in options["check"]],
        look=[[str(part) for part in command] for command in options["look"]],
        start_time=start_time_of(options),
        momentary=options["momentary"],
    )

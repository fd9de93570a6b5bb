"""The carrier of a hold, from its injection to its undo: a transient systemd unit, or a watchdog process.

Both run ``inject.sh``, wait with ``wait.sh``, and run ``undo.sh`` after any end of the wait.
A recorded change (a service that was terminated) has no carrier, and no end.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
from typing import Iterable, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults.hold import scripts, store
from ansible.module_utils.os_faults.host.files import read_text

UNIT_PREFIX = "os-faults-"

_SILENCE = 20.0
"""Seconds for which systemd may not answer, as after ``systemctl daemon-reexec``."""

ENVIRONMENT = {"LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}

_END_THE_UNIT = """# systemd itself names the result to what it runs when a unit has ended.
if [ -z "${{SERVICE_RESULT-}}" ] && timeout 10 systemctl is-active --quiet {unit}; then
    systemctl stop {unit}
    [ ! -e {directory}/undo.sh ]
    exit
fi
"""

_FORGET_THE_UNIT = """if timeout 10 systemctl is-failed --quiet {unit}; then
    systemctl reset-failed {unit}
fi
"""

_END_THE_WATCHDOG = """watches() {{
    tr '\\0' '\\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qxF {script}
}}
if read -r watchdog 2>/dev/null <watchdog.pid && [ "$PPID" != "$watchdog" ] && watches "$watchdog"; then
    kill "$watchdog"
    while watches "$watchdog"; do
        sleep 0.1
    done
    [ ! -e {script} ]
    exit
fi
"""


class Carrier:
    """The carrier of a recorded change: there is none, and no end."""

    name = store.NO_CARRIER

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module

    def launch(self, hold: store.Hold, start_timeout: int, stop_timeout: int) -> str:
        """Start the carrier without waiting for the injection.

        Args:
            hold: whose scripts it runs.
            start_timeout: longest time of the injection in seconds.
            stop_timeout: seconds after which a part of the end is given up: a look that hangs, or the undo.

        Returns:
            The reason if it can't be started, else "".
        """
        raise NotImplementedError

    def busy(self, hold: store.Hold) -> bool:
        """Return whether the carrier is running the injection or the undo."""
        raise NotImplementedError

    def alive(self, hold: store.Hold) -> bool:
        """Return whether the carrier will undo the hold at its end."""
        return False

    def stop(self, hold: store.Hold) -> None:
        """End the carrier and wait for the end of its undo, successful or not."""

    def by_hand(self, hold_id: str, directory: str) -> str:
        """Return the first lines of the undo script: if the carrier did not start the script, they end the carrier.

        Otherwise the carrier would not find the script at the end of the fault, and report a failed undo.
        """
        return ""

    def forget(self, hold_id: str) -> str:
        """Return the last lines of the undo script: they clear the failed state of a carrier that has ended."""
        return ""

    def failed(self, hold_id: str) -> bool:
        """Return whether the carrier has ended and has the state failed."""
        return False

    def clear(self, hold_id: str) -> None:
        """Clear the failed state of a carrier that has ended."""


class Systemd(Carrier):
    """A transient unit. Its end, for any reason, runs the undo."""

    name = "systemd"

    def launch(self, hold: store.Hold, start_timeout: int, stop_timeout: int) -> str:
        self.clear(hold.id)
        start, main = scripts.steps(bool(hold.record.get("moment")))
        # Only paths of plain characters: a daemon-reload rewrites arguments with metacharacters.
        command = [
            "systemd-run",
            "--quiet",
            "--no-block",
            "--unit=" + unit_name(hold.id),
            f"--description=os-faults {hold.record['fault']} {hold.id}",
            f"--property=ExecStartPre=/bin/sh {hold.path(start)}",
            f"--property=ExecStopPost=/bin/sh {hold.path('undo.sh')}",
            f"--property=TimeoutStartSec={start_timeout:d}",
            f"--property=TimeoutStopSec={stop_timeout:d}",
            "--property=IgnoreOnIsolate=yes",
            "--property=OOMScoreAdjust=-1000",
            "--property=SuccessExitStatus=SIGKILL",
            "--property=SyslogIdentifier=os-faults",
            "/bin/sh",
            hold.path(main),
        ]
        code, _out, err = self._run(command)
        return "" if code == 0 else err.strip() or f"systemd-run failed with exit code {code:d}"

    def busy(self, hold: store.Hold) -> bool:
        # A unit whose start is only queued yet is "inactive" and has a job.
        shown = self._shown(unit_name(hold.id), "ActiveState,Job")
        if not shown:  # systemd has not answered for long, as on a host under load: nothing is known
            return True
        return shown.get("ActiveState") in ("activating", "deactivating") or shown.get("Job", "0") not in ("", "0")

    def alive(self, hold: store.Hold) -> bool:
        return self.state(unit_name(hold.id)) in ("active", "activating", "reloading", "refreshing")

    def stop(self, hold: store.Hold) -> None:
        self._run(["systemctl", "stop", unit_name(hold.id)])

    def by_hand(self, hold_id: str, directory: str) -> str:
        return _END_THE_UNIT.format(unit=unit_name(hold_id), directory=shlex.quote(directory))

    def forget(self, hold_id: str) -> str:
        return _FORGET_THE_UNIT.format(unit=unit_name(hold_id))

    def failed(self, hold_id: str) -> bool:
        return self.state(unit_name(hold_id)) == "failed"

    def clear(self, hold_id: str) -> None:
        if self.failed(hold_id):
            self._run(["systemctl", "reset-failed", unit_name(hold_id)])

    def state(self, unit: str) -> str:
        """Return the active state of a unit; "inactive" if there is no such unit."""
        return self._shown(unit, "ActiveState").get("ActiveState", "")

    def units(self) -> dict[str, str]:
        """Return the units of os_faults: name → active state."""
        out = self._run(["systemctl", "list-units", "--all", "--plain", "--no-legend", UNIT_PREFIX + "*.service"])[1]
        rows = (line.split() for line in out.splitlines())
        return {row[0]: row[2] for row in rows if len(row) > 2 and row[0].startswith(UNIT_PREFIX)}

    def undo_went_well(self, unit: str) -> bool:
        """Return whether the undo of an ended unit has succeeded."""
        shown = self._shown(unit, "ActiveState,ExecStopPost")
        return bool(re.search(r"code=exited ; status=0\b", shown.get("ExecStopPost", "")))

    def is_bound(self, unit: str, holds: Iterable[str]) -> bool:
        """Return whether a unit is bound to one of ``holds``: then it is not a hold, but the load of a hold."""
        return not set(holds).isdisjoint(self._shown(unit, "BindsTo").get("BindsTo", "").split())

    def stop_unit(self, unit: str) -> None:
        """Stop a unit of os_faults that has no directory."""
        self._run(["systemctl", "stop", unit])
        self._run(["systemctl", "reset-failed", unit])

    def _shown(self, unit: str, properties: str) -> dict[str, str]:
        """Return properties of a unit. systemd does not answer while it re-executes itself, so the query is repeated.

        Only ``ActiveState`` is told of every unit, so it must be among the properties.
        """
        deadline = time.monotonic() + _SILENCE
        while True:
            out = self._run(["systemctl", "show", "--property=" + properties, unit])[1]
            shown = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
            if shown or time.monotonic() > deadline:
                return shown
            time.sleep(0.1)

    def _run(self, command: Sequence[str]) -> tuple[int, str, str]:
        return self.module.run_command(list(command), environ_update=ENVIRONMENT)


class Watchdog(Carrier):
    """A process in a session of its own, for hosts without systemd and for users who are not root."""

    name = "watchdog"

    def launch(self, hold: store.Hold, start_timeout: int, stop_timeout: int) -> str:
        self.process = subprocess.Popen(
            ["/bin/sh", hold.path("watchdog.sh")],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while self._pid(hold) is None and self.process.poll() is None:  # who finds the hold must find its watchdog
            time.sleep(0.005)
        return ""

    def busy(self, hold: store.Hold) -> bool:
        return self.process.poll() is None and hold.text("state").strip() != "injected"

    def by_hand(self, hold_id: str, directory: str) -> str:
        return _END_THE_WATCHDOG.format(script=shlex.quote(directory + "/watchdog.sh"))

    def alive(self, hold: store.Hold) -> bool:
        return self._pid(hold) is not None

    def stop(self, hold: store.Hold) -> None:
        pid = self._pid(hold)
        if pid is None:
            return
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return
        while self._is_ours(pid, hold):  # the undo bounds itself
            time.sleep(0.02)

    def _pid(self, hold: store.Hold) -> int | None:
        text = hold.text("watchdog.pid").strip()
        return int(text) if text.isdigit() and self._is_ours(int(text), hold) else None

    @staticmethod
    def _is_ours(pid: int, hold: store.Hold) -> bool:
        arguments = read_text(f"/proc/{pid:d}/cmdline").split("\0")
        return hold.path("watchdog.sh") in arguments


def unit_name(hold_id: str) -> str:
    """Return the name of the unit that carries a hold."""
    return UNIT_PREFIX + hold_id + ".service"


def id_of(unit: str) -> str:
    """Return the id of the hold that a unit carries.

    >>> id_of("os-faults-freeze-keystone.service")
    'freeze-keystone'
    """
    return unit[len(UNIT_PREFIX) : -len(".service")]


def new_carrier(module: AnsibleModule) -> Carrier:
    """Return the carrier for a new hold of this user on this host."""
    return Systemd(module) if store.has_systemd() else Watchdog(module)


def carrier_of(module: AnsibleModule, hold: store.Hold) -> Carrier:
    """Return the carrier of an existing hold, by its record."""
    kinds = {Systemd.name: Systemd, Watchdog.name: Watchdog}
    return kinds.get(str(hold.record["carrier"]), Carrier)(module)

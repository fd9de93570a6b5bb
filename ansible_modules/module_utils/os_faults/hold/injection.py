"""The injection of a new hold: its carrier is started, and its end, or its start time, is waited for."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import baseline, carriers, output, plan, start_time, store
from ansible.module_utils.os_faults.hold.outcome import Cut, of_start, outcome, why_not_injected
from ansible.module_utils.os_faults.hold.plan import Plan
from ansible.module_utils.os_faults.hold.undo import take_back
from ansible.module_utils.os_faults.host import clock, text


class Injection:
    """A hold with its carrier and the output of its inject script.

    The files are opened at once, as a failed injection is undone immediately and its directory removed.
    """

    def __init__(self, hold: store.Hold, carrier: carriers.Carrier) -> None:
        self.hold = hold
        self.carrier = carrier
        self.problem = ""
        self._deadline = 0.0
        self._out = open(hold.path("inject.out"), errors="replace")  # noqa: SIM115 (closed with the module)
        self._err = open(hold.path("inject.err"), errors="replace")  # noqa: SIM115

    def launch(self, wanted: Plan) -> None:
        """Start the carrier."""
        longest = plan.stop_timeout(wanted)
        self._deadline = time.monotonic() + wanted.start_timeout + longest
        self.problem = self.carrier.launch(self.hold, wanted.start_timeout, longest)

    def text(self) -> str:
        """Return the output of the inject script so far."""
        self._out.seek(0)
        return self._out.read()

    def said(self) -> output.Said:
        """Return the parsed output of the inject script so far."""
        return output.parse_said(self.text())

    def last_error(self) -> str:
        """Return the last line of its error output."""
        self._err.seek(0)
        return text.last_line(self._err.read())

    def _is_busy(self) -> bool:
        """Return whether there is more to wait for; a systemd that never answers is not waited for without end."""
        return self.carrier.busy(self.hold) and time.monotonic() < self._deadline

    def wait(self) -> output.Said:
        """Wait until the injection has ended, and after a failure its undo; the carrier limits both."""
        ticks = 0
        while not self.problem and self.said().rc != 0:
            ticks += 1
            if ticks % 10 == 0 and not self._is_busy() and self.said().rc != 0:
                self.problem = "the injection did not end: it took too long, or was taken back meanwhile"
            time.sleep(0.03)
        said = self.said()
        if said.rc == 0:  # it ended while the carrier was asked
            self.problem = ""
        return said


def settle(module: AnsibleModule, injection: Injection, wanted: Plan, cut: Cut) -> dict[str, Any]:
    """Return the result of the injection of a new hold; a fault that cuts our connection is only armed yet."""
    hold, start = injection.hold, wanted.start_time
    said = injection.said() if cut.session and start is None else injection.wait()
    late = clock.uptime() - start.uptime if start is not None and not injection.problem else 0.0
    if injection.problem or late > 0:
        if hold.exists:
            take_back(module, hold)  # raises if it remains
        injection.carrier.clear(hold.id)
        why = _too_late(late) if late > 0 else injection.last_error() or why_not_injected(injection.problem, said)
        raise errors.Failed(why, id=hold.id, facts=said.facts, refused=said.rc == 3)
    hold = store.find(hold.id) or hold  # it tells now when the fault began
    since, until = hold.record["since"], hold.record["until"]
    if start is not None:
        return dict(
            outcome(hold.id, "armed", True, since, until, cut, said, start_time.notes(start)), **of_start(start)
        )
    if cut.session:
        return outcome(hold.id, "armed", True, since, until, cut, said)
    notes = baseline.notes(hold)
    baseline.remember(hold)
    if wanted.momentary:
        take_back(module, hold)
        return outcome(hold.id, "absent", True, since, clock.now(), cut, said, notes)
    return outcome(hold.id, "injected", True, since, until, cut, said, notes)


def begun(module: AnsibleModule, injection: Injection, start: start_time.StartTime) -> dict[str, Any]:
    """Wait for the start time of a hold, and return the result of its injection with its delay.

    Raises:
        Failed: it did not begin, or it failed and was undone.
    """
    hold = injection.hold
    while hold.exists and (left := start.uptime - clock.uptime()) > 0:
        time.sleep(min(left, 0.5))
    began, ended, printed = output.since_begun(injection.text())
    while ended is None and hold.exists and injection.carrier.alive(hold):
        time.sleep(0.05)
        began, ended, printed = output.since_begun(injection.text())
    began, ended, printed = output.since_begun(injection.text())
    said = output.parse_said(printed)
    if began is None or ended is None:
        if hold.exists:
            take_back(module, hold)  # raises if it remains
        injection.carrier.clear(hold.id)
        raise errors.Failed(
            injection.last_error() or why_not_injected("it was taken back meanwhile", said),
            id=hold.id,
            facts=said.facts,
        )
    if hold.exists:
        baseline.remember(hold)
    if hold.exists and hold.record.get("momentary"):
        take_back(module, hold)
    state = "injected" if hold.exists else "absent"
    return dict(
        outcome(hold.id, state, True, hold.record["since"], hold.record["until"], Cut(), said, start_time.notes(start)),
        msg=f"began {began - start.uptime:.2f} s after its start time",
        late=round(began - start.uptime, 2),
        took=round(ended - began, 2),
        **of_start(start),
    )


def _too_late(late: float) -> str:
    return (
        f"the start time had passed by {late:.1f} s when this host was armed, so nothing was done; choose a later one"
    )

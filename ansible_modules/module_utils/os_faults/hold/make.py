"""Inject, renew and undo a hold of this host.

A hold is a directory (`hold.store`) and a carrier (`hold.carriers`). Their content is decided in `hold.plan`, and the
undo is in `hold.undo`. A change without a carrier is recorded by `hold.recorded`.
"""

from __future__ import annotations

import os
import time
from typing import Any, NamedTuple, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import (
    baseline,
    carriers,
    files,
    lock,
    output,
    owners,
    plan,
    scripts,
    snapshot,
    start_time,
    store,
    targets,
)
from ansible.module_utils.os_faults.hold.plan import Plan
from ansible.module_utils.os_faults.hold.undo import Undone, take_back
from ansible.module_utils.os_faults.host import clock, text


class Cut(NamedTuple):
    """Whether a fault cuts a network (``network``), and whether it cuts the connection of this module (``session``)."""

    network: bool = False
    session: bool = False
    notes: Sequence[str] = ()
    """What a person should know of it, in sentences."""


def present(module: AnsibleModule, wanted: Plan, cut: Cut, force: bool = False) -> dict[str, Any]:
    """Make a hold, or renew an existing one: its inject script runs again, and the later end counts.

    A hold with a start time is only armed, and waits for its `release`.

    Args:
        module: the AnsibleModule.
        wanted: the requested hold.
        cut: the connections that the fault cuts.
        force: make it although another owner has a fault on this host.

    Raises:
        Refused: the hold must not be made on this host.
        Failed: the injection failed and was undone; if the undo failed as well, ``undo_failed`` is in the payload.
    """
    plan.check(wanted)
    carrier = carriers.new_carrier(module)
    if cut.session and wanted.seconds is None:
        raise errors.Refused(
            f"{wanted.fault} {wanted.subject} cuts the path that os_faults itself uses, "
            "so it must have an end (heal_after)"
        )
    if cut.network and carrier.name != carriers.Systemd.name:
        raise errors.Refused(
            f"{wanted.fault} {wanted.subject} cuts a network and needs systemd and root on the host to carry its undo"
        )
    with lock.locked() as trouble:
        if trouble:
            raise errors.Refused(trouble)
        owners.refuse_others(wanted.by, force)
        old = _standing(module, wanted)
        _refuse_a_second(old, wanted)
        if old is not None and not cut.session and not plan.about_to_end(old.record["until"], clock.now()):
            renewed = _renew(module, old, wanted)
            if module.check_mode or (old.exists and carrier.alive(old)):
                return renewed
        begin = clock.now() if wanted.start_time is None else wanted.start_time.since
        until = None if wanted.seconds is None else begin + wanted.seconds
        if old is not None:
            until = plan.later_end(old.record["until"], until)
            wanted = wanted._replace(seconds=None if until is None else max(1, round(until - clock.now())))
        if module.check_mode:
            armed = cut.session or wanted.start_time is not None
            return _outcome(wanted.id, "armed" if armed else "injected", True, begin, until, cut)
        if old is not None and old.exists:
            take_back(module, old)
        made = _create(wanted, carrier, armed=cut.session and wanted.start_time is None)
        started = _Started(made, carrier)
        started.launch(wanted)
    return _settle(module, started, wanted, cut)


def release(module: AnsibleModule, hold_id_: str) -> dict[str, Any]:
    """Let an armed hold begin at its start time, as every other host is armed too.

    Raises:
        Failed: the confirmation came too late.
    """
    hold = store.find(hold_id_)
    start = start_time.of_record(hold.record) if hold is not None else None
    try:
        if hold is None or start is None:
            raise FileNotFoundError(hold_id_)
        files.replace(hold, "released", "")
    except FileNotFoundError:
        raise errors.Failed(
            f"{hold_id_} is not armed any more: its start time came before the word that all hosts are"
        ) from None
    return dict(_outcome(hold.id, "armed", False, hold.record["since"], hold.record["until"], Cut()), **_of(start))


def is_held(hold_id_: str) -> bool:
    """Return whether the hold exists on this host."""
    return store.find(hold_id_) is not None


def absent(module: AnsibleModule, hold_id_: str) -> dict[str, Any]:
    """Undo a hold; without such a hold nothing is done.

    Raises:
        Failed: it still exists or has left changes; ``undo_failed`` is in the payload.
    """
    undone = Undone()
    with lock.locked():
        hold = store.find(hold_id_)
        if hold is not None and not module.check_mode:
            undone = take_back(module, hold)
    outcome = _outcome(hold_id_, "absent", hold is not None, None, None, Cut())
    return dict(outcome, notes=undone.told, in_force_seconds=undone.seconds)


def confirmed(module: AnsibleModule, hold_id_: str, patience: float = 10.0) -> dict[str, Any]:
    """Return the state of an armed hold, after some time for its injection.

    Raises:
        Failed: its injection or its undo failed.
    """
    hold = store.find(hold_id_)
    start = start_time.of_record(hold.record) if hold is not None else None
    if hold is not None and start is not None:
        return _begun(module, _Started(hold, carriers.carrier_of(module, hold)), start)
    deadline = time.monotonic() + patience
    while hold is not None and hold.text("state").strip() == "armed" and time.monotonic() < deadline:
        time.sleep(0.1)
        hold = store.find(hold_id_)
    if hold is None:
        carrier = carriers.new_carrier(module)
        if carrier.failed(hold_id_):
            carrier.clear(hold_id_)
            raise errors.Failed(
                f"{hold_id_} did not take effect; what it did was taken back "
                f"(see journalctl -u {carriers.unit_name(hold_id_)} on the host)"
            )
        return dict(
            _outcome(hold_id_, "absent", False, None, None, Cut()),
            notes=["it has ended already, so the cut was not seen"],
        )
    state = hold.text("state").strip()
    if state != "injected":
        raise errors.Failed(
            f"{hold_id_} is not in place but {state} (see {hold.directory} on the host)",
            undo_failed=state == "undo_failed",
        )
    baseline.remember(hold)
    return _outcome(hold.id, "injected", False, hold.record["since"], hold.record["until"], Cut())


# ---- the steps -----------------------------------------------------------------------------------------------------


def _standing(module: AnsibleModule, wanted: Plan) -> store.Hold | None:
    """Return the existing hold if its carrier is alive; remains of a dead one are undone first."""
    hold = store.find(wanted.id)
    if hold is None:
        return None
    if (hold.record["fault"], hold.record["subject"]) != (wanted.fault, wanted.subject):
        raise errors.Refused(f"the id {wanted.id} is taken by {hold.record['fault']} {hold.record['subject']}")
    if store.is_of_this_boot(hold) and carriers.carrier_of(module, hold).alive(hold):
        return hold
    if not module.check_mode:
        take_back(module, hold)
    return None


def _refuse_a_second(old: store.Hold | None, wanted: Plan) -> None:
    """Refuse a hold that can't be combined with the existing one."""
    if old is None:
        return
    what = f"{wanted.fault} {wanted.subject}"
    if wanted.momentary:
        raise errors.Refused(f"{what} is under way on this host already")
    if os.path.exists(old.path("moment")):
        raise errors.Refused(
            f"{what} of {old.record['by'] or 'somebody'} is armed on this host and begins at "
            f"{owners.time_of_day(old.record['since'])}; wait, or have it healed"
        )
    if wanted.start_time is not None:
        raise errors.Refused(f"{what} is on this host already, so it can't begin at a start time; have it healed")


def _create(wanted: Plan, carrier: carriers.Carrier, armed: bool) -> store.Hold:
    directory, root = store.directory_for(wanted.id)
    now = clock.now()
    record = plan.new_record(wanted, now, store.boot_id(), carrier.name, clock.uptime())
    texts = dict(wanted.files)
    by_hand, forget = carrier.by_hand(wanted.id, directory), carrier.forget(wanted.id)
    texts.update(scripts.scripts(wanted, directory, root, by_hand, forget))
    texts["targets"] = plan.merged_targets("", wanted.targets)
    texts["deadline"] = plan.deadline_line(record["until"], now, clock.uptime())
    texts["state"] = "armed\n"
    texts.update({"inject.out": "", "inject.err": "", "undo.log": "", baseline.BEFORE: _before(wanted)})
    if wanted.start_time is None and wanted.seconds is not None:
        texts["lasts"] = f"{wanted.seconds * 100:d}\n"
    if wanted.start_time is not None:
        texts["moment"] = f"{round(wanted.start_time.uptime * 100):d}\n"
    if armed:
        texts["answer"] = f"{os.getpid():d}\n"
    return files.create(record, texts, scripts.readme(root, carrier.name == carriers.Systemd.name))


def _before(wanted: Plan) -> str:
    about = targets.of(wanted.targets, (wanted.files.get("path", ""),))
    return baseline.before(wanted.acts_on, about)


class _Started:
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


def _settle(module: AnsibleModule, started: _Started, wanted: Plan, cut: Cut) -> dict[str, Any]:
    """Return the result of the injection of a new hold; a fault that cuts our connection is only armed yet."""
    hold, start = started.hold, wanted.start_time
    said = started.said() if cut.session and start is None else started.wait()
    late = clock.uptime() - start.uptime if start is not None and not started.problem else 0.0
    if started.problem or late > 0:
        if hold.exists:
            take_back(module, hold)  # raises if it remains
        started.carrier.clear(hold.id)
        why = _too_late(late) if late > 0 else started.last_error() or _why_not_injected(started.problem, said)
        raise errors.Failed(why, id=hold.id, facts=said.facts, refused=said.rc == 3)
    hold = store.find(hold.id) or hold  # it tells now when the fault began
    since, until = hold.record["since"], hold.record["until"]
    if start is not None:
        return dict(_outcome(hold.id, "armed", True, since, until, cut, said, start_time.notes(start)), **_of(start))
    if cut.session:
        return _outcome(hold.id, "armed", True, since, until, cut, said)
    notes = baseline.notes(hold)
    baseline.remember(hold)
    if wanted.momentary:
        take_back(module, hold)
        return _outcome(hold.id, "absent", True, since, clock.now(), cut, said, notes)
    return _outcome(hold.id, "injected", True, since, until, cut, said, notes)


def _begun(module: AnsibleModule, watched: _Started, start: start_time.StartTime) -> dict[str, Any]:
    """Wait for the start time of a hold, and return the result of its injection with its delay.

    Raises:
        Failed: it did not begin, or it failed and was undone.
    """
    hold = watched.hold
    while hold.exists and (left := start.uptime - clock.uptime()) > 0:
        time.sleep(min(left, 0.5))
    began, ended, printed = output.since_begun(watched.text())
    while ended is None and hold.exists and watched.carrier.alive(hold):
        time.sleep(0.05)
        began, ended, printed = output.since_begun(watched.text())
    began, ended, printed = output.since_begun(watched.text())
    said = output.parse_said(printed)
    if began is None or ended is None:
        if hold.exists:
            take_back(module, hold)  # raises if it remains
        watched.carrier.clear(hold.id)
        raise errors.Failed(
            watched.last_error() or _why_not_injected("it was taken back meanwhile", said), id=hold.id, facts=said.facts
        )
    if hold.exists:
        baseline.remember(hold)
    if hold.exists and hold.record.get("momentary"):
        take_back(module, hold)
    state = "injected" if hold.exists else "absent"
    return dict(
        _outcome(
            hold.id, state, True, hold.record["since"], hold.record["until"], Cut(), said, start_time.notes(start)
        ),
        msg=f"began {began - start.uptime:.2f} s after its start time",
        late=round(began - start.uptime, 2),
        took=round(ended - began, 2),
        **_of(start),
    )


def _too_late(late: float) -> str:
    return (
        f"the start time had passed by {late:.1f} s when this host was armed, so nothing was done; choose a later one"
    )


def _of(start: start_time.StartTime) -> dict[str, Any]:
    """Return the part of an answer about the start time."""
    values = start._asdict()
    return {name: values[name] for name in ("at", "clock_ahead", "clock_within", "moved")}


def _renew(module: AnsibleModule, hold: store.Hold, wanted: Plan) -> dict[str, Any]:
    """Inject an existing hold again, and move its end if the new end is later."""
    asked = None if wanted.seconds is None else clock.now() + wanted.seconds
    until = plan.later_end(hold.record["until"], asked)
    extended = until != hold.record["until"]
    if module.check_mode:
        return _outcome(hold.id, "injected", extended, hold.record["since"], until, Cut(), extended=extended)
    if extended:
        hold = files.set_end(hold, until)
    for name, content in wanted.files.items():
        files.replace(hold, name, content)
    files.replace(hold, "targets", plan.merged_targets(hold.text("targets"), wanted.targets))
    memory = baseline.recall(hold)
    was = snapshot.read(targets.of_hold(hold))
    said_before, wrote_before = len(hold.text("inject.out")), len(hold.text("inject.err"))
    code = module.run_command(
        ["timeout", f"{wanted.start_timeout:d}", "/bin/sh", hold.path("inject.sh")],
        environ_update=carriers.ENVIRONMENT,
    )[0]
    said = output.parse_said(hold.text("inject.out")[said_before:])
    if code != 0:
        raise errors.Failed(
            text.last_line(hold.text("inject.err")[wrote_before:]) or _why_not_injected("", said),
            id=hold.id,
            refused=said.rc == 3,
        )
    baseline.remember_more(hold, memory, was)
    return _outcome(
        hold.id, "injected", extended or said.changed, hold.record["since"], until, Cut(), said, extended=extended
    )


def _outcome(
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


def _why_not_injected(problem: str, said: output.Said) -> str:
    if said.rc is not None:
        return f"the injection failed with exit code {said.rc:d}"
    return problem or "the injection did not end in time"

"""Inject, renew and undo a hold of this host.

A hold is a directory (`hold.store`) and a carrier (`hold.carriers`). Their content is decided in `hold.plan`. What
follows is in `hold.injection` and `hold.undo`. A change without a carrier is recorded by `hold.recorded`.
"""

from __future__ import annotations

import os
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import (
    baseline,
    carriers,
    files,
    injection,
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
from ansible.module_utils.os_faults.hold.outcome import Cut, of_start, outcome, why_not_injected
from ansible.module_utils.os_faults.hold.plan import Plan
from ansible.module_utils.os_faults.hold.undo import Undone, take_back
from ansible.module_utils.os_faults.host import clock, text


_PATIENCE = 90.0
"""Seconds of wait for other injections of this host; on a busy one each takes some seconds."""


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
    with lock.locked(_PATIENCE) as trouble:
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
            return outcome(wanted.id, "armed" if armed else "injected", True, begin, until, cut)
        if old is not None and old.exists:
            take_back(module, old)
        made = _create(wanted, carrier, armed=cut.session and wanted.start_time is None)
        started = injection.Injection(made, carrier)
        started.launch(wanted)
    return injection.settle(module, started, wanted, cut)


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
    return dict(outcome(hold.id, "armed", False, hold.record["since"], hold.record["until"], Cut()), **of_start(start))


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
    gone = outcome(hold_id_, "absent", hold is not None, None, None, Cut())
    return dict(gone, notes=undone.told, in_force_seconds=undone.seconds)


def confirmed(module: AnsibleModule, hold_id_: str, patience: float = 10.0) -> dict[str, Any]:
    """Return the state of an armed hold, after some time for its injection.

    Raises:
        Failed: its injection or its undo failed.
    """
    hold = store.find(hold_id_)
    start = start_time.of_record(hold.record) if hold is not None else None
    if hold is not None and start is not None:
        return injection.begun(module, injection.Injection(hold, carriers.carrier_of(module, hold)), start)
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
            outcome(hold_id_, "absent", False, None, None, Cut()),
            notes=["it has ended already, so the cut was not seen"],
        )
    state = hold.text("state").strip()
    if state != "injected":
        raise errors.Failed(
            f"{hold_id_} is not in place but {state} (see {hold.directory} on the host)",
            undo_failed=state == "undo_failed",
        )
    baseline.remember(hold)
    return outcome(hold.id, "injected", False, hold.record["since"], hold.record["until"], Cut())


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


def _renew(module: AnsibleModule, hold: store.Hold, wanted: Plan) -> dict[str, Any]:
    """Inject an existing hold again, and move its end if the new end is later."""
    asked = None if wanted.seconds is None else clock.now() + wanted.seconds
    until = plan.later_end(hold.record["until"], asked)
    extended = until != hold.record["until"]
    if module.check_mode:
        return outcome(hold.id, "injected", extended, hold.record["since"], until, Cut(), extended=extended)
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
            text.last_line(hold.text("inject.err")[wrote_before:]) or why_not_injected("", said),
            id=hold.id,
            refused=said.rc == 3,
        )
    baseline.remember_more(hold, memory, was)
    return outcome(
        hold.id, "injected", extended or said.changed, hold.record["since"], until, Cut(), said, extended=extended
    )

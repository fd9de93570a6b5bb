"""A lasting fault of this host: make it, take it back, record a change that has no carrier.

A hold is a directory (`osf_hold_store`) and a carrier (`osf_hold_carrier`); what they contain is decided in
`osf_hold_plan`, and its end is that of `osf_hold_undo`.
"""

from __future__ import annotations

import os
import time
from typing import Any, Mapping, NamedTuple, Sequence

from ansible.module_utils import osf_claims as claims
from ansible.module_utils import osf_clock
from ansible.module_utils import osf_hold_carrier as carriers
from ansible.module_utils import osf_hold_plan as plan
from ansible.module_utils import osf_hold_store as store
from ansible.module_utils import osf_hold_witness as witness
from ansible.module_utils import osf_host_state as host_state
from ansible.module_utils.osf_hold_plan import Plan, Refused, hold_id
from ansible.module_utils.osf_hold_store import who
from ansible.module_utils.osf_hold_undo import Failed, take_back, told

__all__ = [
    "Cut",
    "Failed",
    "Plan",
    "Refused",
    "absent",
    "close",
    "confirmed",
    "hold_id",
    "present",
    "record_change",
    "who",
]


class Cut(NamedTuple):
    """What a fault does to the network: ``network`` says that it cuts some, ``session`` that it cuts our own path."""

    network: bool = False
    session: bool = False


# ---- changes without a carrier: `terminate` ------------------------------------------------------------------------


def record_change(
    module,
    fault: str,
    subject: str,
    undo: Sequence[Sequence[str]],
    files: Mapping[str, str] | None = None,
    state: str = "changed",
    by: str = "",
    undo_timeout: int = 330,
    lasting: bool = False,
) -> str:
    """Record a change that lasts without a process of ours, so that ``heal`` undoes it.

    The record is a hold without a unit and without an end. Recording it again replaces nothing: the first undo
    stays. In check mode nothing is written.

    Args:
        module: the AnsibleModule.
        fault: the verb (``terminate``).
        subject: what it was done to (``keystone``); both together give the id, ``hold_id("terminate", "keystone")``.
        undo: commands as argument lists, run one after the other with the record's directory as working directory,
            stdin from /dev/null, their output in ``undo.log``. Each must succeed and be safe to run again. One that
            starts a process that stays must detach it (``setsid``) and give it other output.
        files: name → content of files (scripts) that the undo needs, written into the record's directory.
        state: the word that a listing shows (``terminated``).
        by: who asked; the host's own knowledge when empty.
        undo_timeout: bound of each undo command in seconds.
        lasting: the change outlives a reboot, so the record is kept on the disk.

    Returns:
        The id, for `close`.

    Raises:
        Refused: the directory of the records is not ours alone, or can't be written to.
    """
    wanted = Plan(
        id=hold_id(fault, subject),
        fault=fault,
        subject=subject,
        seconds=None,
        inject=[],
        undo=undo,
        files=dict(files or {}),
        targets=[],
        undo_timeout=undo_timeout,
        start_timeout=0,
        by=by or who(),
    )
    plan.check(wanted)
    if not module.check_mode and store.find(wanted.id) is None:
        directory, root = store.directory_for(wanted.id, lasting)
        texts = dict(wanted.files)
        texts["undo.sh"] = plan.undo_script(wanted, directory, root)
        texts["undo.log"] = ""
        texts["state"] = state + "\n"
        record = plan.new_record(wanted, osf_clock.now(), store.boot_id(), carriers.Carrier.name)
        try:
            store.create(record, texts, plan.readme(root, store.has_systemd()), lasting)
        except OSError as error:
            raise Refused(
                "{} {} is not done, as it could not be taken back: {} can't be written to ({})".format(
                    fault, subject, root, error
                )
            ) from error
    return wanted.id


def close(module, change: str) -> bool:
    """Forget a recorded change that something else has undone (``start`` after ``terminate``).

    Returns:
        Whether there was a record. In check mode it stays.
    """
    hold = store.find(change)
    if hold is None or hold.record["carrier"] != carriers.Carrier.name:
        return False
    if not module.check_mode:
        store.discard(hold)
    return True


# ---- faults with a carrier -----------------------------------------------------------------------------------------


def present(module, wanted: Plan, cut: Cut, momentary: bool = False, force: bool = False) -> dict[str, Any]:
    """Make a hold, or renew the one that is there: its inject script runs once more and the later end wins.

    Args:
        module: the AnsibleModule.
        wanted: what is asked for.
        cut: what the fault does to the network.
        momentary: the fault is over when its injection has ended; the hold only guards it.
        force: make it although somebody else has a fault on this host.

    Raises:
        Refused: the hold must not be made on this host.
        Failed: the injection failed, and what it did was taken back, or ``undo_failed`` is in the payload.
    """
    plan.check(wanted)
    carrier = carriers.new_carrier(module)
    if cut.session and wanted.seconds is None:
        raise Refused(
            "{} {} cuts the path that os_faults itself uses, so it must have an end (heal_after)".format(
                wanted.fault, wanted.subject
            )
        )
    if cut.network and carrier.name != carriers.Systemd.name:
        raise Refused(
            "{} {} cuts a network and needs systemd and root on the host to carry its undo".format(
                wanted.fault, wanted.subject
            )
        )
    with store.locked() as trouble:
        if trouble:
            raise Refused(trouble)
        claims.refuse_others(wanted.by, force)
        old = _standing(module, wanted)
        if old is not None and momentary:
            raise Refused("{} {} is under way on this host already".format(wanted.fault, wanted.subject))
        if old is not None and not cut.session and not plan.about_to_end(old.record["until"], osf_clock.now()):
            renewed = _renew(module, old, wanted)
            if module.check_mode or (old.exists and carrier.alive(old)):
                return renewed
        until = None if wanted.seconds is None else osf_clock.now() + wanted.seconds
        if old is not None:
            until = plan.later_end(old.record["until"], until)
            wanted = wanted._replace(seconds=None if until is None else max(1, round(until - osf_clock.now())))
        if module.check_mode:
            return _outcome(wanted.id, "armed" if cut.session else "injected", True, osf_clock.now(), until, cut)
        if old is not None and old.exists:
            take_back(module, old)
        made = _create(wanted, carrier, armed=cut.session)
        started = _Started(made, carrier, wanted.start_timeout)
    return _settle(module, started, wanted, cut, momentary)


def is_held(hold_id_: str) -> bool:
    """Whether this host has the hold."""
    return store.find(hold_id_) is not None


def absent(module, hold_id_: str) -> dict[str, Any]:
    """Take a hold back; one that is not there is taken back already.

    Raises:
        Failed: it is still there, or not all is as it was, with ``undo_failed`` in the payload.
    """
    drift: list[str] = []
    with store.locked():
        hold = store.find(hold_id_)
        if hold is not None and not module.check_mode:
            drift = take_back(module, hold)
    return dict(_outcome(hold_id_, "absent", hold is not None, None, None, Cut()), notes=told(drift))


def confirmed(module, hold_id_: str, patience: float = 10.0) -> dict[str, Any]:
    """Answer a hold that was armed as it is now; it gets some time to be injected.

    Raises:
        Failed: its injection failed, or its undo did.
    """
    deadline = time.monotonic() + patience
    hold = store.find(hold_id_)
    while hold is not None and hold.text("state").strip() == "armed" and time.monotonic() < deadline:
        time.sleep(0.1)
        hold = store.find(hold_id_)
    if hold is None:
        carrier = carriers.new_carrier(module)
        if carrier.failed(hold_id_):
            carrier.clear(hold_id_)
            raise Failed(
                "{} did not take effect; what it did was taken back (see journalctl -u {} on the host)".format(
                    hold_id_, carriers.unit_name(hold_id_)
                )
            )
        return dict(_outcome(hold_id_, "absent", False, None, None, Cut()), notes=["it has ended already"])
    state = hold.text("state").strip()
    if state != "injected":
        raise Failed(
            "{} is not in place but {} (see {} on the host)".format(hold_id_, state, hold.directory),
            undo_failed=state == "undo_failed",
        )
    witness.remember(hold)
    return _outcome(hold.id, "injected", False, hold.record["since"], hold.record["until"], Cut())


# ---- the steps -----------------------------------------------------------------------------------------------------


def _standing(module, wanted: Plan) -> store.Hold | None:
    """Return the hold that is in place; what is left of one that is not is taken back first."""
    hold = store.find(wanted.id)
    if hold is None:
        return None
    if (hold.record["fault"], hold.record["subject"]) != (wanted.fault, wanted.subject):
        raise Refused("the id {} is taken by {} {}".format(wanted.id, hold.record["fault"], hold.record["subject"]))
    if store.is_of_this_boot(hold) and carriers.carrier_of(module, hold).alive(hold):
        return hold
    if not module.check_mode:
        take_back(module, hold)
    return None


def _create(wanted: Plan, carrier: carriers.Carrier, armed: bool) -> store.Hold:
    directory, root = store.directory_for(wanted.id)
    now = osf_clock.now()
    record = plan.new_record(wanted, now, store.boot_id(), carrier.name)
    texts = dict(wanted.files)
    by_hand, forget = carrier.by_hand(wanted.id, directory), carrier.forget(wanted.id)
    texts.update(plan.scripts(wanted, directory, root, by_hand, forget))
    texts["targets"] = plan.merged_targets("", wanted.targets)
    texts["deadline"] = plan.deadline_line(record["until"], now, osf_clock.uptime())
    texts["state"] = "armed\n"
    texts.update({"inject.out": "", "inject.err": "", "undo.log": "", witness.BEFORE: witness.before(wanted.acts_on)})
    if armed:
        texts["answer"] = "{:d}\n".format(os.getpid())
    return store.create(record, texts, plan.readme(root, carrier.name == carriers.Systemd.name))


class _Started:
    """A hold whose carrier has been launched, with what its inject script writes.

    The files are opened at once: a failed injection is undone right away, and its directory is gone by the time
    that anybody asks why.
    """

    def __init__(self, hold: store.Hold, carrier: carriers.Carrier, start_timeout: int) -> None:
        self.hold = hold
        self.carrier = carrier
        self._out = open(hold.path("inject.out"), errors="replace")  # noqa: SIM115 (closed with the module)
        self._err = open(hold.path("inject.err"), errors="replace")  # noqa: SIM115
        self.problem = carrier.launch(hold, start_timeout)

    def said(self) -> plan.Said:
        """Return what the inject script has said so far."""
        self._out.seek(0)
        return plan.parse_said(self._out.read())

    def last_error(self) -> str:
        """Return the last line of its error output."""
        self._err.seek(0)
        return plan.last_line(self._err.read())

    def wait(self) -> plan.Said:
        """Wait until the injection has ended, and its undo too when it failed; the carrier bounds both."""
        ticks = 0
        while not self.problem and self.said().rc != 0:
            ticks += 1
            if ticks % 10 == 0 and not self.carrier.busy(self.hold) and self.said().rc != 0:
                self.problem = "the injection did not end: it took too long, or was taken back meanwhile"
            time.sleep(0.03)
        return self.said()


def _settle(module, started: _Started, wanted: Plan, cut: Cut, momentary: bool) -> dict[str, Any]:
    """Tell how the injection of a new hold went; a fault that cuts our own path is only armed yet."""
    hold = started.hold
    said = started.said() if cut.session else started.wait()
    if started.problem:
        if hold.exists:
            take_back(module, hold)  # raises when it stays
        started.carrier.clear(hold.id)
        why = started.last_error() or _why_not_injected(started.problem, said)
        raise Failed(why, id=hold.id, facts=said.facts, refused=said.rc == 3)
    since, until = hold.record["since"], hold.record["until"]
    if cut.session:
        return _outcome(hold.id, "armed", True, since, until, cut, said)
    witness.remember(hold)
    if momentary:
        take_back(module, hold)
        return _outcome(hold.id, "absent", True, since, osf_clock.now(), cut, said)
    return _outcome(hold.id, "injected", True, since, until, cut, said)


def _renew(module, hold: store.Hold, wanted: Plan) -> dict[str, Any]:
    """Inject a hold that is in place once more, and move its end when the new one is later."""
    asked = None if wanted.seconds is None else osf_clock.now() + wanted.seconds
    until = plan.later_end(hold.record["until"], asked)
    extended = until != hold.record["until"]
    if module.check_mode:
        return _outcome(hold.id, "injected", extended, hold.record["since"], until, Cut(), extended=extended)
    if extended:
        hold = store.set_end(hold, until)
    for name, content in wanted.files.items():
        store.replace(hold, name, content)
    store.replace(hold, "targets", plan.merged_targets(hold.text("targets"), wanted.targets))
    memory = witness.recall(hold)
    was = host_state.read()
    said_before, wrote_before = len(hold.text("inject.out")), len(hold.text("inject.err"))
    code = module.run_command(
        ["timeout", "{:d}".format(wanted.start_timeout), "/bin/sh", hold.path("inject.sh")],
        environ_update=carriers.ENVIRONMENT,
    )[0]
    said = plan.parse_said(hold.text("inject.out")[said_before:])
    if code != 0:
        raise Failed(
            plan.last_line(hold.text("inject.err")[wrote_before:]) or _why_not_injected("", said),
            id=hold.id,
            refused=said.rc == 3,
        )
    witness.remember_more(hold, memory, was)
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
    said: plan.Said | None = None,
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
        "notes": said.notes if said else [],
        "facts": said.facts if said else {},
    }


def _why_not_injected(problem: str, said: plan.Said) -> str:
    if said.rc is not None:
        return "the injection failed with exit code {:d}".format(said.rc)
    return problem or "the injection did not end in time"

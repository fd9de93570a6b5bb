"""Recorded changes: changes of this host that last without a carrier (``terminate``), and that healing undoes.

The record is a hold without a carrier and without an end, see `hold.store`.
"""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults.hold import plan, scripts, store
from ansible.module_utils.os_faults.hold import files as hold_files
from ansible.module_utils.os_faults.hold.identity import hold_id
from ansible.module_utils.os_faults.host import clock

_PRINTS_NOTHING = "prints_nothing.sh"
_PRINTS_NOTHING_SCRIPT = 'said=$("$@") || exit 2\n[ -z "$said" ]\n'


def record_change(
    module: AnsibleModule,
    fault: str,
    subject: str,
    undo: Sequence[Sequence[str]],
    files: Mapping[str, str] | None = None,
    state: str = "changed",
    by: str = "",
    undo_timeout: int = 330,
    lasting: bool = False,
    ended: Sequence[str] = (),
) -> None:
    """Record a change that lasts without a carrier, so that ``heal`` undoes it.

    An existing record stays, with its undo. In check mode nothing is written.

    Args:
        module: the AnsibleModule.
        fault: the verb (``terminate``).
        subject: the target (``keystone``); verb and target identify the record.
        undo: commands as argument lists. They run one after the other in the directory of the record, with their output
            in ``undo.log``. Each must be idempotent. A command that starts a daemon must detach it (``setsid``) and
            redirect its output.
        files: name → content of files (scripts) for the undo, written into the directory of the record.
        state: the state in listings (``terminated``).
        by: the owner; by default the user and the address of the session.
        undo_timeout: longest time of each undo command in seconds.
        lasting: the change outlives a reboot, so the record is on disk.
        ended: a command, as a list of arguments, that prints something once somebody else has undone the change.

    Raises:
        Refused: the directory of the records belongs to another user, or can't be written to.
    """
    wanted = plan.Plan(
        id=hold_id(fault, subject),
        fault=fault,
        subject=subject,
        seconds=None,
        inject=[],
        undo=undo,
        files={**(files or {}), **({_PRINTS_NOTHING: _PRINTS_NOTHING_SCRIPT} if ended else {})},
        targets=[],
        undo_timeout=undo_timeout,
        start_timeout=0,
        by=by or store.who(),
        look=[["sh", _PRINTS_NOTHING, *ended]] if ended else [],
    )
    plan.check(wanted)
    if not module.check_mode and store.find(wanted.id) is None:
        directory, root = store.directory_for(wanted.id, lasting)
        texts = dict(wanted.files)
        texts["undo.sh"] = scripts.undo_script(wanted, directory, root)
        if ended:
            texts["look.sh"] = scripts.look_script(wanted, directory)
        texts["began"] = f"{round(clock.uptime() * 100):d}\n"
        texts["undo.log"] = ""
        texts["state"] = state + "\n"
        record = plan.new_record(wanted, clock.now(), store.boot_id(), store.NO_CARRIER)
        hold_files.create(record, texts, scripts.readme(root, store.has_systemd()), lasting)


def close(module: AnsibleModule, fault: str, subject: str) -> bool:
    """Remove the record of a change that was undone in another way (``start`` after ``terminate``).

    Args:
        module: the AnsibleModule.
        fault: the verb of the record.
        subject: the target.

    Returns:
        Whether there was a record. In check mode it stays.
    """
    hold = store.find(hold_id(fault, subject))
    if hold is None or hold.record["carrier"] != store.NO_CARRIER:
        return False
    if not module.check_mode:
        hold_files.discard(hold)
    return True

"""A change of this host that lasts without a process of ours (``terminate``): recorded, so that healing undoes it.

The record is a hold without a carrier and without an end, see `hold.store`.
"""

from __future__ import annotations

from typing import Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
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
    """Record a change that lasts without a process of ours, so that ``heal`` undoes it.

    The record is a hold without a unit and without an end. Recording it again replaces nothing: the first undo
    stays. In check mode nothing is written.

    Args:
        module: the AnsibleModule.
        fault: the verb (``terminate``).
        subject: what it was done to (``keystone``); both together tell the record apart.
        undo: commands as argument lists, run one after the other with the record's directory as working directory,
            stdin from /dev/null, their output in ``undo.log``. Each must succeed and be safe to run again. One that
            starts a process that stays must detach it (``setsid``) and give it other output.
        files: name → content of files (scripts) that the undo needs, written into the record's directory.
        state: the word that a listing shows (``terminated``).
        by: who asked; the host's own knowledge when empty.
        undo_timeout: bound of each undo command in seconds.
        lasting: the change outlives a reboot, so the record is kept on the disk.
        ended: a command, as a list of arguments, that prints something once somebody else has undone the change.

    Raises:
        Refused: the directory of the records is not ours alone, or can't be written to.
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
        try:
            hold_files.create(record, texts, scripts.readme(root, store.has_systemd()), lasting)
        except OSError as error:
            raise errors.Refused(
                f"{fault} {subject} is not done, as it could not be taken back: {root} can't be written to ({error})"
            ) from error


def close(module: AnsibleModule, fault: str, subject: str) -> bool:
    """Forget a recorded change that something else has undone (``start`` after ``terminate``).

    Args:
        module: the AnsibleModule.
        fault: the verb that was recorded.
        subject: what it was done to.

    Returns:
        Whether there was a record. In check mode it stays.
    """
    hold = store.find(hold_id(fault, subject))
    if hold is None or hold.record["carrier"] != store.NO_CARRIER:
        return False
    if not module.check_mode:
        hold_files.discard(hold)
    return True

"""List and undo all lasting faults of this host."""

from __future__ import annotations

import os
from typing import Any, Mapping, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import carriers, force, lock, store, undo


def heal(module: AnsibleModule, ids: Sequence[str]) -> dict[str, Any]:
    """Undo every hold of this host, or those with the given ids, the latest first.

    Returns:
        ``undone``: ids of the undone holds; ``failed_holds``: ``{id, why}`` of those that still exist or have left
        changes; ``notes``: changes by others since the injection, and faults that were no longer in force;
        ``in_force_seconds``: id → seconds for which the fault was in force, if that is known.
    """
    with lock.locked():
        return _heal(module, ids)


def _heal(module: AnsibleModule, ids: Sequence[str]) -> dict[str, Any]:
    undone: list[str] = []
    failed: list[dict[str, str]] = []
    undone_holds: dict[str, undo.Undone] = {}
    for hold in store.find_all():
        if ids and hold.id not in ids:
            continue
        try:
            if not module.check_mode:
                undone_holds[hold.id] = undo.take_back(module, hold)
            undone.append(hold.id)
        except errors.Failed as error:
            failed.append({"id": hold.id, "why": str(error)})
    for unit, lost in _units_without_directory(module).items():
        name = carriers.id_of(unit)
        if ids and name not in ids:
            continue
        if not module.check_mode:
            carriers.Systemd(module).stop_unit(unit)
        if lost:
            failed.append({"id": name, "why": _lost(unit)})
    return {
        "changed": bool(undone),
        "undone": undone,
        "failed_holds": failed,
        "notes": _notes(undone_holds),
        "in_force_seconds": {
            hold_id: each.seconds for hold_id, each in undone_holds.items() if each.seconds is not None
        },
    }


def _notes(undone: Mapping[str, undo.Undone]) -> list[str]:
    """Return what there is to tell of holds; what has changed since the oldest one tells of the others' time too."""
    drift = [each.drift for each in undone.values() if each.drift]
    notes = [f"{hold_id}: {note}" for hold_id, each in undone.items() for note in each.notes]
    return notes + undo.told(drift[-1] if drift else ())


def listing(module: AnsibleModule) -> list[dict[str, Any]]:
    """Return the faults of this host: every directory of a hold, and every unit without one."""
    held = [hold for hold in store.find_all() if store.is_of_this_boot(hold)]
    seen = force.look(held)
    holds = [_listed(module, hold, seen[hold.id]) for hold in held]
    for unit, lost in _units_without_directory(module).items():
        if lost:
            name = carriers.id_of(unit)
            fault, _, subject = name.partition("-")
            holds.append(
                {
                    "id": name,
                    "fault": fault,
                    "subject": subject,
                    "state": "lost",
                    "since": 0.0,
                    "until": None,
                    "by": "",
                    "carrier": carriers.Systemd.name,
                    "guarded": False,
                    "in_force": None,
                    "in_force_seconds": None,
                    "directory": "",
                    "undo_log": "",
                    "note": _lost(unit),
                }
            )
    return holds


def _listed(module: AnsibleModule, hold: store.Hold, seen: force.Force) -> dict[str, Any]:
    carrier = carriers.carrier_of(module, hold)
    record = hold.record
    return {
        "id": hold.id,
        "fault": record["fault"],
        "subject": record["subject"],
        "state": hold.text("state").strip(),
        "since": record["since"],
        "until": record["until"],
        "by": record["by"],
        "carrier": record["carrier"],
        "guarded": carrier.alive(hold),
        "in_force": seen.holds,
        "in_force_seconds": seen.seconds,
        "directory": hold.directory,
        "undo_log": hold.text("undo.log")[-2000:],
    }


def _units_without_directory(module: AnsibleModule) -> dict[str, bool]:
    """Return the units without a directory: name → whether the undo is lost; false if it has been run."""
    if not store.has_systemd():
        return {}
    systemd = carriers.Systemd(module)
    units = systemd.units()
    return {
        unit: not (state == "failed" and systemd.undo_went_well(unit))
        for unit, state in units.items()
        if not os.path.isdir(os.path.join(store.SYSTEM_ROOT, carriers.id_of(unit)))
        and not systemd.is_bound(unit, units)
    }


def _lost(unit: str) -> str:
    return f"{unit} has lost its directory, so its undo can't be run"

"""List and undo all lasting faults of this host."""

from __future__ import annotations

import os
from typing import Any, Sequence

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import carriers, lock, store, undo


def heal(module: AnsibleModule, ids: Sequence[str]) -> dict[str, Any]:
    """Undo every hold of this host, or those with the given ids, the latest first.

    Returns:
        ``undone``: ids of the undone holds; ``failed_holds``: ``{id, why}`` of those that still exist or have left
        changes; ``notes``: changes by others since the injection.
    """
    with lock.locked():
        return _heal(module, ids)


def _heal(module: AnsibleModule, ids: Sequence[str]) -> dict[str, Any]:
    undone: list[str] = []
    failed: list[dict[str, str]] = []
    drift: list[str] = []
    for hold in store.find_all():
        if ids and hold.id not in ids:
            continue
        try:
            if not module.check_mode:
                drift = undo.take_back(module, hold) or drift
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
    return {"changed": bool(undone), "undone": undone, "failed_holds": failed, "notes": undo.told(drift)}


def listing(module: AnsibleModule) -> list[dict[str, Any]]:
    """Return the faults of this host: every directory of a hold, and every unit without one."""
    holds = [_listed(module, hold) for hold in store.find_all() if store.is_of_this_boot(hold)]
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
                    "directory": "",
                    "undo_log": "",
                    "note": _lost(unit),
                }
            )
    return holds


def _listed(module: AnsibleModule, hold: store.Hold) -> dict[str, Any]:
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

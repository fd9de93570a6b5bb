"""Units that systemd stops together with others, as they require them, are bound to them or are part of them.

A start of the others does not start these again.
"""

from __future__ import annotations

from typing import Iterable, NamedTuple

from ansible.module_utils.os_faults.service import systemd

_STOPPED_WITH = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo")
"""The properties of a unit that name those which systemd stops when it stops this one."""

DOWN = ("inactive", "failed")
"""Active states of a unit that is down."""


class Dependants(NamedTuple):
    """The units that are stopped with others."""

    units: tuple[str, ...] = ()
    """Those that can be started again."""
    lost: tuple[str, ...] = ()
    """Those that nobody can start by their names, such as sessions."""

    @property
    def listed(self) -> str:
        """The text of a file with those that can be started again, one a line."""
        return "".join(f"{unit}\n" for unit in self.units)

    @property
    def notes(self) -> list[str]:
        """Sentences about them."""
        told = [f"systemd stops {', '.join(self.units)} with it; what starts it again starts these too"]
        lost = [f"systemd stops {', '.join(self.lost)} with it, which can't be started again by name"]
        return told * bool(self.units) + lost * bool(self.lost)


def of(run: systemd.Run, units: Iterable[str]) -> Dependants:
    """Return what systemd stops together with units, directly or because of another one, of what is up now.

    Args:
        run: how to run a command.
        units: ids of the units that are to be stopped.

    Raises:
        UnitError: systemd did not answer.
    """
    asked = set(units)
    facts = systemd.show(run, asked, _STOPPED_WITH)
    found: dict[str, bool] = {}
    while facts:
        named = {name for each in facts.values() for key in _STOPPED_WITH for name in each.get(key, "").split()}
        shown = systemd.by_id(systemd.show(run, named - asked, (*systemd.STATE, "CanStart", *_STOPPED_WITH)))
        asked |= named
        facts = {unit: each for unit, each in shown.items() if each["ActiveState"] not in DOWN}
        found.update({unit: each.get("CanStart", "yes") == "yes" for unit, each in facts.items()})
    return Dependants(
        tuple(sorted(unit for unit, can_start in found.items() if can_start)),
        tuple(sorted(unit for unit, can_start in found.items() if not can_start)),
    )


def down(run: systemd.Run, units: Iterable[str]) -> list[str]:
    """Return those units that are down.

    Raises:
        UnitError: systemd did not answer.
    """
    return [unit for unit, each in systemd.show(run, units).items() if each["ActiveState"] in DOWN]

#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Power a machine off or on, shut it down or reset it, through a management controller that speaks Redfish."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_redfish_power
short_description: Power a machine off or on, shut it down or reset it by Redfish
description:
  - Runs on a host that can reach the management controller (BMC), normally the controller. The machine may be off.
  - V(poweron), V(poweroff) and V(shutdown) are states; a machine that is already in the state is not changed. V(reset)
    presses the reset button each time, and is refused for a machine that is off.
  - V(status) only reads.
  - The module waits until the BMC reports the state, and fails if that does not happen within O(timeout).
  - The module repeats a request to a machine that is busy, in transition or without a free session, until O(timeout).
    It repeats V(reset) only if the first request certainly had no effect.
  - Logs in by HTTP basic authentication; if that is refused, by a session, which is closed at the end.
  - A Redfish service may have several systems. Without O(system) and O(macs) it must have only one.
version_added: "1.0.0"
options:
  url:
    description: Scheme, address and port of the Redfish service, such as C(https://10.30.0.2).
    type: str
    required: true
  username:
    description: Name of the user.
    type: str
    required: true
  password:
    description: Password of O(username).
    type: str
  verify:
    description: Whether the certificate of an https service is verified.
    type: bool
    default: true
  ca_file:
    description: Certificates of the trusted authorities; by default those of Python's C(requests).
    type: path
  system:
    description: Id of the system (the last part of its path), or its path.
    type: str
  macs:
    description: MAC addresses of the machine. Exactly one machine must have one of them.
    type: list
    elements: str
  state:
    description: The action.
    type: str
    required: true
    choices: [poweron, poweroff, shutdown, reset, status]
  timeout:
    description: Seconds after which an action without the expected effect is a failure.
    type: int
    default: 300
  connect_timeout:
    description: Seconds to wait for each answer of the interface to the machine.
    type: int
    default: 20
attributes:
  check_mode:
    description: Logs in, reports what it would do, and changes nothing.
    support: full
  diff_mode:
    description: Shows the power state before and after.
    support: full
requirements: [sushy]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Cut the power of the only machine of a BMC
  osf_redfish_power:
    url: https://10.30.0.2
    username: admin
    password: "{{ lookup('ansible.builtin.env', 'BMC_PASSWORD') }}"
    ca_file: /etc/ssl/bmc-ca.pem
    state: poweroff
  delegate_to: localhost

- name: Start the machine with this network card, one of many behind a service
  osf_redfish_power:
    url: https://rack-1.local:8443
    username: admin
    password: "{{ lookup('ansible.builtin.env', 'BMC_PASSWORD') }}"
    macs: ["52:54:00:12:34:56"]
    state: poweron
  delegate_to: localhost
"""

RETURN = r"""
previous_state:
  description: Power state before, V(on) or V(off).
  returned: success
  type: str
  sample: "on"
power_state:
  description: Power state now, V(on) or V(off); in check mode the expected one.
  returned: success
  type: str
  sample: "off"
waited:
  description: Seconds from the request until the state was observed.
  returned: success
  type: float
  sample: 1.2
bmc:
  description: URL of the Redfish service.
  returned: success
  type: str
  sample: https://10.30.0.2
system:
  description: Id of the system.
  returned: success
  type: str
  sample: 437XR1138R2
matched_by:
  description: The property that identified the system, V(system), V(mac), or V(only) for the only one.
  returned: success
  type: str
  sample: only
"""

from typing import Any, Callable, Iterable, Mapping

from ansible.module_utils.os_faults import errors, power_module
from ansible.module_utils.os_faults.power import again, redfish_login, steps

RESETS = {
    "poweron": ("ON", "FORCE_ON"),
    "poweroff": ("FORCE_OFF",),
    "shutdown": ("GRACEFUL_SHUTDOWN", "PUSH_POWER_BUTTON"),
    "reset": ("FORCE_RESTART", "POWER_CYCLE"),
}
"""Action → what Redfish calls it (`sushy.ResetType`, by its names); the first that the system offers is taken."""

POWER = {"ON": "on", "POWERING_OFF": "on", "PAUSED": "on", "OFF": "off", "POWERING_ON": "off"}
"""What a system says (`sushy.PowerState`) → on or off; one that is on its way is not there yet."""


def identity_of(path: str) -> str:
    """Return the identity of a system from its path.

    >>> identity_of("/redfish/v1/Systems/437XR1138R2/")
    '437XR1138R2'
    """
    return path.rstrip("/").rpartition("/")[2]


class Machine:
    """A system of a Redfish service, and the only place where it is talked to."""

    distance = 2.0  # some services hang when they are asked too often

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.url = params["url"].rstrip("/")
        self.name = f"the machine of the BMC at {self.url}"  # until the system is found
        self.wanted = params["system"]
        self.macs = [steps.plain_mac(mac) for mac in params["macs"] or []]
        self.patience = params["connect_timeout"]
        self.timeout = params["timeout"]
        self._login = redfish_login.Login(self.url, params)
        self._system: Any = None
        self._action = ""
        self._task = ""
        self._facts: dict[str, Any] = {}

    def state(self) -> str:
        """Return whether the machine is on; a reset must also have ended its task."""
        told = self._call(_power_of)
        if told is None:
            raise again.Trouble(f"{self.name} does not tell whether it is on", again.LOST)
        power = POWER[told.name]
        if self._task and (self._action == "reset" or power != steps.GOALS[self._action]):
            self._look_at_task()
        return power

    def act(self, action: str) -> None:
        """Ask for it; what comes of it is looked at later."""
        offered = self._call(lambda system: system.get_allowed_reset_system_values(), again.ABSENT)
        kinds = [kind for name in RESETS[action] for kind in offered if kind.name == name]
        if not kinds:
            words = ", ".join(sorted(kind.value for kind in offered))
            raise errors.PowerError(f"{self.name} can't do {action}; it offers: {words}")
        self._call(lambda system: system.reset_system(kinds[0]))
        self._action, self._task = action, self._login.task()

    def facts(self) -> dict[str, Any]:
        """Return which BMC and which system it is."""
        return self._facts

    def close(self) -> None:
        """Log out."""
        try:
            steps.bounded(self._login.close, self.patience, "")
        except Exception:  # noqa: BLE001, S110 - the session ends by its own time-out
            pass

    def _look_at_task(self) -> None:
        """Raise `PowerError` when the task of the last action has failed, or is that of a reset and runs."""
        why, after = self._bounded(lambda: self._login.failure_of(self._task))
        if why:
            raise errors.PowerError(f"{self.name}: the task of {self._action} failed: {why}")
        if why is not None:
            self._task = ""
        elif self._action == "reset":
            raise again.Trouble(f"{self.name}: the task of reset runs", again.BUSY, after)

    def _call(self, call: Callable[[Any], Any], lost: str = again.LOST) -> Any:
        """Return what ``call(system)`` returns; ``lost`` is the kind of trouble where its answer is missing."""
        system = self._bounded(self._found, again.ABSENT)
        return self._bounded(lambda: call(system), lost)

    def _bounded(self, call: Callable[[], Any], lost: str = again.LOST) -> Any:
        """Return what ``call()`` returns; each of its requests is bounded by sushy, the whole by the time-out."""
        late = f"the BMC at {self.url} did not answer within {self.timeout:d} s"
        try:
            return steps.bounded(call, self.timeout, late, lost)
        except errors.PowerError:
            raise
        except Exception as error:
            raise self._login.trouble(error, lost) from error

    def _found(self) -> Any:
        if self._system is None:
            systems = self._login.root().get_system_collection()
            path, how = self._choose(systems)
            self._system = systems.get_member(path)
            self._facts = {"bmc": self.url, "system": identity_of(path), "matched_by": how}
            self.name = f"system {identity_of(path)} of the BMC at {self.url}"
        return self._system

    def _choose(self, systems: Any) -> tuple[str, str]:
        """Return the path of the system that is meant, and what it was found by."""
        paths = {identity_of(path): path for path in systems.members_identities}
        if self.wanted:
            if identity_of(self.wanted) in paths:
                return paths[identity_of(self.wanted)], "system"
            raise self._none_of(paths, f"the identity '{self.wanted}'")
        if self.macs:
            return self._with_mac(systems, paths), "mac"
        if len(paths) == 1:
            return next(iter(paths.values())), "only"
        raise errors.PowerError(
            f"the BMC at {self.url} has {len(paths):d} systems: {', '.join(sorted(paths))}; say which (system)"
        )

    def _with_mac(self, systems: Any, paths: Mapping[str, str]) -> str:
        found, macs = steps.with_macs(
            self.macs, {path: redfish_login.macs_of(systems.get_member(path)) for path in paths.values()}
        )
        if len(found) > 1:
            raise errors.PowerError(
                f"the BMC at {self.url} has {len(found):d} systems with the MAC address {' or '.join(macs)}: "
                f"{', '.join(map(identity_of, found))}; say which (system)"
            )
        if found:
            return found[0]
        raise self._none_of(paths, f"the MAC address {' or '.join(self.macs)}")

    def _none_of(self, paths: Iterable[str], described: str) -> errors.PowerError:
        known = ", ".join(sorted(paths)) or "none"
        return errors.PowerError(f"the BMC at {self.url} has no system with {described}; its systems: {known}")


def _power_of(system: Any) -> Any:
    system.refresh(force=True)
    return system.power_state


def main() -> None:
    """Run the module."""
    power_module.run(
        {
            "url": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "no_log": True},
            "verify": {"type": "bool", "default": True},
            "ca_file": {"type": "path"},
            "system": {"type": "str"},
            "macs": {"type": "list", "elements": "str"},
        },
        redfish_login.require,
        lambda module: Machine(module.params),
        power_module.switch,
        mutually_exclusive=[("system", "macs")],
    )


if __name__ == "__main__":
    main()

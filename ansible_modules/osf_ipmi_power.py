#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Power a machine off or on, shut it down or reset it, through its management controller (BMC)."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: osf_ipmi_power
short_description: Power a machine off or on, shut it down or reset it by IPMI
description:
  - Runs on a host that can reach the management controller (BMC), normally the controller. The machine may be off.
  - V(poweron), V(poweroff) and V(shutdown) are states; a machine that is already in the state is not changed. V(reset)
    presses the reset button each time, and is refused for a machine that is off.
  - V(status) only reads.
  - The module waits until the BMC reports the state, and fails if that does not happen within O(timeout).
  - The module repeats a request to a machine that is busy, in transition or without a free session, until O(timeout).
    It repeats V(reset) only if the first request certainly had no effect.
version_added: "1.0.0"
options:
  address:
    description: Address or name of the BMC.
    type: str
    required: true
  port:
    description: UDP port of the BMC.
    type: int
    default: 623
  username:
    description: Name of the user.
    type: str
    required: true
  password:
    description: Password of O(username).
    type: str
  privilege:
    description: The requested privilege; V(operator) is enough.
    type: str
    default: administrator
    choices: [operator, administrator]
  kg:
    description: The key of the BMC (K_g), if it has one, as text, or as C(0x) and hex digits.
    type: str
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
requirements: [pyghmi]
author: [The os_faults authors (@os-faults)]
"""

EXAMPLES = r"""
- name: Cut the power of a machine
  osf_ipmi_power:
    address: 10.30.0.2
    username: admin
    password: "{{ lookup('ansible.builtin.env', 'BMC_PASSWORD') }}"
    state: poweroff
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
  description: Address and port of the BMC.
  returned: success
  type: str
  sample: "10.30.0.2:623"
"""

import traceback
from typing import Any, Callable, Mapping

from ansible.module_utils.os_faults import errors, power_module
from ansible.module_utils.os_faults.power import again, ipmi, steps
from ansible.module_utils.os_faults.module import Module

try:
    from pyghmi.exceptions import PyghmiException
    from pyghmi.ipmi.command import Command
except ImportError:
    Command = None
    PYGHMI_TRACEBACK = traceback.format_exc()

PRIVILEGES = {"operator": 3, "administrator": 4}

CHASSIS = 0
GET_STATUS = 1
CONTROL = 2
"""The network function for power, and its commands (IPMI 2.0, section 28)."""

CONTROLS = {"poweroff": 0, "poweron": 1, "reset": 3, "shutdown": 5}
"""Action → what the command for it is given."""

ONCE = 3600.0
"""Seconds until pyghmi sends a command again; long after we have given it up."""


def key_of(text: str | None) -> bytes | None:
    r"""Return a key from its text; None when there is none.

    >>> key_of("0x0aff")
    b'\n\xff'
    >>> key_of("secret")
    b'secret'
    """
    if not text:
        return None
    try:
        return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
    except ValueError:
        raise errors.PowerError("kg: after 0x it must have an even number of hex digits") from None


class Bmc:
    """The management controller of a machine, and the only place where it is talked to."""

    distance = 2.0  # some hang when they are asked too often

    def __init__(self, params: Mapping[str, Any]) -> None:
        address, port = params["address"], params["port"]
        self.place = f"[{address}]:{port:d}" if ":" in address else f"{address}:{port:d}"
        self.name = f"the machine of the BMC at {self.place}"
        self.username = params["username"]
        self.patience = params["connect_timeout"]
        self._login = {  # in bytes: by text pyghmi does not find a session that failed, and would never log in again
            "bmc": address,
            "port": port,
            "userid": self.username.encode(),
            "password": (params["password"] or "").encode(),
            "kg": key_of(params["kg"]),
            "privlevel": PRIVILEGES[params["privilege"]],
        }
        self._command: Any = None

    def state(self) -> str:
        """Return whether the machine is on."""
        return "on" if self._call(GET_STATUS)["data"][0] & 1 else "off"

    def act(self, action: str) -> None:
        """Ask for it; what comes of it is looked at later. A reset is sent once, even when its answer is lost."""
        once = {"timeout": ONCE} if action == "reset" else {}
        self._call(CONTROL, data=[CONTROLS[action]], **once)

    def facts(self) -> dict[str, Any]:
        """Return which BMC it is."""
        return {"bmc": self.place}

    def close(self) -> None:
        """Log out; the next call logs in again."""
        command, self._command = self._command, None
        if command is not None:
            try:
                steps.bounded(command.ipmi_session.logout, 2, "")
            except Exception:  # noqa: BLE001, S110 - the session is gone already, or ends by its own time-out
                pass

    def _call(self, command: int, **more: Any) -> Any:
        """Return the answer to a command of the chassis; log in before it when that is not done yet."""
        if self._command is None:
            self._command = self._bounded(lambda: Command(**self._login), logged_in=False)
        session = self._command

        def send() -> Any:
            answer = session.raw_command(netfn=CHASSIS, command=command, **more)
            if "error" in answer:
                raise PyghmiException(answer["error"])
            return answer

        return self._bounded(send, logged_in=True)

    def _bounded(self, call: Callable[[], Any], logged_in: bool) -> Any:
        late = f"the BMC at {self.place} did not answer within {self.patience:d} s"
        try:
            return steps.bounded(call, self.patience, late, again.LOST if logged_in else again.ABSENT)
        except errors.PowerError:
            self.close()
            raise
        except Exception as error:
            trouble = ipmi.trouble_of(error, self.place, self.username, logged_in)
            if trouble.kind != again.BUSY:
                self.close()
            raise trouble from error


def require(module: Module) -> None:
    """End the module if pyghmi can't be imported."""
    if Command is None:
        module.fail_json(msg=steps.missing("pyghmi", "pyghmi"), exception=PYGHMI_TRACEBACK)


def main() -> None:
    """Run the module."""
    options: Mapping[str, Mapping[str, Any]] = {
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "default": 623},
        "username": {"type": "str", "required": True},
        "password": {"type": "str", "no_log": True},
        "privilege": {"type": "str", "default": "administrator", "choices": list(PRIVILEGES)},
        "kg": {"type": "str", "no_log": True},
    }
    power_module.run(options, require, lambda module: Bmc(module.params), power_module.switch)


if __name__ == "__main__":
    main()

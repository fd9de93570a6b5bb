"""The common part of the modules for machines: options, order of the steps, answer."""

from __future__ import annotations

from typing import Any, Callable, Mapping, NoReturn

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.module import Module
from ansible.module_utils.os_faults.power import steps

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "state": {"type": "str", "required": True, "choices": [*steps.GOALS, "status"]},
    "timeout": {"type": "int", "default": 300},
    "connect_timeout": {"type": "int", "default": 20},
}
"""The common options, beside those that identify the machine."""


def run(
    options: Mapping[str, Mapping[str, Any]],
    require: Callable[[Module], None],
    link: Callable[[Module], Any],
    work: Callable[[Module, Any], dict[str, Any]],
    **rules: Any,
) -> NoReturn:
    """Run a module for a machine, and end it.

    Args:
        options: the argument spec, in addition to or in place of `OPTIONS`.
        require: ends the module if its library is missing.
        link: returns the link to the machine: ``facts()`` is its part of the answer, ``close()`` ends it.
        work: returns the result; its key ``diff`` is removed unless the task has diff mode.
        rules: further arguments of `Module`.
    """
    module = Module(argument_spec={**OPTIONS, **options}, supports_check_mode=True, **rules)
    require(module)
    try:
        machine = link(module)
        try:
            answer = {**work(module, machine), **machine.facts()}
        finally:
            machine.close()
    except errors.PowerError as error:
        module.fail_json(msg=str(error))
    if not module._diff:
        del answer["diff"]
    module.exit_json(**answer)


def switch(module: Module, machine: steps.Machine) -> dict[str, Any]:
    """Do the action of the option ``state`` and return the result."""
    action = module.params["state"]
    done = steps.carry_out(machine, action, module.params["timeout"], module.check_mode)
    after = {"power_state": done["power_state"], **({"reset": True} if action == "reset" else {})}
    return dict(done, diff={"before": {"power_state": done["previous_state"]}, "after": after})

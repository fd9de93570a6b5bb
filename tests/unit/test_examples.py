"""The examples in the docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import pytest

from os_faults.actions.contract import Contract, Option
from os_faults.model import Node

MODULES = [
    "os_faults.config",
    "os_faults.config.auth",
    "os_faults.config.schema",
    "os_faults.config.secrets",
    "os_faults.actions.contract",
    "os_faults.drivers.cloud.ssh",
    "os_faults.drivers.service.ports",
    "os_faults.drivers.service.process",
    "os_faults.drivers.service.systemd",
    "os_faults.errors",
    "os_faults.ansible.events",
    "os_faults.ansible.inventory",
    "os_faults.registry",
    "os_faults.resources",
]
AT_HAND: dict[str, Any] = {
    "Node": Node,
    "contract": Contract(
        "service_state.yml",
        "service",
        options={
            "service": Option("service"),
            "service_action": Option("service_action"),
            "service_timeout": Option("service_timeout", "int"),
        },
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    assert isinstance(module.__doc__, str)
    outcome = doctest.testmod(
        module, extraglobs=AT_HAND, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, report=True
    )
    assert outcome.attempted
    assert not outcome.failed

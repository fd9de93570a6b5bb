"""Processes that come one after another, each with a cloud of its own in front of the same machines."""

from __future__ import annotations

from collections.abc import Callable

from os_faults import Cloud, HostResult
from os_faults.model import Action
from os_faults.testing import FakeRunner
from support.cloud_fixture import cloud_of

POWER = {"power_management": {"driver": "libvirt", "connection_uri": "test:///default"}}
NODE_1, NODE_2, NODE_3 = (f"node-{number}.domain.tld" for number in (1, 2, 3))


class Session:
    """One process: a cloud of its own in front of the same machines.

    Attributes:
        cloud: the cloud.
        runner: what was done in this session.
    """

    def __init__(self, machines: Callable[[Action, str], HostResult], **config: object) -> None:
        self.runner = FakeRunner(machines)
        self.cloud: Cloud = cloud_of(self.runner, **{**POWER, **config})

    @property
    def done(self) -> list[tuple[str, list[str]]]:
        """The verbs that were done after the discovery, each with its nodes."""
        return [
            (action.verb, [node.fqdn for node in action.nodes])
            for action in self.runner.performed
            if action.verb != "discover"
        ]

"""Cases D that need no host; what is done to real services is in tests/hosts."""

from __future__ import annotations

import pytest
from support.cloud_fixture import CONFIG, cloud_of, hosts

import os_faults
from os_faults import AnsibleExecutionException, ServiceError
from os_faults.config import load
from os_faults.model import Action, HostResult, Status
from os_faults.registry import drivers_of
from os_faults.testing import FakeRunner


@pytest.mark.case("D03")
@pytest.mark.parametrize("verb", ["restart", "kill", "freeze", "terminate", "unplug"])
def test_a_service_that_nobody_has(verb: str) -> None:
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        service = cloud.get_service("mysql")
        assert len(service.get_nodes()) == 0
        with pytest.raises(ServiceError, match="mysql"):
            getattr(service, verb)()
    assert {action.verb for action in runner.performed} == {"discover"}


@pytest.mark.case("D27")
def test_messages_call_a_service_by_its_own_name() -> None:
    def answer(action: Action, node: str) -> HostResult:
        if action.verb == "discover":
            services = {"logical": {"units": ["unit.service"], "active": True}}
            return HostResult(node, Status.OK, payload={"node": {"fqdn": "n1"}, "services": services})
        return HostResult(node, Status.FAILED, message="it went wrong")

    services = {"logical": {"driver": "system_service", "args": {"service_name": "unit", "grep": "unit"}}}
    config = {"cloud_management": {**CONFIG["cloud_management"], "nodes": ["10.0.0.1"]}, "services": services}
    cloud = os_faults.connect(config, runner=FakeRunner(answer))
    with cloud, pytest.raises(AnsibleExecutionException, match=r"^restart logical service: n1 failed"):
        cloud.get_service("logical").restart()


@pytest.mark.case("D29")
def test_salt_is_called_locally() -> None:
    entry = {"driver": "salt_service", "args": {"salt_service": "nginx", "grep": "nginx: master"}}
    config = load({"cloud_management": CONFIG["cloud_management"], "services": {"web": entry}})
    definition = drivers_of(config).services["web"]
    for verb, function in (("start", "start"), ("terminate", "stop"), ("restart", "restart")):
        command = f"salt-call --local --retcode-passthrough service.{function} nginx"
        assert definition[f"{verb}_cmd"] == command

"""Cases I: what programs that use os_faults import and call."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from packaging.version import Version
from support.cloud_fixture import CONFIG, hosts

import os_faults
from os_faults.ansible import executor
from os_faults.api import error
from os_faults.model import Action, HostResult, Status
from os_faults.testing import FakeRunner

ERRORS = {
    "OSFException": "Exception",
    "OSFError": "OSFException",
    "PowerManagementError": "OSFError",
    "CloudManagementError": "OSFError",
    "ServiceError": "OSFError",
    "ContainerError": "OSFError",
    "NodeCollectionError": "OSFError",
    "OSFDriverNotFound": "OSFError",
    "OSFDriverWithSuchNameExists": "OSFError",
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_where_they_were(name: str) -> None:
    found = getattr(error, name)
    assert ERRORS[name] in {parent.__name__ for parent in found.__mro__}
    assert getattr(os_faults, name) is found


def test_the_executor_where_it_was() -> None:
    assert issubclass(executor.AnsibleExecutionUnreachable, executor.AnsibleExecutionException)
    fields = [field.name for field in dataclasses.fields(executor.AnsibleExecutionRecord)]
    assert fields == ["host", "status", "task", "payload"]
    words = {executor.STATUS_OK, executor.STATUS_FAILED, executor.STATUS_UNREACHABLE, executor.STATUS_SKIPPED}
    assert words == {"OK", "FAILED", "UNREACHABLE", "SKIPPED"}


@pytest.mark.parametrize(
    "name", ["os_faults", "os_faults.api.error", "os_faults.ansible.executor", "os_faults.registry"]
)
def test_modules_where_they_were(name: str) -> None:
    assert importlib.import_module(name)


@pytest.mark.parametrize("name", ["connect", "discover", "human_api", "register_ansible_modules", "get_version"])
def test_functions_where_they_were(name: str) -> None:
    assert callable(getattr(os_faults, name))


def test_it_is_newer() -> None:
    assert Version(os_faults.get_version()) > Version("0.3.0")


@pytest.mark.case("I01")
def test_connect_with_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "os-faults.json").write_text(json.dumps(CONFIG))
    monkeypatch.chdir(tmp_path)
    with (
        os_faults.connect(None, runner=FakeRunner(hosts())) as told,
        os_faults.connect(runner=FakeRunner(hosts())) as not_told,
    ):
        assert told.get_nodes().get_fqdns() == not_told.get_nodes().get_fqdns()


def failing(action: Action, node: str) -> HostResult:
    """Answer as a host on which nothing can be restarted."""
    if action.verb == "restart":
        return HostResult(node, Status.FAILED, message="it did not come up")
    return hosts()(action, node)


@pytest.mark.case("I02")
def test_human_api_raises_or_returns() -> None:
    with os_faults.connect(CONFIG, runner=FakeRunner(hosts())) as cloud:
        os_faults.human_api(cloud, "restart keystone service")
    cloud = os_faults.connect(CONFIG, runner=FakeRunner(failing))
    with cloud, pytest.raises(error.OSFException, match="it did not come up"):
        os_faults.human_api(cloud, "restart keystone service")


@pytest.mark.case("I08")
def test_a_dictionary_and_a_file(tmp_path: Path) -> None:
    path = tmp_path / "cloud.yaml"
    path.write_text(json.dumps(CONFIG))
    told = []
    for config, file in ((CONFIG, None), (None, str(path))):
        with os_faults.connect(config, file, runner=FakeRunner(hosts())) as cloud:
            told.append((cloud.get_nodes().get_fqdns(), cloud.list_services(), cloud.inventory()))
    assert told[0] == told[1]


@pytest.mark.case("I09")
def test_a_service_tells_its_driver_and_its_configuration() -> None:
    with os_faults.connect(CONFIG, runner=FakeRunner(hosts())) as cloud:
        service = cloud.get_service("keystone")
        assert service.NAME == "systemd"
        assert service.config["units"][0] == "devstack@keystone.service"


def test_verbs_take_what_they_took() -> None:
    taken = {
        "freeze": ["nodes", "sec"],
        "plug": ["nodes", "direction", "other_port"],
        "unplug": ["nodes", "direction", "other_port"],
    }
    for verb in ("start", "terminate", "restart", "kill", "unfreeze", *taken):
        parameters = list(inspect.signature(getattr(os_faults.Service, verb)).parameters)[1:]
        assert parameters[: len(taken.get(verb, ["nodes"]))] == taken.get(verb, ["nodes"])
    nodes = {"connect": "network_name", "disconnect": "network_name", "stress": "target"}
    for verb in ("reboot", "poweroff", "poweron", "reset", "shutdown", "oom", *nodes):
        parameters = list(inspect.signature(getattr(os_faults.NodeCollection, verb)).parameters)[1:]
        assert verb not in nodes or parameters[0] == nodes[verb]


@pytest.mark.case("f24")
@pytest.mark.parametrize(
    "name", ["ansible.executor.AnsibleExecutionUnreachable", "api.error.OSFError", "api.node_collection.NodeCollection"]
)
def test_names_by_attribute_after_import_os_faults_alone(name: str) -> None:
    code = f"import os_faults; print(os_faults.{name}.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stderr, done.stdout.strip()) == ("", name.rpartition(".")[2])


@pytest.mark.case("f24")
def test_the_clause_of_tobiko() -> None:
    """Its clause is evaluated while the error is raised, so a missing attribute would hide the error."""
    silent = hosts(silent=("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    cloud = os_faults.connect(CONFIG, runner=FakeRunner(silent))
    with cloud, pytest.raises(os_faults.ansible.executor.AnsibleExecutionUnreachable):
        cloud.verify()


def told(action: Action, node: str) -> HostResult:
    """Answer as hosts that print their names."""
    return replace(hosts()(action, node), stdout=node) if action.verb == "run_task" else hosts()(action, node)


@pytest.mark.case("f40")
def test_what_run_task_returns_is_read_as_a_list_of_records() -> None:
    with os_faults.connect(CONFIG, runner=FakeRunner(told)) as cloud:
        result = cloud.get_nodes().run_task({"command": "hostname"})
    assert all(each.status == "OK" for each in result)
    assert result[0].payload["stdout_lines"] == ["node-1.domain.tld"]
    assert [record.host for record in result] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert result[-1].host == "10.0.0.3"


@pytest.mark.case("f40")
def test_it_is_a_mapping_by_name_as_well() -> None:
    with os_faults.connect(CONFIG, runner=FakeRunner(told)) as cloud:
        result = cloud.get_nodes().run_task({"command": "hostname"})
    assert {name: result[name].stdout for name in result} == {name: name for name in result}
    plain = yaml.safe_dump({name: host.stdout for name, host in result.items()})
    assert list(yaml.safe_load(plain)) == sorted(result)
    assert copy.deepcopy(list(result))[0].status == pickle.loads(pickle.dumps(list(result)))[0].status == "OK"


def test_what_stepler_calls() -> None:
    with os_faults.connect(CONFIG, runner=FakeRunner(hosts())) as cloud:
        assert cloud.get_driver_name() == "devstack"
        assert "keystone" in cloud.list_supported_services()
        assert cloud.private_key_file is None
    assert not os_faults.NodeCollection(hosts=[])


@pytest.mark.parametrize("nested", [False, True])
def test_the_key_of_the_nodes_as_stepler_reads_it(nested: bool) -> None:
    login = {"username": "root", "private_key_file": "/keys/nodes"}
    management = {"driver": "devstack", "address": "10.0.0.1", **({"auth": login} if nested else login)}
    with os_faults.connect({"cloud_management": management}, runner=FakeRunner(hosts())) as cloud:
        assert cloud.private_key_file == "/keys/nodes"


@pytest.mark.parametrize("section", ["services", "containers", "power_management", "networks", "limit"])
def test_an_empty_section_is_none(section: str) -> None:
    """A template writes the head of a section also when its list is empty."""
    with os_faults.connect({**CONFIG, section: None}, runner=FakeRunner(hosts())) as cloud:
        assert len(cloud.get_nodes()) == 3


@pytest.mark.case("u23")
def test_the_version_by_attribute() -> None:
    assert os_faults.__version__ == os_faults.get_version()


@pytest.mark.parametrize("silent", [False, True])
def test_a_verb_of_a_service_that_fails_is_an_error_of_the_service(silent: bool) -> None:
    """Callers of 0.3 write ``except ServiceError``; the class that says more catches it too."""
    status = Status.UNREACHABLE if silent else Status.FAILED

    def answer(action: Action, node: str) -> HostResult:
        return HostResult(node, status, message="no") if action.verb == "restart" else hosts()(action, node)

    with os_faults.connect(CONFIG, runner=FakeRunner(answer)) as cloud:
        with pytest.raises(error.ServiceError) as caught:
            cloud.get_service("keystone").restart()
        expected = os_faults.AnsibleExecutionUnreachable if silent else os_faults.AnsibleExecutionException
        assert isinstance(caught.value, expected)
        assert (type(caught.value).__name__, caught.value.exit_code) == (expected.__name__, expected.exit_code)
        again = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(again, error.ServiceError)
        assert (str(again), len(again.result)) == (str(caught.value), 1)


# The template of Tobiko, with one service and without containers.
TOBIKO = """
cloud_management:
  driver: universal

node_discover:
  driver: node_list
  args:
    - fqdn: node-1.domain.tld
      ip: 10.0.0.1
      auth:
        username: heat-admin
        private_key_file: /home/stack/.ssh/id_rsa

services:
  openvswitch:
    driver: system_service
    args:
      service_name: openvswitch
      grep: openvswitch

containers:
"""


@pytest.mark.case("f26")
def test_the_template_of_tobiko_acts_as_root() -> None:
    with os_faults.connect(yaml.safe_load(TOBIKO), runner=FakeRunner(hosts())) as cloud:
        (variables,) = cloud.inventory()["all"]["hosts"].values()
        assert (variables["ansible_user"], variables["ansible_become"]) == ("heat-admin", True)


NEW_NAME = TOBIKO.replace("system_service", "systemd").replace("      grep: openvswitch\n", "")
TOLD = TOBIKO.replace("username: heat-admin", "username: heat-admin\n        become: false")


@pytest.mark.case("f26")
@pytest.mark.parametrize("text", [NEW_NAME, TOLD], ids=["new name", "told"])
def test_root_only_where_03_had_it(text: str) -> None:
    with os_faults.connect(yaml.safe_load(text), runner=FakeRunner(hosts())) as cloud:
        (variables,) = cloud.inventory()["all"]["hosts"].values()
        assert not variables.get("ansible_become")

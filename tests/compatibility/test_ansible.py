"""Cases C: tasks by real Ansible on this machine, and their records.

Logins over ssh are in tests/hosts/cloud/test_logins.py.
"""

from __future__ import annotations

import importlib.metadata
import logging
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import os_faults
from os_faults import (
    AnsibleExecutionException,
    AnsibleExecutionUnreachable,
    Cloud,
    OSFError,
    PartlyDone,
    RunTimeout,
    resources,
)
from os_faults.ansible import executor
from os_faults.ansible.inventory import inventory
from os_faults.config import SshConfig, auth_of
from os_faults.model import Node
from os_faults.testing import FakeRunner

pytestmark = pytest.mark.functional

LOCAL = {"connection": "local", "python_interpreter": sys.executable}
DEAD = {"username": "nobody", "port": 1}
"""The login to a port of this machine where nobody listens."""


def config_of(directory: Path, *nodes: dict[str, Any]) -> dict[str, Any]:
    listed = [{"ip": f"127.0.0.{n}", "fqdn": f"n{n}.local", **login} for n, login in enumerate(nodes, 1)]
    return {
        "cloud_management": {"driver": "universal"},
        "node_discover": {"driver": "node_list", "args": listed},
        "artifacts_dir": str(directory / "runs"),
    }


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """Three hosts, which all are this machine."""
    with os_faults.connect(config_of(tmp_path, LOCAL, LOCAL, LOCAL)) as cloud:
        yield cloud


@pytest.fixture
def mixed(tmp_path: Path) -> Iterator[Cloud]:
    """This machine, and a host that can't be reached."""
    with os_faults.connect(config_of(tmp_path, LOCAL, DEAD)) as cloud:
        yield cloud


def shell(script: str) -> dict[str, Any]:
    return {"ansible.builtin.shell": {"cmd": script}}


NAME = "{{ inventory_hostname }}"


@pytest.mark.case("C01", "I03")
def test_records(cloud: Cloud) -> None:
    records = cloud.execute_on_cloud(cloud.get_nodes(), {"command": f"echo {NAME}"})
    assert [(record.host, record.status) for record in records] == [(f"127.0.0.{n}", "OK") for n in (1, 2, 3)]
    assert [record.payload["stdout"] for record in records] == ["n1.local", "n2.local", "n3.local"]
    assert records[0].payload["stdout_lines"] == ["n1.local"]
    assert records[0].payload["rc"] == 0
    assert isinstance(records[0].task, str)
    results = cloud.get_nodes().run_task({"command": "hostname"})
    for result in results.values():
        assert (result.status, result.host) == (os_faults.Status.OK, result.node)
        assert result.payload["stdout_lines"] == [result.stdout]


@pytest.mark.case("C02")
def test_a_failure_that_is_not_raised(cloud: Cloud) -> None:
    nodes = cloud.get_nodes(["n1.local"])
    (record,) = nodes.run_task(shell("echo hi; exit 3"), raise_on_error=False).records
    assert (record.status, record.payload["rc"], record.payload["stdout"]) == (executor.STATUS_FAILED, 3, "hi")


@pytest.mark.case("C03")
def test_a_failure_that_is_raised(cloud: Cloud) -> None:
    with pytest.raises(executor.AnsibleExecutionException) as failure:
        cloud.get_nodes(["n1.local"]).run_task(shell("echo the reason >&2; exit 3"))
    for word in ("n1.local", "failed", "the reason", "exit code 3"):
        assert word in str(failure.value)


@pytest.mark.case("C04")
def test_one_that_cannot_be_reached(mixed: Cloud) -> None:
    nodes = os_faults.NodeCollection(mixed.known_nodes(), mixed)
    with pytest.raises(AnsibleExecutionUnreachable, match=r"n2\.local could not be reached") as partly:
        nodes.run_task({"command": "true"})
    assert isinstance(partly.value, PartlyDone)
    dead = mixed.known_nodes()[1]
    with pytest.raises(AnsibleExecutionUnreachable):
        os_faults.NodeCollection([dead], mixed).run_task({"command": "true"})


@pytest.mark.case("C05")
def test_one_fails_and_one_cannot_be_reached(mixed: Cloud) -> None:
    with pytest.raises(AnsibleExecutionException) as failure:
        os_faults.NodeCollection(mixed.known_nodes(), mixed).run_task({"command": "false"})
    assert not isinstance(failure.value, AnsibleExecutionUnreachable)


@pytest.mark.case("C06")
def test_one_of_two_fails(cloud: Cloud) -> None:
    nodes = cloud.get_nodes(["n1.local", "n2.local"])
    records = nodes.run_task(shell(f"test {NAME} = n1.local"), raise_on_error=False).records
    assert [record.status for record in records] == ["OK", "FAILED"]


@pytest.mark.case("C07")
def test_skipped(cloud: Cloud) -> None:
    (record,) = cloud.get_nodes(["n1.local"]).run_task({"command": "true", "when": False}).records
    assert record.status == executor.STATUS_SKIPPED


@pytest.mark.case("C10")
def test_a_loop(cloud: Cloud) -> None:
    (record,) = cloud.get_nodes(["n1.local"]).run_task({"command": "echo {{ item }}", "loop": [1, 2]}).records
    assert [item["stdout"] for item in record.payload["results"]] == ["1", "2"]


@pytest.mark.case("C11")
def test_a_module_that_nobody_has(cloud: Cloud) -> None:
    with pytest.raises(AnsibleExecutionException, match="no_such_module"):
        cloud.get_nodes().run_task({"no_such_module": {}})


@pytest.mark.case("C12")
def test_a_variable_that_is_not_defined(cloud: Cloud) -> None:
    task = {"command": "echo {{ nobody_defines_this }}"}
    (record,) = cloud.get_nodes(["n1.local"]).run_task(task, raise_on_error=False).records
    assert record.status == "FAILED"
    assert "nobody_defines_this" in record.payload["msg"]


@pytest.mark.case("C14", "C15")
def test_much_output_and_none(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    nodes = cloud.get_nodes(["n1.local"])
    (record,) = nodes.run_task(shell("seq 1 5000")).records
    assert record.payload["stdout_lines"][-1] == "5000"
    (silent,) = nodes.run_task({"ansible.builtin.ping": {}}).records
    assert (silent.status, silent.payload["stdout"]) == ("OK", "")


@pytest.mark.case("C16")
def test_the_reason_of_ssh(mixed: Cloud) -> None:
    (result,) = mixed.unreachable.values()
    assert "refused" in result or "Broken pipe" in result


@pytest.mark.case("C18")
def test_a_task_that_takes_too_long(cloud: Cloud) -> None:
    with pytest.raises(RunTimeout, match="did not end within 3 s"):
        cloud.get_nodes(["n1.local"]).run_task(shell("sleep 60"), timeout=3, raise_on_error=False)


@pytest.mark.case("C19")
def test_ten_hosts_work_at_once(tmp_path: Path) -> None:
    with os_faults.connect(config_of(tmp_path, *[LOCAL] * 10)) as cloud:
        here = shlex.quote(str(tmp_path))
        # each waits for all others to have begun: one after the other they would wait in vain
        met = f"set -- {here}/began-*; [ $# = 10 ] && exit"
        meet = f"touch {here}/began-{NAME}; for i in $(seq 600); do {met}; sleep 0.1; done; false"
        assert len(cloud.get_nodes().run_task(shell(meet))) == 10


@pytest.mark.case("C21")
def test_three_threads(cloud: Cloud) -> None:
    nodes, told = cloud.get_nodes(["n1.local"]), {}

    def ask(word: str) -> None:
        told[word] = nodes.run_task(shell(f"echo {word}")).records[0].payload["stdout"]

    threads = [threading.Thread(target=ask, args=(word,)) for word in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == {"a": "a", "b": "b", "c": "c"}


def variables(login: dict[str, Any], **cloud: Any) -> dict[str, Any]:
    """Return what Ansible is told of a node with a login, in a cloud with a login."""
    config = {
        "cloud_management": {"driver": "universal", **cloud},
        "node_discover": {"driver": "node_list", "args": [{"ip": "10.0.0.1", "fqdn": "n1.local", **login}]},
    }
    with os_faults.connect(config, runner=FakeRunner()) as connected:
        found: dict[str, Any] = connected.inventory()["all"]["hosts"]["n1.local"]
        return found


@pytest.mark.case("C28")
def test_the_jump_host_is_entered_as_the_user_of_the_node() -> None:
    assert (
        " -l stack jump.local"
        in variables({"username": "stack", "jump": {"host": "jump.local"}})["ansible_ssh_common_args"]
    )


@pytest.mark.case("C31")
def test_the_login_of_a_node_wins_key_by_key() -> None:
    told = variables({"auth": {"username": "own"}}, auth={"username": "common", "port": 2222})
    assert (told["ansible_user"], told["ansible_port"]) == ("own", 2222)


@pytest.mark.case("C32")
def test_becoming_somebody_by_a_method() -> None:
    told = variables({"auth": {"username": "a", "become_username": "b", "become_method": "su"}})
    assert told["ansible_become"] is True
    assert (told["ansible_become_user"], told["ansible_become_method"]) == ("b", "su")
    node = Node("n", "10.0.0.1", auth=auth_of({"become_username": "b", "become_method": "su"}))
    assert inventory([node], ssh=SshConfig())["all"]["hosts"]["n"]["ansible_become_user"] == "b"


@pytest.mark.case("C33", "I04")
def test_ansible_core_is_enough(cloud: Cloud, tmp_path: Path) -> None:
    assert "ansible" not in {found.name.lower() for found in importlib.metadata.distributions()}
    nodes = cloud.get_nodes(["n1.local"])
    there, back = tmp_path / "there", tmp_path / "back"
    nodes.run_task({"copy": {"dest": str(there), "content": "text"}})
    nodes.run_task({"fetch": {"src": str(there), "dest": f"{back}", "flat": True}})
    assert back.read_text() == "text"


@pytest.mark.case("C34")
def test_a_virtual_environment_that_is_not_active(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    with os_faults.connect(config_of(tmp_path, LOCAL)) as cloud:
        assert cloud.get_nodes().run_task({"command": "true"}).changed


MODULE = """#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
AnsibleModule({}).exit_json(said="%s")
"""


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing registered for other tests."""
    monkeypatch.setattr(resources, "_registered", {})


def module(directory: Path, name: str) -> Path:
    directory.mkdir(parents=True)
    (directory / f"{name}.py").write_text(MODULE % name)
    return directory


@pytest.mark.case("C35")
def test_modules_of_ones_own(cloud: Cloud, tmp_path: Path, registered: None) -> None:
    nodes = cloud.get_nodes(["n1.local"])
    nodes.run_task({"command": "true"})
    module(tmp_path / "mine/deep/deeper/deepest", "my_first")
    os_faults.register_ansible_modules([str(tmp_path / "mine")])
    assert nodes.run_task({"my_first": {}}).records[0].payload["said"] == "my_first"
    os_faults.register_ansible_modules([module(tmp_path / "more", "my_second")])
    for name in ("my_first", "my_second"):
        assert nodes.run_task({name: {}}).records[0].payload["said"] == name
    with os_faults.connect(config_of(tmp_path, LOCAL)) as later:
        assert later.get_nodes().run_task({"my_second": {}}).records[0].payload["said"] == "my_second"


@pytest.mark.case("C35")
def test_ours_stay_ours(cloud: Cloud, tmp_path: Path, registered: None) -> None:
    os_faults.register_ansible_modules([module(tmp_path / "mine", "osf_node_info")])
    assert cloud.get_nodes(["n1.local"])[0].ip == "127.0.0.1", "a module of that name took the place of ours"


@pytest.mark.case("C36")
def test_modules_that_are_not_there(tmp_path: Path, registered: None) -> None:
    with pytest.raises(OSFError, match="no-such"):
        os_faults.register_ansible_modules([tmp_path, tmp_path / "no-such"])
    assert resources.module_paths() == (resources.modules_dir(),)
    assert os.fspath(tmp_path) not in map(os.fspath, resources.module_paths())

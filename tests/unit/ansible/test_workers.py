"""Which worker takes which nodes, and what travels to it."""

from __future__ import annotations

import configparser
import json
from pathlib import Path
from typing import Any

import pytest

from os_faults.ansible.inventory import JUMP, inventory
from os_faults.ansible.workers.bundle import pack
from os_faults.ansible.workers.division import divide
from os_faults.config import SshConfig, Worker, load
from os_faults.errors import ConfigError
from os_faults.model import Action, Auth, Jump, Node

NODES = [Node(f"node-{number}", f"10.0.{number // 3}.{number}") for number in range(5)]


@pytest.mark.parametrize(
    ("workers", "expected"),
    [
        pytest.param([Worker("a")], {"a": "01234"}, id="one does all"),
        pytest.param([Worker("a"), Worker("b")], {"a": "024", "b": "13"}, id="even shares"),
        pytest.param([Worker("a"), Worker("b", nodes=("node-4",))], {"a": "0123", "b": "4"}, id="named"),
        pytest.param([Worker("a"), Worker("b", nodes=("10.0.0.*",))], {"a": "34", "b": "012"}, id="by address"),
        pytest.param(
            [Worker("a", nodes=("node-[012]",)), Worker("b", nodes=("node-[01]",)), Worker("c")],
            {"a": "02", "b": "1", "c": "34"},
            id="named by two, and the rest",
        ),
    ],
)
def test_nodes_are_divided(workers: list[Worker], expected: dict[str, str]) -> None:
    shares = divide(NODES, workers)
    told = {worker.address: "".join(node.fqdn[-1] for node in share) for worker, share in shares.items()}
    assert told == expected


def test_a_node_that_no_worker_takes_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^no worker takes node-1 \(10.0.0.1\): name it"):
        divide(NODES, [Worker("a", nodes=("node-0",))])


def test_workers_are_configured(tmp_path: Path) -> None:
    content = {
        "cloud_management": {"driver": "universal", "nodes": ["n"]},
        "workers": [
            {"address": "w1", "username": "stack", "private_key_file": "id", "port": 2222},
            {"address": "w2", "ansible_runner": "/opt/a/bin/ansible-runner", "nodes": ["rack-2-*"]},
        ],
    }
    file = tmp_path / "os-faults.json"
    file.write_text(json.dumps(content))
    assert load(None, file).workers == (
        Worker("w1", Auth(username="stack", private_key_file=str(tmp_path / "id"), port=2222)),
        Worker("w2", runner="/opt/a/bin/ansible-runner", nodes=("rack-2-*",)),
    )


@pytest.mark.parametrize(
    ("worker", "sentence"),
    [
        ({"adress": "w"}, "workers[0].adress is not a known key: did you mean 'address'?"),
        ({"address": "w", "password": "x"}, "workers[0].password is not a known key"),
        ({"address": "w", "ansible_runner": "a b"}, "workers[0].ansible_runner must be a name on the PATH"),
    ],
)
def test_a_wrong_worker_is_refused(worker: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load({"cloud_management": {"driver": "universal", "nodes": ["n"]}, "workers": [worker]})
    assert sentence in str(refused.value)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Files of this machine: a key, another whose path begins with that of the first, known hosts, a password."""
    names = ("id", "id_jump", "known_hosts", "secret")
    for name in names:
        (tmp_path / name).write_text(f"content of {name}")
    return {name: str(tmp_path / name) for name in names}


def test_what_travels_is_whole_and_no_more(tmp_path: Path, files: dict[str, str]) -> None:
    jump = Jump("gate", private_key_file=files["id_jump"])
    auth = Auth(username="stack", private_key_file=files["id"], become=True, become_password="x", jump=jump)
    ours, other = Node("ours", "10.0.0.1", auth=auth), Node("other", "10.0.0.2", auth=auth)
    ssh = SshConfig("strict", known_hosts=files["known_hosts"])
    tree = inventory([ours, other], ssh=ssh, secret_path=lambda _: files["secret"], control_dir="/sockets/here")
    action = Action("run_task", "", (ours,), {"seconds": 5}, tasks=({"ansible.builtin.ping": {}},))
    luggage = tmp_path / "luggage"

    carried_too = [files["secret"], str(JUMP)]
    assert pack(luggage, "/there", action, tree, ssh, carried_too, sockets="/sockets/here") == "main.yml"

    hosts: dict[str, Any] = json.loads((luggage / "inventory/hosts.json").read_text())["all"]["hosts"]
    assert hosts["other"] == {"ansible_host": "10.0.0.2"}
    assert str(tmp_path) not in json.dumps(hosts)
    carried = {path.read_text(): path for path in (luggage / "files").iterdir()}
    assert carried.keys() == {*(f"content of {name}" for name in files), JUMP.read_text(), "ours\n"}
    assert {path.stat().st_mode & 0o077 for path in (luggage / "files").iterdir() if path.name != "limit"} == {0}
    for name, variable in (
        ("id", "ansible_ssh_private_key_file"),
        ("id_jump", "ansible_ssh_common_args"),
        ("known_hosts", "ansible_ssh_common_args"),
        ("secret", "ansible_become_password"),
    ):
        assert f"/there/files/{carried[f'content of {name}'].name}" in hosts["ours"][variable]
    proxied = f"ProxyCommand=sh /there/files/{carried[JUMP.read_text()].name} /there/sockets/j-"
    assert proxied in hosts["ours"]["ansible_ssh_common_args"]
    assert json.loads((luggage / "env/extravars").read_text()) == {"seconds": 5}
    assert json.loads((luggage / "project/main.yml").read_text())[0]["tasks"] == [{"ansible.builtin.ping": {}}]
    config = configparser.RawConfigParser()
    config.read(luggage / "project/ansible.cfg")
    assert config["defaults"]["library"] == "/there/project/library"
    assert (luggage / "project/library/osf_hold.py").is_file()

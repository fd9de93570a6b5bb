"""Logins through a real sshd of this machine: shells that print, jump hosts, keys that ssh refuses (needs root)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.held_service import Service
from support.local_sshd import LocalSshd, local_sshd, needs_sshd

from os_faults import connect

pytestmark = [pytest.mark.functional, needs_sshd]

TALK = """\
#!/bin/sh
echo 'Welcome to 12.50 this host'
echo '3.14 2.71 is what it prints'
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""


def cloud_config(folder: Path, nodes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Return a universal cloud with host keys in a file of its own."""
    ssh = {"known_hosts": str(folder / "known_hosts")}
    management = {"driver": "universal", "nodes": nodes}
    return {"cloud_management": management, "ssh": ssh, "artifacts_dir": str(folder / "runs"), **more}


@pytest.fixture
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    """An sshd whose login shell prints two lines before each command."""
    folder = tmp_path_factory.mktemp("talking")
    shell = folder / "shell"
    shell.write_text(TALK)
    shell.chmod(0o755)
    with local_sshd(folder, f"ForceCommand={shell}") as sshd:
        yield sshd


@pytest.mark.case("f18")
@pytest.mark.usefixtures("state_home")
def test_a_login_shell_that_prints_and_a_start_time(talking: LocalSshd, service: Service, tmp_path: Path) -> None:
    services = {service.name: {"driver": "process", "pidfile": str(service.pidfile), "start": ["/bin/true"]}}
    config = cloud_config(tmp_path, [{"address": "127.0.0.2", **talking.login}], services=services)
    with connect(config) as cloud:
        victim = cloud.get_service(service.name)
        (frozen,) = victim.freeze(sec=60, at=8).values()
        assert service.states == "TT"
        assert abs(frozen.payload["clock_ahead"]) <= frozen.payload["clock_within"] + 0.05, "the clock was compared"
        victim.unfreeze()
    assert service.states == "SS"


@pytest.fixture(scope="module")
def jump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    """A jump host with an sshd as it is by default: it drops some of more than ten logins at the same time."""
    with local_sshd(tmp_path_factory.mktemp("jump")) as sshd:
        yield sshd


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshd]:
    """The sshd of every node behind the jump host."""
    with local_sshd(tmp_path_factory.mktemp("behind"), "MaxStartups=1000") as sshd:
        yield sshd


def through(jump: LocalSshd, node: LocalSshd, address: str, **more: Any) -> dict[str, Any]:
    """Return the configuration of a node behind a jump host."""
    door = {"host": "127.0.0.1", "username": "root", "port": jump.port, "private_key_file": jump.key}
    return {"address": address, **node.login, "jump": {**door, **more}}


@pytest.mark.case("f01")
@pytest.mark.usefixtures("state_home")
def test_a_jump_host_carries_any_number_of_nodes(jump: LocalSshd, behind: LocalSshd, tmp_path: Path) -> None:
    nodes = [through(jump, behind, f"127.0.1.{number}") for number in range(1, 51)]
    names = [{"ip": node.pop("address"), "fqdn": f"n{number}", "auth": node} for number, node in enumerate(nodes)]
    config = cloud_config(tmp_path, [], node_discover={"driver": "node_list", "args": names})
    del config["cloud_management"]["nodes"]
    with connect(config) as cloud:
        assert len(cloud.get_nodes()) == 50
    assert jump.log.count("Accepted publickey") == 1, "all share one connection"
    assert "MaxStartups" not in jump.log

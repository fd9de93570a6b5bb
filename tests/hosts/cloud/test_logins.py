"""The ways to log in: with passwords, as users who must give one to become root, through a jump host."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
from hostlab.observer import Host
from hostlab.subject import memcached
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, AnsibleExecutionUnreachable, connect


@pytest.fixture
def login(config: dict[str, Any]) -> Any:
    """Return a function that makes the configuration of the plain host alone, with a login."""

    def make(**keys: Any) -> dict[str, Any]:
        management = {"driver": "devstack", "address": "node-3.domain.tld", **keys}
        return {**config, "cloud_management": management}

    return make


def freeze_and_unfreeze(config: dict[str, Any], host: Host) -> set[tuple[str, str]]:
    """Freeze and unfreeze memcached, seen by its client; return the logins meanwhile and whence, as sshd tells."""
    subject = memcached(host)
    now = host.sh("date +%s.%N")
    with host.undone(), connect(config) as cloud:
        service = cloud.get_service("memcached")
        service.freeze(sec=60)
        assert subject.frozen()
        service.unfreeze()
        wait_for(subject.answers, "memcached answers", 5)
    journal = host.sh(f"journalctl --no-pager --output=cat --unit=ssh --since=@{now}")
    return set(re.findall(r"Accepted (\S+ for \S+) from (\S+) port", journal))


@pytest.mark.case("C25")
def test_ssh_password(login: Any, node_3: Host) -> None:
    password = node_3.lab.about["accounts"]["stack"]["password"]
    assert "password for stack" in dict(freeze_and_unfreeze(login(username="stack", password=password), node_3))


def test_become_password(login: Any, node_3: Host) -> None:
    password = node_3.lab.about["accounts"]["careful"]["password"]
    config = login(username="careful", private_key_file=node_3.lab.key, become=True, become_password=password)
    assert "publickey for careful" in dict(freeze_and_unfreeze(config, node_3))


@pytest.mark.case("C16")
def test_wrong_ssh_password(login: Any, node_3: Host) -> None:
    with (
        connect(login(username="stack", password="not this one")) as cloud,
        pytest.raises(
            AnsibleExecutionUnreachable, match=r"node-3\.domain\.tld.*(Permission denied|[Ii]nvalid/incorrect)"
        ),
    ):
        cloud.get_nodes()


def test_wrong_become_password(login: Any, node_3: Host) -> None:
    config = login(username="careful", private_key_file=node_3.lab.key, become=True, become_password="not this one")
    with (
        node_3.undone(),
        connect(config) as cloud,
        pytest.raises(AnsibleExecutionException, match=r"node-3\.domain\.tld.*([Ii]ncorrect|sudo)"),
    ):
        cloud.get_service("memcached").restart()


def test_ipv6(login: Any, node_3: Host) -> None:
    config = login(address=node_3.address6, username="root", private_key_file=node_3.lab.key)
    assert ("publickey for root", "fd77::1") in freeze_and_unfreeze(config, node_3)


@pytest.mark.case("C26")
def test_through_a_jump_host(login: Any, node_1: Host, node_3: Host) -> None:
    jump = {"host": "devstack.local", "username": "root", "private_key_file": node_3.lab.key}
    config = login(username="root", private_key_file=node_3.lab.key, jump=jump)
    logins = freeze_and_unfreeze(config, node_3)
    assert {("publickey for root", address) for address in (node_1.address, node_1.address6)} & logins


def test_a_host_key_that_is_not_known(login: Any, config: dict[str, Any], tmp_path: Any, node_3: Host) -> None:
    known_hosts = tmp_path / "known_hosts"
    config["ssh"] |= {"known_hosts": str(known_hosts), "host_key_policy": "strict"}
    strict = connect(login(username="root", private_key_file=node_3.lab.key))
    with strict as cloud, pytest.raises(AnsibleExecutionUnreachable, match=r"[Hh]ost key"):
        cloud.get_nodes()
    config["ssh"]["host_key_policy"] = "accept-new"
    with connect(login(username="root", private_key_file=node_3.lab.key)) as cloud:
        assert cloud.get_nodes().get_fqdns() == [node_3.fqdn]
    subprocess.run(["ssh-keygen", "-F", node_3.fqdn, "-f", known_hosts], check=True, stdout=subprocess.DEVNULL)

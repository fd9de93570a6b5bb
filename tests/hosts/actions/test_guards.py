"""Guard rails on the hosts: what is refused leaves every host as it was, and two controllers know of each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostlab.command import Done, Shell
from hostlab.observer import Host
from hostlab.subject import memcached
from hostlab.waiting import wait_for

from os_faults import Cloud, GuardRailError


@pytest.fixture
def shell(config: dict[str, Any], tmp_path: Path) -> Shell:
    (tmp_path / "os-faults.json").write_text(json.dumps(config), encoding="utf-8")
    return Shell(tmp_path)


def test_what_is_refused_leaves_every_host_as_it_was(
    shell: Shell, config: dict[str, Any], every_node: list[Host]
) -> None:
    strict = {**config, "limit": 1, "protected": {"nodes": ["node-3"], "services": ["mysql"]}}
    (shell.directory / "os-faults.json").write_text(json.dumps(strict), encoding="utf-8")
    before = [host.fingerprint() for host in every_node]
    for words in (
        ("freeze", "memcached", "--seconds", "60", "--on", "node-1.domain.tld,node-2.domain.tld"),
        ("terminate", "memcached", "--on", "node-3.domain.tld"),
        ("kill", "mysql", "--on", "node-2.domain.tld"),
        ("poweroff", "--on", "node-3.domain.tld"),
    ):
        done = shell.os_faults("inject", *words)
        assert done.status == 2, done.err
        assert "refused, nothing was touched" in done.err
    for host, as_it_was in zip(every_node, before, strict=True):
        host.await_fingerprint(as_it_was)


def as_user(shell: Shell, name: str, *words: str) -> Done:
    """Call ``os-faults`` as another user would, with a journal of his own."""
    return shell.os_faults(*words, LOGNAME=name, XDG_STATE_HOME=str(shell.directory / name))


def test_the_second_controller_is_refused_until_the_first_ones_fault_ends(
    shell: Shell, node_1: Host, node_2: Host
) -> None:
    freeze = ("inject", "freeze", "memcached", "--on", node_2.fqdn, "--seconds", "25")
    with node_1.undone(within=40), node_2.undone(within=40):
        first = as_user(shell, "alice", *freeze)
        assert first.status == 0, first.err
        before = node_1.fingerprint()
        second = as_user(shell, "bob", "inject", "freeze", "keystone", "--seconds", "5")
        assert second.status == 2, second.err
        for part in ("alice@", "freeze memcached on node-2.domain.tld", "until", "--force"):
            assert part in second.err
        node_1.await_fingerprint(before)
        assert as_user(shell, "alice", *freeze).status == 0, "who holds it goes on"
        forced = as_user(shell, "bob", "inject", "freeze", "keystone", "--seconds", "3", "--force")
        assert forced.status == 0, forced.err
        assert as_user(shell, "bob", "inject", "unfreeze", "keystone").status == 0, "an undo is never refused"
        wait_for(lambda: node_2.holds() == {}, "the fault of alice ends by itself", 60)
        later = as_user(shell, "bob", "inject", "freeze", "keystone", "--seconds", "3")
        assert later.status == 0, later.err
        assert as_user(shell, "bob", "heal").status == 0


def test_anybody_heals(shell: Shell, node_3: Host) -> None:
    with node_3.undone():
        done = as_user(shell, "alice", "inject", "terminate", "memcached", "--on", node_3.fqdn)
        assert done.status == 0, done.err
        refused = as_user(shell, "bob", "inject", "kill", "memcached", "--on", "node-1.domain.tld")
        assert refused.status == 2, refused.err
        assert as_user(shell, "bob", "heal").status == 0


def test_the_node_itself_refuses_a_controller_that_has_not_heard_of_it(
    shell: Shell, cloud: Cloud, node_2: Host, node_3: Host
) -> None:
    cloud.get_nodes()
    memcacheds = cloud.get_service("memcached")
    with node_2.undone(within=40), node_3.undone():
        done = as_user(shell, "alice", "inject", "freeze", "memcached", "--on", node_2.fqdn, "--seconds", "20")
        assert done.status == 0, done.err
        there = cloud.get_nodes([node_2.fqdn])
        pids = memcached(node_2).processes()
        for verb in ("kill", "terminate", "unplug", "limit_cpu"):
            result = memcacheds.action(verb, there)
            host = cloud.perform(result, check=False)[node_2.fqdn]
            assert not host.ok
            assert "alice@" in host.message, host.message
        host = there.reboot(check=False)[node_2.fqdn]
        assert "alice@" in host.message, host.message
        assert memcached(node_2).processes() == pids
        assert len(node_2.records()) == 1
        cloud.refresh()
        with pytest.raises(GuardRailError, match="alice@"):
            memcacheds.unplug(cloud.get_nodes([node_3.fqdn]))
        cloud.heal()


def test_a_plan_touches_nothing_and_names_the_fault_that_it_would_meet(shell: Shell, node_2: Host) -> None:
    with node_2.undone():
        done = as_user(shell, "alice", "inject", "freeze", "memcached", "--on", node_2.fqdn, "--seconds", "60")
        assert done.status == 0, done.err
        before = node_2.fingerprint()
        words = ("plan", "inject", "limit_cpu", "memcached", "--on", node_2.fqdn, "--heal-after", "50")
        told = as_user(shell, "bob", "--output", "json", *words)
        assert told.status == 2, told.err
        (plan,) = told.json["plan"]
        assert (plan["nodes"], plan["undone_by"], plan["seconds"]) == ([node_2.fqdn], "unlimit_cpu", 50)
        (met,) = plan["conflicts"]
        assert (met["fault"], met["subject"], met["node"]) == ("freeze", "memcached", node_2.fqdn)
        assert met["by"].startswith("alice@")
        assert "alice@" in plan["refused"][0]
        assert as_user(shell, "alice", *words).status == 0, "who holds the cloud would not be refused"
        assert node_2.fingerprint() == before
        assert as_user(shell, "bob", "heal").status == 0


def test_a_whole_cloud_needs_a_yes(shell: Shell, every_node: list[Host]) -> None:
    before = [memcached(host).processes() for host in every_node]
    done = shell.os_faults("inject", "restart", "memcached")
    assert done.status == 2, done.err
    assert "--yes" in done.err
    assert [memcached(host).processes() for host in every_node] == before
    done = shell.os_faults("inject", "restart", "memcached", "--yes")
    assert done.status == 0, done.err
    assert all(memcached(host).processes() != old for host, old in zip(every_node, before, strict=True))

"""The playbooks without os_faults: a person, an inventory and ansible-playbook."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hostlab.command import Done, Shell
from hostlab.observer import Host
from hostlab.subject import issues_token, keystone, memcached
from hostlab.waiting import wait_for

from os_faults import ArgumentError
from os_faults.actions import contracts


@pytest.fixture(scope="module")
def shell(base_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A directory with a configuration file, and the inventory that the command line makes of it."""
    directory = tmp_path_factory.mktemp("bare")
    (directory / "os-faults.json").write_text(json.dumps(base_config), encoding="utf-8")
    shell = Shell(directory)
    printed = shell.os_faults("inventory")
    assert printed.status == 0, printed.err
    (directory / "inventory.json").write_text(printed.out, encoding="utf-8")
    return shell


@pytest.fixture(scope="module")
def playbooks(shell: Shell) -> Path:
    return Path(shell.os_faults("playbooks", "--path").out.strip())


def play(shell: Shell, inventory: str, playbook: Path, *words: str) -> Done:
    limit = [] if "-l" in words else ["-l", "all"]
    return shell.run("ansible-playbook", "-i", inventory, *limit, *words, str(playbook))


def test_restart_keystone(shell: Shell, playbooks: Path, node_1: Host) -> None:
    subject = keystone(node_1)
    old = subject.processes()
    words = ["-e", "service=keystone", "-e", "service_action=restart", "-l", "service_keystone"]
    with node_1.undone():
        done = play(shell, "inventory.json", playbooks / "service_state.yml", *words)
        assert done.status == 0, done.out
        assert not old & subject.processes()
        wait_for(lambda: issues_token(node_1), "keystone issues a token", 60)
    assert "WARNING" not in done.out + done.err


def test_freeze_and_heal_with_an_executable_inventory(shell: Shell, playbooks: Path, node_3: Host) -> None:
    script = shell.directory / "inventory.sh"
    script.write_text('#!/bin/sh\nexec os-faults inventory "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    subject = memcached(node_3)
    with node_3.undone():
        words = ["-l", "node-3.domain.tld", "-e", "service=memcached", "-e", "service_action=freeze"]
        done = play(shell, "inventory.sh", playbooks / "service_freeze.yml", *words)
        assert done.status == 0, done.out
        assert subject.frozen()
        done = play(shell, "inventory.sh", playbooks / "heal.yml", "-l", "node-3.domain.tld")
        assert done.status == 0, done.out
        assert subject.answers()


def test_a_freeze_at_a_start_time(shell: Shell, playbooks: Path, node_2: Host, node_3: Host) -> None:
    with node_2.undone(), node_3.undone():
        words = ["-l", "node-2.domain.tld,node-3.domain.tld", "-e", "service=memcached", "-e", "service_action=freeze"]
        begin = time.time()
        done = play(
            shell, "inventory.json", playbooks / "service_freeze.yml", *words, "-e", "at=12", "-e", "seconds=60"
        )
        assert done.status == 0, done.out
        assert time.time() > begin + 12
        assert memcached(node_2).frozen()
        assert memcached(node_3).frozen()
        assert "WARNING" not in done.out + done.err
        done = play(shell, "inventory.json", playbooks / "heal.yml", "-l", "node-2.domain.tld,node-3.domain.tld")
        assert done.status == 0, done.out


def test_an_inventory_written_by_hand(shell: Shell, playbooks: Path, node_2: Host, node_3: Host) -> None:
    ssh = f"-o UserKnownHostsFile={node_3.lab.known_hosts} -o StrictHostKeyChecking=yes"
    (shell.directory / "hosts.ini").write_text(
        f"one ansible_host={node_3.address} ansible_user=root\n"
        f"two ansible_host={node_2.address} ansible_user=stack ansible_become=true\n"
        "[all:vars]\n"
        f"ansible_ssh_private_key_file={node_3.lab.key}\n"
        f'ansible_ssh_common_args="{ssh}"\n',
        encoding="utf-8",
    )
    subjects = [memcached(node_2), memcached(node_3)]
    with node_2.undone(), node_3.undone():
        words = ["-e", "service=memcached", "-e", "heal_after=60"]
        done = play(shell, "hosts.ini", playbooks / "service_port.yml", *words, "-e", "service_action=unplug")
        assert done.status == 0, done.out
        assert [subject.answering() for subject in subjects] == [set(), set()]
        done = play(shell, "hosts.ini", playbooks / "service_port.yml", *words, "-e", "service_action=plug")
        assert done.status == 0, done.out
        assert [subject.answering() for subject in subjects] == [subject.everywhere for subject in subjects]
        # Without names for networks, an interface is named by itself.
        words = ["-l", "one", "-e", "network_name=stor0", "-e", "heal_after=60"]
        for action, state in (("disable_network", "DOWN"), ("enable_network", "UP")):
            done = play(shell, "hosts.ini", playbooks / "node_network.yml", *words, "-e", f"node_action={action}")
            assert done.status == 0, done.out
            assert node_3.sh("cat /sys/class/net/stor0/operstate").upper() == state


@pytest.mark.parametrize(
    ("playbook", "arguments"),
    [
        ("service_state.yml", {"service": "keystone", "service_action": "restrat"}),
        ("service_state.yml", {"service_action": "restart"}),
        ("service_state.yml", {"service": "keystone", "service_action": "restart", "service_timeout": "soon"}),
        ("service_freeze.yml", {"service": "keystone"}),
        ("node_stress.yml", {"node_action": "stress", "target": "gpu"}),
        ("node_reboot.yml", {"node_action": "reboot", "wait": "perhaps"}),
    ],
)
def test_bad_arguments_are_refused_in_the_same_words(
    shell: Shell, playbooks: Path, node_1: Host, playbook: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(ArgumentError) as refusal:
        contracts()[playbook].check(arguments)
    old = keystone(node_1).processes()
    words = [word for name, value in arguments.items() for word in ("-e", f"{name}={value}")]
    done = play(shell, "inventory.json", playbooks / playbook, *words)
    assert done.status == 2
    said = re.sub(r"\s+", " ", done.out.replace('\\"', '"').replace("\\\\", "\\"))
    assert str(refusal.value) in said
    assert len(re.findall(r"fatal: \[", said)) == 1, "refused once, not once per node"
    assert keystone(node_1).processes() == old


def test_unknown_service_is_refused(shell: Shell, playbooks: Path) -> None:
    words = ["-e", "service=keystne", "-e", "service_action=restart"]
    done = play(shell, "inventory.json", playbooks / "service_state.yml", *words)
    assert done.status == 2
    assert "service 'keystne' is not known" in done.out
    assert "keystone" in done.out


def test_service_that_is_not_on_the_host(shell: Shell, playbooks: Path, node_3: Host) -> None:
    words = ["-l", node_3.fqdn, "-e", "service=keystone", "-e", "service_action=restart"]
    done = play(shell, "inventory.json", playbooks / "service_state.yml", *words)
    assert done.status == 2
    assert "no unit of service 'keystone' on this host" in done.out


def test_check_mode_changes_nothing(shell: Shell, playbooks: Path, node_3: Host) -> None:
    subject = memcached(node_3)
    old = subject.processes()
    with node_3.undone():
        for playbook, words in (
            ("service_state.yml", ["service=memcached", "service_action=kill"]),
            ("service_freeze.yml", ["service=memcached", "service_action=freeze"]),
            ("service_port.yml", ["service=memcached", "service_action=unplug"]),
            ("node_network.yml", ["node_action=disable_network", "network_name=management"]),
            ("node_reboot.yml", ["node_action=reboot"]),
            ("node_oom.yml", ["node_action=oom"]),
            ("node_stress.yml", ["node_action=stress", "target=cpu"]),
        ):
            extra = [part for word in words for part in ("-e", word)]
            done = play(shell, "inventory.json", playbooks / playbook, "--check", "-l", node_3.fqdn, *extra)
            assert done.status == 0, done.out
            assert re.search(r"changed=[1-9]", done.out), f"{playbook} does not tell what it would change: {done.out}"
        assert subject.processes() == old
        assert subject.answers()

"""ssh itself reads our options as they are meant (``ssh -G`` connects to nobody)."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from os_faults.ansible.inventory import inventory
from os_faults.config import SshConfig, auth_of
from os_faults.model import Node


def understood(login: dict[str, Any], ssh: SshConfig) -> dict[str, str]:
    """Return the options that ssh takes from the inventory's arguments."""
    node = Node("node-1", "10.0.0.2", auth=auth_of(login))
    arguments = inventory([node], ssh=ssh)["all"]["hosts"]["node-1"]["ansible_ssh_common_args"]
    return asked([*shlex.split(arguments), "-p", "2022", "10.0.0.2"])


def asked(arguments: list[str]) -> dict[str, str]:
    command = ["ssh", "-F", "none", "-G", *arguments]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return dict(line.split(" ", 1) for line in said.splitlines() if " " in line)


@pytest.mark.parametrize(("policy", "word"), [("accept-new", "accept-new"), ("strict", "true"), ("off", "false")])
def test_host_keys(policy: Any, word: str) -> None:
    options = understood({}, SshConfig(policy, known_hosts="/etc/my hosts/known"))
    assert options["stricthostkeychecking"] == word
    assert options["userknownhostsfile"].strip('"') == ("/dev/null" if policy == "off" else "/etc/my hosts/known")


def test_jump(tmp_path: Path) -> None:
    key = tmp_path / "my key"
    key.touch()
    jump = {"host": "gateway", "username": "op", "private_key_file": str(key), "port": 2200}
    options = understood({"jump": jump}, SshConfig(known_hosts="/etc/my hosts", connect_timeout=7))
    inner = shlex.split(options["proxycommand"])
    assert inner[:3] == ["ssh", "-W", "[%h]:%p"]
    at_jump = asked(inner[3:])
    assert at_jump["hostname"] == "gateway"
    assert at_jump["user"] == "op"
    assert at_jump["port"] == "2200"
    assert at_jump["identityfile"] == str(key)
    assert at_jump["connecttimeout"] == "7"
    assert at_jump["stricthostkeychecking"] == "accept-new"
    assert at_jump["userknownhostsfile"].strip('"') == "/etc/my hosts"

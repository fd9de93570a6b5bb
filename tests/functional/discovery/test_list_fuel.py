"""list_fuel.yml: what a Fuel master has of Fuel's two commands is asked, by a shell alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from os_faults.drivers.cloud.fuel import FuelCloud
from os_faults.model import HostResult, Status

pytestmark = pytest.mark.functional

NODES = [
    {"id": 1, "fqdn": "node-1.domain.tld", "ip": "10.20.0.3", "roles": ["controller"], "cluster": 1},
    {"id": 2, "fqdn": "node-2.domain.tld", "ip": "10.20.0.4", "roles": ["compute"], "cluster": 1},
]


@pytest.fixture
def names(play, tmp_path: Path):
    """Return the names and roles of the nodes that a master with some commands, name → shell script, tells."""
    directory = tmp_path / "commands"
    directory.mkdir()

    def names(**commands: str):
        for name, script in commands.items():
            (directory / name).write_text(f"#!/bin/sh\n{script}\n")
            (directory / name).chmod(0o755)
        done = play("list_fuel.yml", commands=directory)
        if done.failures:
            return done.failures
        result = done.results("ansible.builtin.raw")["here"]
        assert not result["changed"]
        nodes = FuelCloud({"address": "x"}).listed(HostResult("x", Status.OK, stdout=result["stdout"]))
        return {node.fqdn: node.roles for node in nodes}

    return names


ROLES = {"node-1.domain.tld": ("controller",), "node-2.domain.tld": ("compute",)}


@pytest.mark.each_line
def test_fuel(names):
    assert names(fuel=f"test \"$*\" = 'node --json' && echo '{json.dumps(NODES)}'") == ROLES


SHOW = f"""
case "$*" in
  "node list -f value -c id") echo 1; echo 2;;
  "node show -f json 1") echo '{json.dumps(NODES[0])}';;
  "node show -f json 2") echo '{json.dumps(NODES[1])}';;
  *) exit 2;;
esac
"""


def test_fuel2_alone(names):
    assert names(fuel2=SHOW) == ROLES


def test_fuel2_where_fuel_prints_no_json(names):
    assert names(fuel="echo 'Object of type map is not JSON serializable' >&2; exit 1", fuel2=SHOW) == ROLES


def test_a_host_that_is_no_master(names):
    (message,) = names().values()
    assert "non-zero return code" in message

"""Hosts among thirty that answer ssh and are useless all the same: one hangs, one never stops talking, one lies."""

from __future__ import annotations

import copy
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hostlab.observer import Host
from hostlab.wide import MANY, Wide

from os_faults import Cloud, PartlyDone, connect, resources
from os_faults.faults.listing import faults_of

LIMIT = 45
"""Seconds that a host has for what only reads; the playbooks have the number."""

#: What stands for Python on the hosts: Ansible sends the module to its standard input.
HUNG = "#!/bin/sh\nexec sleep 600\n"
ENDLESS = '#!/bin/sh\nexec yes \'{"changed": false, "holds": [\'\n'
LYING = """#!/usr/bin/python3
import subprocess, sys
source = sys.stdin.buffer.read()
answer = subprocess.run(["/usr/bin/python3"], input=source, stdout=subprocess.PIPE).stdout
print(answer.decode().replace('"holds": [', '"holds": [7, '))
"""


class Useless:
    """Three of the thirty hosts.

    Args:
        wide: all of them.
    """

    def __init__(self, wide: Wide) -> None:
        self.wide = wide
        programs = {"hung": HUNG, "endless": ENDLESS, "lying": LYING}
        self.hosts = {name: Host(wide.lab, wide.hosts[number]["name"]) for number, name in enumerate(programs, 3)}
        for name, host in self.hosts.items():
            host.sh(f"cat >/usr/local/bin/no-python <<'E'\n{programs[name]}E\nchmod +x /usr/local/bin/no-python")

    @property
    def names(self) -> set[str]:
        return {host.fqdn for host in self.hosts.values()}

    def config(self, base: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration in which their Python is that program."""
        config = copy.deepcopy(self.wide.config(base))
        for node in config["node_discover"]["args"]:
            if node["fqdn"] in self.names:
                node["auth"] = {**node["auth"], "python_interpreter": "/usr/local/bin/no-python"}
        return config


@pytest.fixture(scope="module")
def useless(wide: Wide) -> Useless:
    return Useless(wide)


@pytest.fixture(scope="module")
def cloud(useless: Useless, base_config: dict[str, Any]) -> Iterator[Cloud]:
    with connect(useless.config(base_config)) as cloud:
        yield cloud


def test_the_others_are_discovered_listed_acted_on_and_healed(
    wide: Wide, useless: Useless, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = time.monotonic()
    known = {node.fqdn: node for node in cloud.known_nodes()}
    assert time.monotonic() - begin < LIMIT + 30
    assert {name for name, node in known.items() if node.last_seen} == useless.names - {useless.hosts["lying"].fqdn}
    assert set(cloud.unreachable) == useless.names - {useless.hosts["lying"].fqdn}

    good = cloud.get_nodes([name for name in known if name not in useless.names])
    assert len(good) == MANY - 3
    service = cloud.get_service("memcached")
    before = wide.processes()
    service.freeze(good)
    assert {name for name, process in wide.processes().items() if process is None} == set(good.get_fqdns())

    begin = time.monotonic()
    with pytest.raises(PartlyDone) as refused:
        cloud.faults()
    assert time.monotonic() - begin < LIMIT + 30
    result = refused.value.result
    assert {fault.node for fault in faults_of(result)} == set(good.get_fqdns())
    assert {host.node for host in result.failures} == useless.names
    assert all(name in str(refused.value) for name in useless.names)
    assert result.cost.memory_mb < 1500, "an answer without an end fills no memory of the controller"

    with monkeypatch.context() as patch:  # healing may take 300 s, which is long for a test
        playbooks = shutil.copytree(resources.playbooks_dir(), tmp_path / "playbooks")
        healing = playbooks / "heal.yml"
        healing.write_text(healing.read_text().replace("timeout: 300", "timeout: 15"))
        patch.setattr(resources, "playbooks_dir", lambda: playbooks)
        begin = time.monotonic()
        healed = cloud.heal(check=False)
    assert time.monotonic() - begin < 60
    assert {host.node for host in healed.failures} == useless.names - {useless.hosts["lying"].fqdn}
    assert wide.processes() == before

    cloud.close()
    addresses = {host.address for host in useless.hosts.values()}
    assert not [words for words in clients() if addresses & set(words)], "ssh clients of the hosts that hang"


def clients() -> Iterator[list[str]]:
    """Yield the command lines of the ssh clients of this machine."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if words[0].rpartition("/")[2] == "ssh":
                yield words

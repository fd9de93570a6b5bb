"""The controller's journal: a real host is powered off by one process and given back by another.

The host is a real sshd, which a real BMC starts and ends; os_faults acts as a command, in processes of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.powered_host import NEEDS_POWERED_HOST, Host, powered_hosts

OS_FAULTS = str(Path(sys.executable).with_name("os-faults"))

pytestmark = [pytest.mark.functional, NEEDS_POWERED_HOST]


class Controller:
    """Calls ``os-faults`` in front of one host.

    Attributes:
        host: the host and its BMC.
        name: the host's name, as it tells it itself.
    """

    def __init__(self, folder: Path, host: Host) -> None:
        self.host = host
        self._folder = folder
        self._config = {
            "cloud_management": {
                "driver": "universal",
                "nodes": ["127.0.0.1"],
                "username": "root",
                "private_key_file": str(folder / "key"),
                "port": host.port,
                "python_interpreter": sys.executable,
            },
            "ssh": {"host_key_policy": "off", "connect_timeout": 3},
            "artifacts_dir": str(folder / "runs"),
        }
        self._write()
        (node,) = self.json("nodes")["nodes"]
        self.name = str(node["fqdn"])
        self._config["power_management"] = {"driver": "ipmi", "fqdn_to_bmc": {self.name: host.bmc.login()}}
        self._write()

    def _write(self) -> None:
        (self._folder / "os-faults.json").write_text(json.dumps(self._config))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start ``os-faults WORDS`` in a process of its own."""
        return subprocess.Popen(
            [OS_FAULTS, "-c", str(self._folder / "os-faults.json"), *words],
            env={**os.environ, "XDG_STATE_HOME": str(self._folder / "state")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        process = self.start(*words)
        told, complained = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, told, complained)

    def json(self, *words: str) -> dict[str, Any]:
        """Run it, and return what it tells to programs."""
        found: dict[str, Any] = json.loads(self("--output", "json", *words).stdout)
        return found

    def faults(self) -> list[str]:
        """Return the ids of the faults that a new process knows."""
        return [fault["id"] for fault in self.json("faults")["faults"]]


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    folder = tmp_path_factory.mktemp("controller")
    with powered_hosts(folder) as start:
        yield Controller(folder, start())


@pytest.fixture(autouse=True)
def _on(controller: Controller) -> None:
    """Let every test begin with a host that is on, and that nobody has asked for anything."""
    if controller.host.bmc.power == "off":
        controller.host.bmc.power = "on"
        controller.host.do("power", 1)
    (controller.host.bmc.folder / "asked").unlink(missing_ok=True)


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.each_line
def test_another_process_lists_it_and_gives_it_back(controller: Controller) -> None:
    host, before = controller.host, controller.host.boot_id
    assert controller("inject", "poweroff").returncode == 0
    assert host.bmc.power == "off"
    (fault,) = controller.json("faults")["faults"]
    assert (fault["node"], fault["fault"], fault["state"]) == (controller.name, "poweroff", "held")
    healed = controller("heal")
    assert healed.returncode == 0, healed.stderr
    assert f"took back poweroff-{controller.name}" in healed.stdout
    assert host.bmc.power == "on"
    assert host.boot_id != before, "it has booted, and answers"
    assert controller.faults() == []


def test_a_controller_that_is_killed_in_the_middle_has_said_what_it_was_at(controller: Controller) -> None:
    process = controller.start("inject", "poweroff")
    eventually(lambda: controller.host.bmc.power == "off")
    process.kill()
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL
    assert controller.faults() == [f"poweroff-{controller.name}"]
    assert controller("heal").returncode == 0
    assert controller.host.bmc.power == "on"
    assert controller.faults() == []


def test_ctrl_c_gives_the_power_back(controller: Controller) -> None:
    process = controller.start("inject", "poweroff")
    eventually(lambda: controller.host.bmc.power == "off")
    process.send_signal(signal.SIGINT)
    _, complained = process.communicate(timeout=120)
    assert process.returncode == 130, complained
    assert controller.host.bmc.power == "on"
    assert "power 1" in controller.host.bmc.asked
    assert controller.faults() == []


def test_a_node_that_was_off_before_stays_off(controller: Controller) -> None:
    controller.host.bmc.power = "off"
    controller.host.do("power", 0)
    assert controller("inject", "poweroff", "--on", controller.name).returncode == 0
    assert controller("faults").returncode == 3, "it can't be reached, and nobody knows why"
    assert controller("heal").returncode == 3
    assert controller.host.bmc.power == "off"
    assert "power 1" not in controller.host.bmc.asked

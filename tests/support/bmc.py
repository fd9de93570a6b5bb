"""A BMC that speaks IPMI: `ipmi_sim` of Debian's package openipmi, and a machine that is a file."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.programs import needs

NEEDS_IPMI_SIM = needs("ipmi_sim")

PASSWORD = "canary{{7*7}}"
LAN = """\
name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
    {more}
  endlan
  chassis_control "/bin/sh {folder}/chassis {folder}"
  user 1 true  ""        "test"       user     10 none md2 md5 straight
  user 2 true  "admin"   "{password}" admin    10 none md2 md5 straight
  user 3 true  "careful" "{password}" operator 10 none md2 md5 straight
"""
EMULATION = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
"""
CHASSIS = """\
# What the BMC does to its machine, which is a file: power is 1 or 0. Beside it there may be a script, `machine`.
cd "$1" || exit 1
shift
be() { echo "$1" >power.new && mv power.new power; }
while [ $# -gt 0 ] && [ "$1" != get ] && [ "$1" != set ] && [ "$1" != check ]; do shift; done
case $1 in
get) echo "power:$(cat power)" ;;
set)
    echo "$2 $3" >>asked
    case $2 in
    power) [ -e stuck ] || be "$3" ;;
    shutdown) [ -e deaf ] || be 0 ;;
    esac
    [ ! -e machine ] || sh machine "$2" "$3" >>log 2>&1
    ;;
esac
"""
PING = bytes.fromhex("0600ff06000011be80000000")
"""Asks whatever listens whether it is a BMC."""


class Bmc:
    """A BMC and its machine."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        (folder / "state").mkdir(parents=True)
        lan = LAN.format(port=self.port, folder=folder, more=more, password=PASSWORD)
        for name, text in {"lan.conf": lan, "sim.emu": EMULATION, "chassis": CHASSIS}.items():
            (folder / name).write_text(text)
        self.power = "on"
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                ["ipmi_sim", "-n", "-d", "-c", "lan.conf", "-f", "sim.emu", "-s", "state"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def power(self) -> str:
        return {"0": "off", "1": "on"}[(self.folder / "power").read_text().strip()]

    @power.setter
    def power(self, power: str) -> None:
        fresh = self.folder / "power.set"
        fresh.write_text({"off": "0\n", "on": "1\n"}[power])
        fresh.replace(self.folder / "power")  # whoever reads it meanwhile finds the old or the new, never half of it

    @property
    def asked(self) -> list[str]:
        """What the machine was asked for, oldest first."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def wait(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.settimeout(0.2)
            probe.connect(("127.0.0.1", self.port))
            for _ in range(50):
                try:
                    probe.send(PING)
                    probe.recv(64)
                except OSError:
                    time.sleep(0.1)
                else:
                    return
        raise AssertionError((self.folder / "log").read_text())

    def login(self, **others: Any) -> dict[str, Any]:
        return {"address": "127.0.0.1", "port": self.port, "username": "admin", "password": PASSWORD, **others}


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def starter(folder: Path) -> Iterator[Callable[..., list[Bmc]]]:
    """Give a function that starts BMCs, whose files are below ``folder``; all end with the context."""
    started: list[Bmc] = []

    def start(count: int, more: str = "") -> list[Bmc]:
        new = [Bmc(folder / f"bmc-{len(started) + number}", more) for number in range(count)]
        started.extend(new)
        for bmc in new:
            bmc.wait()
        return new

    try:
        yield start
    finally:
        for bmc in started:
            bmc.process.kill()
            bmc.process.wait()

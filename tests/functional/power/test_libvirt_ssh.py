"""Power of a domain on another host: a real libvirtd behind a real sshd, in namespaces of their own (needs root)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.os_faults.power import again, libvirt
from support.libvirt_domains import NEEDS_LIBVIRT
from support.programs import PATH, free_port, needs, ssh_keys

from os_faults import AnsibleExecutionException, Node, NodeCollection, connect

pytestmark = [
    pytest.mark.functional,
    NEEDS_LIBVIRT,
    needs("libvirtd", "virt-ssh-helper", "sshd", "ssh-keygen", "unshare", root=True),
]

# The daemon forgets the domains of its test driver with the last connection, so the observer keeps one open.
HYPERVISOR = """\
set -e
for folder in /run /var/log /etc/libvirt /var/lib/libvirt /var/cache/libvirt; do
    if [ -d "$folder" ]; then mount -t tmpfs none "$folder"; fi
done
mkdir -p /run/sshd /run/libvirt /run/drivers
for file in passwd group; do
    cp /etc/$file /run/$file
    mount --bind /run/$file /etc/$file
done
echo libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin >>/etc/passwd  # another package makes this user
echo libvirt-qemu:x:64055: >>/etc/group
ln -s /usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so /run/drivers  # the others look at the machine
export LIBVIRT_DRIVER_DIR=/run/drivers LIBVIRT_LOG_OUTPUTS=3:stderr
while :; do libvirtd --pid-file /run/daemon || continue; done </dev/null &
"$(command -v sshd)" -f /dev/null -h "$1/host" -p "$2" -o ListenAddress=127.0.0.1 -o AuthorizedKeysFile="$1/key.pub" \
    -o StrictModes=no -o PermitRootLogin=prohibit-password -o UsePAM=no -o PidFile=none
for _ in $(seq 100); do
    [ -S /run/libvirt/libvirt-sock ] && break
    sleep 0.1
done
exec "$3" "$1/observer.py"
"""
OBSERVER = """\
import time, libvirt

def tell(_connection, _domain, event, detail, _opaque):
    print("event", event, detail, flush=True)

def observe():
    connection = libvirt.open("test+unix:///default")
    domain, seen = connection.lookupByName("test"), None
    connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, tell, None)
    while True:
        ticks = len(clock)
        while len(clock) == ticks:  # what the daemon answers is an event too
            libvirt.virEventRunDefaultImpl()
        now = {"state": domain.state(), "snapshots": sorted(domain.snapshotListNames())}
        if now != seen:
            print(*("%s %s\\n" % (name, " ".join(map(str, value))) for name, value in now.items()), sep="", flush=True)
        seen = now

clock = []
libvirt.virEventRegisterDefaultImpl()
libvirt.virEventAddTimeout(100, lambda _timer, _opaque: clock.append(True), None)
while True:
    try:
        observe()
    except libvirt.libvirtError:
        time.sleep(0.05)  # the daemon starts again
"""
MAC = "AA:bb:cc:dd:ee:ff"
"""Of the one domain that libvirt's test driver has."""


class Hypervisor:
    """What there is to know of the other host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        ssh_keys(folder)
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {(folder / 'host.pub').read_text()}")
        (folder / "observer.py").write_text(OBSERVER)
        (folder / "hypervisor.sh").write_text(HYPERVISOR)
        words = ["sh", str(folder / "hypervisor.sh"), str(folder), str(self.port), sys.executable]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", *words],
                env={"PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def _lines(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()

    @property
    def states(self) -> list[str]:
        """The states of the domain, one after another, as an observer beside the daemon has seen them."""
        return [line for line in self._lines if line.startswith("state ")]

    @property
    def events(self) -> list[str]:
        """What happened to the domain, as libvirt calls it."""
        return [line for line in self._lines if line.startswith("event ")]

    @property
    def inside(self) -> int:
        """The number of the first process in its namespaces."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())

    def kill_daemon(self) -> None:
        """End libvirtd at once; it is started again, and has forgotten all."""
        kill = ["sh", "-c", "kill -KILL $(cat /run/daemon)"]
        subprocess.run(["nsenter", "--target", str(self.inside), "--mount", "--pid", *kill], check=True)

    def saw(self, line: str) -> bool:
        """Return whether the observer says so now, or within two seconds: ``state 1 5``, ``snapshots first second``."""
        kind = line.partition(" ")[0]
        for _ in range(20):
            if [each for each in self._lines if each.startswith(f"{kind} ")][-1] == line:
                return True
            time.sleep(0.1)
        return False

    def wait(self) -> None:
        for _ in range(200):
            if self.states:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def config(self, **others: Any) -> dict[str, Any]:
        power = {"driver": "libvirt", "private_key_file": str(self.folder / "key")}
        return {
            "cloud_management": {"driver": "universal", "nodes": ["192.0.2.1"], "username": "stack"},
            "power_management": {**power, "connection_uri": f"test+ssh://root@127.0.0.1:{self.port}/default"},
            "ssh": {"host_key_policy": "strict", "known_hosts": str(self.folder / "known_hosts")},
            "artifacts_dir": str(self.folder / "runs"),
            **others,
        }


@pytest.fixture(scope="module")
def hypervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hypervisor]:
    host = Hypervisor(tmp_path_factory.mktemp("hypervisor"))
    try:
        host.wait()
        yield host
    finally:
        host.process.kill()  # and with it, everything in its namespace
        host.process.wait()


@pytest.fixture(autouse=True)
def _state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def node(cloud: Any, mac: str = MAC) -> NodeCollection:
    """A node that can't be logged in to, as one that is off."""
    return NodeCollection([Node("one.local", "192.0.2.1", mac)], cloud)


SUSPENDED, RESUMED = "event 3 0", "event 4 0"


def test_a_snapshot_and_the_way_back(hypervisor: Hypervisor) -> None:
    with connect(hypervisor.config()) as cloud:
        one = node(cloud)
        done = len(hypervisor.events)
        one.snapshot("still")
        assert hypervisor.saw("state 1 5"), "running, because it was unpaused"
        assert hypervisor.events[done:] == [SUSPENDED, RESUMED]
        one.snapshot("live", suspend=False)
        assert hypervisor.events[done:] == [SUSPENDED, RESUMED], "it ran all the time"
        assert hypervisor.saw("snapshots live still")
        one.revert("still", resume=False)
        assert hypervisor.saw("state 3 7"), "paused, from a snapshot"
        one.revert("live")
        assert hypervisor.saw("state 1 4"), "running, from a snapshot"


@pytest.mark.each_line
def test_every_verb_is_seen_on_the_hypervisor(hypervisor: Hypervisor) -> None:
    with connect(hypervisor.config()) as cloud:
        one = node(cloud)
        assert one.reset().changed
        assert one.poweroff()["one.local"].payload["matched_by"] == "mac"
        assert hypervisor.saw("state 5 2"), "off, because it was destroyed"
        assert one.power_state() == {"one.local": "off"}
        one.poweron()
        assert hypervisor.saw("state 1 1"), "running, because it was booted"
        one.shutdown()
        assert hypervisor.saw("state 5 1"), "off, because it was shut down"


def test_the_flat_form_leads_to_qemu_on_that_host(hypervisor: Hypervisor) -> None:
    """This libvirtd has no qemu domain, and says so."""
    flat = {"driver": "libvirt", "address": "127.0.0.1", "username": "root", "port": hypervisor.port}
    config = hypervisor.config(power_management={**flat, "private_key_file": str(hypervisor.folder / "key")})
    with connect(config) as cloud, pytest.raises(AnsibleExecutionException) as caught:
        node(cloud).poweroff()
    uri = f"qemu+ssh://root@127.0.0.1:{hypervisor.port}/system"
    assert f"libvirt at {uri} has no domain with an interface of the MAC address {MAC.lower()}" in str(caught.value)


def test_a_host_key_that_is_not_known_is_refused(hypervisor: Hypervisor) -> None:
    config = hypervisor.config(ssh={"host_key_policy": "strict", "known_hosts": str(hypervisor.folder / "nobody")})
    before = hypervisor.states
    with connect(config) as cloud, pytest.raises(AnsibleExecutionException, match="Host key verification failed"):
        node(cloud).reset()
    assert hypervisor.states == before


def test_a_key_that_is_not_allowed_is_refused(hypervisor: Hypervisor) -> None:
    config = hypervisor.config()
    config["power_management"]["private_key_file"] = str(hypervisor.folder / "host")
    with connect(config) as cloud, pytest.raises(AnsibleExecutionException, match="Permission denied"):
        node(cloud).reset()


def test_a_libvirt_that_starts_again_in_the_middle_of_a_wait(hypervisor: Hypervisor) -> None:
    """It is asked over its own socket, since what is tried is the wait of the module and not the way there."""
    root = f"/proc/{hypervisor.inside}/root/run"
    params = {"uri": f"test+unix:///default?socket={root}/libvirt/libvirt-sock", "domain": "test", "macs": None}
    machine = libvirt.Domain({**params, "ssh_args": [], "timeout": 20, "connect_timeout": 5}, "")
    looks: list[str] = []

    def look() -> bool:
        """Wait for what never comes, and end the daemon after the first look."""
        looks.append(machine.state())
        if len(looks) == 1:
            hypervisor.kill_daemon()
        return len(looks) == 3

    assert again.Asker(20, 5, 1).until(look)
    assert looks[1:] == ["on", "on"]
    machine.close()

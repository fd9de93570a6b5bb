"""Whether a fault is in force is looked at again: what its scripts did is ended by somebody else."""

from __future__ import annotations

import doctest
import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest
from ansible.module_utils.os_faults.hold import force, store
from support.held_service import Service
from support.own_hosts import OwnHost, two_hosts

from os_faults import resources

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]

FILES = resources.playbooks_dir() / "files"


@pytest.mark.parametrize("tested", [force, store])
def test_the_examples_of_the_docstrings(tested):
    assert doctest.testmod(tested).failed == 0


@dataclass(frozen=True)
class Fault:
    """A fault as its scripts make it, and how somebody else may end what it did."""

    inject: str
    look: str
    undo: str
    ended_by: str
    targets: str = ""
    files: dict[str, str] = field(default_factory=dict)


def cut(ended_by: str) -> Fault:
    rules = "in drop - tcp - 5000 -\nout drop - tcp - 5000 -\n"
    return Fault("cut.sh", "cut.sh look", "uncut.sh", ended_by, files={"rules": rules})


def filled(ended_by: str) -> Fault:
    targets = f"python={shutil.which('python3')}\n"
    return Fault(
        "fill_disk.sh", "fill_disk.sh look", "load.sh stop", ended_by, targets, {"path": "DISK", "free": "65536"}
    )


SKEWED = "read -r up _ </proc/uptime; echo $(($(date +%s) * 100 - ${up%.*}${up#*.} - 30000)) >epoch"
NOT_SKEWED = SKEWED.replace(" - 30000", "")
FAULTS = {
    "all rules flushed": cut("nft flush ruleset"),
    "our rules flushed": cut("nft flush table inet osf_hold"),
    "one chain flushed": cut("nft flush chain inet osf_hold arriving"),
    "link set up": Fault("net_down.sh", "net_down.sh look", "net_up.sh", "ip link set v0 up", "interface=v0\n"),
    "discipline deleted": Fault(
        "shape.sh begin",
        "shape.sh look",
        "shape.sh end",
        "tc qdisc del dev v0 root",
        "interface=v0\n",
        {"part": "rate 2Mbit\n"},
    ),
    "unmounted": Fault("read_only.sh", "read_only.sh look", "read_write.sh", "umount DISK", files={"path": "DISK"}),
    "made writable": Fault(
        "read_only.sh", "read_only.sh look", "read_write.sh", "mount -o remount,bind,rw DISK", files={"path": "DISK"}
    ),
    "load killed": filled("read -r pid _ <load.pid; kill $pid; sleep 0.2"),
    "room made": filled("mount -o remount,size=160M DISK"),
    # Nobody may set this machine's clock, so it is told that the clock was another one before.
    "clock set back": Fault(
        "true.sh", "clock.sh look", "true.sh", NOT_SKEWED, files={"offset": "300", "true.sh": SKEWED}
    ),
}


@pytest.fixture(scope="module")
def host() -> Iterator[OwnHost]:
    with two_hosts() as hosts:
        if hosts is None:
            pytest.skip("this user can't have a network of its own")
        yield hosts[0]


@pytest.mark.case("f08", "f32")
@pytest.mark.parametrize("name", FAULTS)
def test_what_somebody_else_ends_is_not_in_force(name, host, tmp_path):
    fault = FAULTS[name]
    hold = tmp_path / "hold"
    disk = tmp_path / "disk"
    hold.mkdir()
    disk.mkdir()
    for script in FILES.glob("*/*.*"):
        shutil.copy(script, hold)
    for file, text in {"targets": fault.targets, **fault.files}.items():
        (hold / file).write_text(text.replace("DISK", str(disk)))

    def look() -> int:
        return int(host.sh(f"sh {fault.look} >/dev/null 2>&1; echo $?", hold))

    host.sh(f"mount -t tmpfs -o size=8M none {disk}")
    host.sh(f"sh {fault.inject}", hold)
    assert look() == 0
    host.sh(fault.ended_by.replace("DISK", str(disk)), hold)
    assert look() == 1
    host.sh(f"sh {fault.undo}; umount -l {disk}", hold)


@pytest.mark.case("f08")
def test_a_tool_that_does_not_answer_tells_nothing(host, tmp_path):
    """As iptables does while somebody else is at the rules."""
    for script in FILES.glob("cut/*.sh"):
        shutil.copy(script, tmp_path)
    (tmp_path / "rules").write_text("in drop - tcp - 5000 -\n")
    host.sh("sh cut.sh && mkdir bin && printf '#!/bin/sh\\nexit 1\\n' >bin/nft && chmod 755 bin/nft", tmp_path)
    assert host.sh("PATH=$PWD/bin:$PATH sh cut.sh look; echo $?", tmp_path) == "2\n"
    assert host.sh("sh cut.sh look; echo $?; sh uncut.sh", tmp_path) == "0\n"


#: A tool as it is in a hold where SELinux is enforcing: the policy of Fedora and the RHEL family gives nft and tc
#: domains of their own, which may use pipes of the hold's, and no file.
CONFINED = """#!/bin/sh
for word; do
    if [ -f "$word" ]; then
        echo "$word: Permission denied" >&2
        exit 1
    fi
done
[ ! -f /proc/self/fd/0 ] || exec </dev/null
[ ! -f /proc/self/fd/1 ] || exec >/dev/null
[ ! -f /proc/self/fd/2 ] || exec 2>/dev/null
{acts}
"""


def confine(hold: Path, tool: str, acts: str) -> None:
    """Make a tool a confined one for the scripts of a hold that have its `bin` in their PATH."""
    for script in FILES.glob("*/*.*"):
        shutil.copy(script, hold)
    (hold / "bin").mkdir()
    (hold / "bin" / tool).write_text(CONFINED.format(acts=acts))
    (hold / "bin" / tool).chmod(0o755)


def test_a_port_is_cut_by_an_nft_that_may_use_no_file_of_the_hold(host, tmp_path):
    confine(tmp_path, "nft", f'exec {shutil.which("nft")} "$@"')
    (tmp_path / "rules").write_text("in drop - tcp - 5000 -\n")
    answer = host.sh("PATH=$PWD/bin:$PATH; sh cut.sh && cat tool && sh cut.sh look; echo $?", tmp_path)
    assert answer.split("\n")[-3:] == ["nft", "0", ""]
    rules = host.sh("nft list table inet $(cat name)", tmp_path)
    assert "tcp dport 5000" in rules
    host.sh("PATH=$PWD/bin:$PATH sh uncut.sh", tmp_path)
    assert not host.sh("nft list tables inet", tmp_path)


def test_a_network_that_the_kernel_can_not_slow_down_is_refused_by_a_tc_that_may_use_no_file_of_the_hold(
    host, tmp_path
):
    real = shutil.which("tc")
    unknown = "echo 'Error: Specified qdisc kind is unknown.' >&2; exit 2"
    confine(tmp_path, "tc", f'case $2 in replace) {unknown} ;; esac; exec {real} "$@"')
    (tmp_path / "targets").write_text("interface=lo\n")
    (tmp_path / "part").write_text("delay 100ms\n")
    answer = host.sh("PATH=$PWD/bin:$PATH sh shape.sh begin 2>&1; echo $?", tmp_path)
    assert answer.endswith("\n3\n")
    assert "no netem" in answer
    assert "kernel-modules-extra" in answer


def test_a_host_without_a_process_to_spare_is_undone_all_the_same(tmp_path, monkeypatch):
    def none_left(*_args: object, **_options: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    (tmp_path / "look.sh").touch()
    monkeypatch.setattr(subprocess, "Popen", none_left)
    assert force.look([store.Hold(str(tmp_path), {"id": "cut"})]) == {"cut": force.Force(None, None)}


@pytest.mark.case("f08")
def test_a_freeze_that_somebody_else_ends_is_told(freeze, listed, play, service):
    since = freeze(seconds=60).result["since"]
    first = listed()
    time.sleep(1.5)
    last = listed()
    assert (first["in_force"], last["in_force"]) == (True, True)
    assert 0 <= first["in_force_seconds"] < last["in_force_seconds"] - 1.4
    assert last["in_force_seconds"] <= time.time() - since + 0.1
    for pid in (service.process.pid, service.child):
        os.kill(pid, signal.SIGCONT)
    seen = listed()
    assert (seen["state"], seen["in_force"]) == ("injected", False)
    healed = play("heal.yml", fault_ids=[service.hold]).result
    seconds = healed["in_force_seconds"][service.hold]
    assert last["in_force_seconds"] - 0.1 < seconds <= time.time() - since + 0.1, "up to the last look that saw it"
    assert seen["in_force_seconds"] == seconds
    told = f"it was not in force any more when it was undone; it was in force for {seconds:.1f} s"
    assert any(told in note for note in healed["notes"])


def test_a_fault_of_an_older_version_has_no_look(tmp_path):
    assert force.look([store.Hold(str(tmp_path), {"id": "old"})]) == {"old": force.Force(None, None)}


class Watch(Thread):
    """Sees from when until when a service is frozen, seconds since the epoch."""

    def __init__(self, service: Service) -> None:
        super().__init__(daemon=True)
        self.service = service
        self.times = []
        self.start()

    def run(self) -> None:
        for states in ("TT", "SS"):
            while self.service.states != states:
                time.sleep(0.005)
            self.times.append(time.time())


@pytest.mark.case("u02")
def test_a_fault_lasts_as_long_as_asked(freeze, service):
    """With a watchdog, or with systemd where there is one; a busy machine gets another chance."""
    for _ in range(3):
        watch = Watch(service)
        answer = freeze(seconds=2).result
        watch.join(30)
        began, ended = watch.times
        assert ended - began > 1.9
        assert answer["until"] == pytest.approx(answer["since"] + 2, abs=0.01)
        if abs(began - answer["since"]) < 0.1 and ended - began < 2.1:
            return
    pytest.fail(f"it began {began - answer['since']:.2f} s after it was said to, and lasted {ended - began:.2f} s")

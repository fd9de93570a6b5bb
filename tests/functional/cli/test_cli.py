"""The command line with real Ansible on this machine: a process service, its faults, and what is printed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

pytestmark = pytest.mark.functional

BIN = Path(sys.executable).parent


class Shell:
    """Runs commands in a directory with a configuration of one service.

    Args:
        directory: where the configuration and the service lie.
        name: the service's name.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self.environ = {name: value for name, value in os.environ.items() if not name.startswith("XDG_RUNTIME")}
        self.environ |= {"XDG_STATE_HOME": str(directory / "state"), "PATH": f"{BIN}:{os.environ['PATH']}"}
        service = {"driver": "process", "pidfile": str(directory / "it.pid"), "start": ["/bin/sleep", "600"]}
        cloud = {
            "driver": "universal",
            "nodes": ["localhost"],
            "connection": "local",
            "python_interpreter": sys.executable,
        }
        (directory / "os-faults.json").write_text(json.dumps({"cloud_management": cloud, "services": {name: service}}))

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *command: str, code: int = 0) -> str:
        """Run a command, check its exit code, and return its output."""
        running = self.start(*command)
        out, err = running.communicate(timeout=120)
        assert running.returncode == code, f"{command}\n{out}\n{err}"
        assert "Traceback" not in err
        return out

    def pid(self) -> int:
        return int((self.directory / "it.pid").read_text())

    def state(self) -> str:
        """Return the state of the service's process: S sleeps, T is frozen, Z has ended."""
        return Path(f"/proc/{self.pid()}/stat").read_text().rpartition(")")[2].split()[0]

    @property
    def hold(self) -> Path:
        """Where a freeze of the service would have its record."""
        root = Path("/run/os-faults" if os.geteuid() == 0 else f"/tmp/os-faults-{os.geteuid()}")
        return root / f"freeze-{self.name}"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path, f"it-{os.getpid()}")
    sleeper = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    (tmp_path / "it.pid").write_text(f"{sleeper.pid}\n")
    yield shell
    if shell.hold.exists():
        shell("os-faults", "heal", "--fault-ids", shell.hold.name)
    sleeper.kill()
    sleeper.wait()
    try:
        os.kill(shell.pid(), signal.SIGKILL)
    except (OSError, ValueError):
        pass


@pytest.mark.each_line
def test_freeze_list_heal(shell: Shell) -> None:
    assert "ends by itself at" in shell("os-faults", "inject", "freeze", shell.name, "--seconds", "300")
    assert shell.state() == "T"
    faults = json.loads(shell("os-faults", "faults", "--output", "json"))["faults"]
    (mine,) = [fault for fault in faults if fault["subject"] == shell.name]
    assert (mine["id"], mine["fault"], mine["state"]) == (f"freeze-{shell.name}", "freeze", "injected")
    assert 0 < mine["ends_in"] <= 300
    assert f"took back freeze-{shell.name}" in shell("os-faults", "heal", "--fault-ids", mine["id"])
    assert shell.state() == "S"


def test_kill_is_seen_and_a_second_kill_is_not_achieved(shell: Shell) -> None:
    assert "nothing starts it again" in shell("os-faults", "inject", "kill", shell.name, "--on", "one")
    assert shell.state() == "Z"
    assert "nothing to kill" in shell("os-faults", "inject", "kill", shell.name, code=1)


def test_a_dry_run_changes_nothing_and_its_line_can_be_pasted(shell: Shell) -> None:
    line = shell("os-faults", "inject", "freeze", shell.name, "--seconds", "300", "--dry-run")
    assert shell.state() == "S"
    assert not shell.hold.exists()
    assert "failed=0" in shell("/bin/sh", "-c", line)
    assert shell.state() == "T"


def test_the_inventory_serves_bare_ansible(shell: Shell) -> None:
    wrapper = shell.directory / "inventory"
    wrapper.write_text('#!/bin/sh\nexec os-faults inventory "$@"\n')
    wrapper.chmod(0o755)
    (shell.directory / "static.json").write_text(shell("os-faults", "inventory"))
    for inventory in (str(wrapper), "static.json"):
        graph = json.loads(shell("ansible-inventory", "-i", inventory, "--list"))
        (host,) = graph["_meta"]["hostvars"]
        assert graph["_meta"]["hostvars"][host]["ansible_connection"] == "local"
        assert shell.name in graph["_meta"]["hostvars"][host]["os_faults_services"]
        assert graph[f"service_{shell.name.replace('-', '_')}"]["hosts"] == [host]
    playbook = f"{shell('os-faults', 'playbooks', '--path').strip()}/service_state.yml"
    words = ["-e", f"service={shell.name}", "-e", "service_action=restart"]
    before = shell.pid()
    assert "failed=0" in shell("ansible-playbook", "-i", str(wrapper), *words, playbook)
    assert shell.pid() != before


def injecting(shell: Shell) -> subprocess.Popen[str]:
    """Start to freeze the service, and return when its host begins to."""
    running = shell.start("os-faults", "inject", "freeze", shell.name, "--seconds", "300")
    eventually(running, shell.hold.exists)
    return running


def eventually(running: subprocess.Popen[str], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Keep a process from doing anything until the end of the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def waits_for_healing(shell: Shell) -> bool:
    """Whether the healing run of an interrupted command goes on."""
    return any((shell.directory / "state" / "os-faults" / "runs").glob("*-heal-*/artifacts/*/job_events/*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_takes_the_fault_back(shell: Shell, number: signal.Signals, code: int) -> None:
    running = injecting(shell)
    running.send_signal(number)
    _out, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert "taking back" in err
    assert not shell.hold.exists()
    assert shell.state() == "S"


def test_a_second_ctrl_c_tells_when_the_node_heals_and_does_not_wait(shell: Shell) -> None:
    """The process that would heal the node hangs, so the command would wait for it for long."""
    running = injecting(shell)
    watchdog = shell.hold / "watchdog.pid"
    eventually(running, lambda: watchdog.exists() and shell.state() == "T")
    with stopped(int(watchdog.read_text())):
        running.send_signal(signal.SIGINT)
        eventually(running, lambda: waits_for_healing(shell))
        running.send_signal(signal.SIGTERM)  # a closing terminal or timeout(1) does not mean to stop the healing
        time.sleep(1)
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _out, err = running.communicate(timeout=30)
        assert running.returncode == 130, err
        (left,) = [line for line in err.splitlines() if f"holds freeze-{shell.name}" in line]
        ends = datetime.fromtimestamp(json.loads((shell.hold / "record.json").read_text())["until"])
        assert left.startswith(f"os-faults: {socket.gethostname()}: ")
        assert any(f"{ends + timedelta(seconds=off):%H:%M:%S}" in left for off in range(-1, 6)), (left, ends)
        assert shell.state() == "T"
    assert "Traceback" not in err


def test_a_third_ctrl_c_leaves_at_once(shell: Shell) -> None:
    running = injecting(shell)
    eventually(running, lambda: (shell.hold / "watchdog.pid").exists() and shell.state() == "T")
    with stopped(int((shell.hold / "watchdog.pid").read_text())):
        running.send_signal(signal.SIGINT)
        eventually(running, lambda: waits_for_healing(shell))
        running.send_signal(signal.SIGINT)
        time.sleep(0.02)  # two at the same moment are one to the kernel
        running.send_signal(signal.SIGINT)
        _out, err = running.communicate(timeout=5)
        assert running.returncode == 130, err
        assert shell.state() == "T"


def test_unreachable_is_the_exit_code_3(shell: Shell) -> None:
    config = shell.directory / "far.json"
    config.write_text(
        json.dumps({"cloud_management": {"driver": "universal", "nodes": [{"address": "127.0.0.1", "port": 1}]}})
    )
    running = shell.start("os-faults", "-c", str(config), "inject", "reboot")
    out, err = running.communicate(timeout=60)
    assert running.returncode == 3, err
    assert "127.0.0.1 could not be reached" in err
    assert out == ""

"""What does one restart cost? Four ways to do the same, side by side in one run on the lab.

    tests/lab/lab up --extra 10
    tests/lab/lab run python benchmarks/restart.py

(a) bare ssh over connections that are already open, started in parallel: the floor
(b) ``ansible_runner.run`` of a playbook with the same restart, everything at Ansible's defaults
(c) os-faults 0.3.0, if ``--predecessor`` names the Python of an environment that has it
(d) this library

The ways take turns in every round, so that the machine's other load hits all alike; the first round only warms up.
Reported are the medians of the wall time and of the CPU time that the controller spent (its children included, and for
this library the process that forks its runs).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import ansible_runner
from rich.console import Console
from rich.table import Table

import os_faults

SERVICE = "memcached"
DEFAULTS = "ansible_runner, defaults"
#: Seconds between two restarts: systemd refuses the sixth within ten.
PAUSE = 2.5
PLAYBOOK = [
    {
        "name": "Restart",
        "hosts": "all",
        "tasks": [{"name": "Restart", "ansible.builtin.systemd_service": {"name": SERVICE, "state": "restarted"}}],
    }
]


@dataclass(frozen=True)
class Lab:
    """Where the lab's hosts are and how to log in as root."""

    addresses: tuple[str, ...]
    key: str
    known_hosts: str

    def options(self) -> list[str]:
        """Return ssh's options for the lab."""
        return ["-i", self.key, "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes"]


def find_lab(count: int) -> Lab:
    """Return ``count`` hosts of the lab that is up, which take root logins and run memcached."""
    state = Path(os.environ.get("OS_FAULTS_LAB_DIR", "/var/tmp/os-faults-lab"))
    try:
        about = json.loads((state / "lab.json").read_text())
    except FileNotFoundError:
        sys.exit("the lab is not up: tests/lab/lab up --extra 10")
    fit = [node for node in about["nodes"] if node["user"] == "root" and "memcached" in node["services"]]
    addresses = [node["address"] for node in fit]
    if len(addresses) < count:
        sys.exit(f"the lab has {len(addresses)} hosts that are fit, {count} are needed: tests/lab/lab up --extra 10")
    # The light hosts come last and do nothing else.
    return Lab(tuple(addresses[-count:]), about["ssh_key"], about["known_hosts"])


@contextmanager
def bare_ssh(lab: Lab) -> Iterator[Callable[[], None]]:
    """Restart over ssh connections that stay open."""
    with tempfile.TemporaryDirectory(prefix="b-") as sockets:
        warm = [
            *lab.options(),
            "-o",
            "ControlMaster=auto",
            "-o",
            "ControlPersist=60",
            "-o",
            f"ControlPath={sockets}/%C",
        ]

        def restart() -> None:
            started = [
                subprocess.Popen(["ssh", *warm, f"root@{address}", "systemctl", "restart", SERVICE])
                for address in lab.addresses
            ]
            codes = [process.wait() for process in started]
            if any(codes):
                sys.exit("ssh failed")

        yield restart
        for address in lab.addresses:
            subprocess.run(["ssh", *warm, "-O", "exit", f"root@{address}"], capture_output=True, check=False)


@contextmanager
def runner_defaults(lab: Lab) -> Iterator[Callable[[], None]]:
    """Restart by ansible_runner.run with everything at Ansible's defaults."""
    login = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": lab.key,
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={lab.known_hosts}",
    }
    inventory = {"all": {"hosts": dict.fromkeys(lab.addresses, login)}}

    def restart() -> None:
        with tempfile.TemporaryDirectory() as directory:
            run = ansible_runner.run(
                private_data_dir=directory, playbook=PLAYBOOK, inventory=inventory, quiet=True, envvars=environment
            )
            if run.status != "successful":
                sys.exit(f"ansible_runner.run: {run.status}")

    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    yield restart


@contextmanager
def library(lab: Lab) -> Iterator[Callable[[], None]]:
    """Restart by os_faults."""
    login = {"username": "root", "private_key_file": lab.key}
    first, *others = lab.addresses
    with tempfile.TemporaryDirectory() as directory:
        config = {
            "cloud_management": {
                "driver": "devstack",
                "address": first,
                **login,
                **({"nodes": others} if others else {}),
            },
            "ssh": {"known_hosts": lab.known_hosts},
            "artifacts_dir": directory,
        }
        with os_faults.connect(config) as cloud:
            service = cloud.get_service(SERVICE)
            service.get_nodes()
            yield lambda: service.restart() and None


@contextmanager
def predecessor(python: Path, lab: Lab) -> Iterator[Callable[[], None]]:
    """Restart by os-faults 0.3.0, from a process that has connected and knows the nodes."""
    auth = {"username": "root", "private_key_file": lab.key}
    hosts = [{"ip": address, "auth": auth} for address in lab.addresses]
    config = {
        "cloud_management": {"driver": "universal"},
        "node_discover": {"driver": "node_list", "args": hosts},
        "services": {SERVICE: {"driver": "system_service", "args": {"service_name": SERVICE, "grep": SERVICE}}},
    }
    # It runs whatever ansible-playbook is on the PATH, and hands it no environment, so no known hosts either.
    command = [python, Path(__file__).with_name("predecessor.py"), json.dumps(config), SERVICE]
    environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def restart() -> None:
            print(file=process.stdin, flush=True)
            if process.stdout.readline() != "done\n":
                sys.exit("os-faults 0.3.0 failed")

        if not process.stdout.readline().startswith("0.3.0"):
            sys.exit(f"{python} has no os-faults 0.3.0 that reaches the hosts")
        yield restart
        process.stdin.close()


def measure(action: Callable[[], None]) -> tuple[float, float]:
    """Return wall and controller CPU time of ``action`` in seconds."""
    before, begin = _cpu(), time.monotonic()
    action()
    return time.monotonic() - begin, _cpu() - before


def _cpu() -> float:
    """Return the CPU seconds of this process and of all that it has started, ended or not."""
    return _cpu_of(os.getpid())


def _cpu_of(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _words(task / "children")]
    except OSError:
        return 0.0  # it has just ended
    own_and_ended = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return own_and_ended + sum(map(_cpu_of, children))


def _words(path: Path) -> list[str]:
    return path.read_text().split()


def compare(count: int, rounds: int, old: Path | None) -> dict[str, dict[str, float]]:
    """Return way → medians, for ``count`` nodes."""
    lab = find_lab(count)
    with ExitStack() as stack:
        actions = {
            "ssh, warm": stack.enter_context(bare_ssh(lab)),
            DEFAULTS: stack.enter_context(runner_defaults(lab)),
            **({"os-faults 0.3.0": stack.enter_context(predecessor(old, lab))} if old else {}),
            "os_faults": stack.enter_context(library(lab)),
        }
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in actions}
        for turn in range(rounds + 1):
            for name, action in actions.items():
                time.sleep(PAUSE)
                sample = measure(action)
                if turn:
                    samples[name].append(sample)
    return {
        name: {
            "wall_s": round(statistics.median(wall for wall, _ in taken), 3),
            "cpu_s": round(statistics.median(cpu for _, cpu in taken), 3),
        }
        for name, taken in samples.items()
    }


def main() -> None:
    """Run the comparison and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10], help="how many nodes (default: 1 10)")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (default: 5)")
    parser.add_argument("--predecessor", type=Path, metavar="PYTHON", help="of an environment with os-faults 0.3.0")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    figures = {count: compare(count, options.rounds, options.predecessor) for count in options.nodes}
    table = Table(title=f"one restart of {SERVICE}, medians of {options.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for heading in ("nodes", "way", "wall s", "controller CPU s", "of the defaults"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for count, ways in figures.items():
        base = ways[DEFAULTS]["wall_s"]
        for name, taken in ways.items():
            table.add_row(
                str(count), name, f"{taken['wall_s']:.2f}", f"{taken['cpu_s']:.2f}", f"{taken['wall_s'] / base:.2f}"
            )
    Console(width=100).print(table)
    if options.json:
        options.json.write_text(json.dumps({"rounds": options.rounds, "figures": figures}, indent=1))


if __name__ == "__main__":
    main()

"""What does one restart cost? Four ways to do the same, side by side in one run on the lab.

    tests/lab/lab up --wide 200
    tests/lab/lab run python benchmarks/restart.py --predecessor PYTHON --json figures.json

(a) bare ssh over connections that are already open, started in parallel: the floor
(b) ``ansible_runner.run`` of a playbook with the same restart, everything at Ansible's defaults
(c) os-faults 0.3.0, if ``--predecessor`` names the Python of an environment that has it
(d) this library

The ways take turns in every round, so that the machine's other load hits all alike; the first round only warms up.
Reported are the medians of the wall time, of the CPU time that the controller spent (its children included, and for
this library the process that forks its runs), and of the most memory that it had at once.

The service is a program that does nothing, so that its own way to stop and start does not count: on the lab's light
hosts with a script that restarts it, or with ``--systemd`` (and ``lab up --extra N``) a unit on hosts of systemd.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ansible_runner
from rich.console import Console
from rich.table import Table

import os_faults
from os_faults.ansible.meter import Meter

SERVICE = "idler"
#: Its command line, by which it is found, and what restarts it; set up on every host before, removed afterwards.
LINE, SCRIPT, UNIT = "sleep 86399", "/usr/local/sbin/idler", "/run/systemd/system/idler.service"
PID = "/run/idler.pid"
SET_UP = f"""cat > {SCRIPT} <<'END'
#!/bin/sh
[ -e {PID} ] && kill "$(cat {PID})"
{LINE} </dev/null >/dev/null 2>&1 &
echo $! > {PID}
END
chmod +x {SCRIPT}; {SCRIPT}"""
TEAR_DOWN = f"kill $(cat {PID}); rm {SCRIPT} {PID}"
SET_UP_UNIT = (
    f"printf '[Service]\\nType=exec\\nExecStart={LINE}\\n' > {UNIT}; systemctl daemon-reload; systemctl start idler"
)
TEAR_DOWN_UNIT = f"systemctl stop idler; rm {UNIT}; systemctl daemon-reload"
SSH, DEFAULTS, OLD, OURS = "ssh, warm", "ansible_runner, defaults", "os-faults 0.3.0", "os_faults"
#: Seconds between two restarts: systemd refuses the sixth within ten.
PAUSE = 2.5
#: How many ssh sessions are started at once: more than this only wait for the two cores.
AT_ONCE = 50


@dataclass(frozen=True)
class Lab:
    """Where the lab's hosts are, how to log in as root, and how their service is restarted in each way.

    Attributes:
        addresses: of the hosts.
        key: path of the private key.
        known_hosts: path of the hosts' keys.
        command: what restarts it in a shell on the host.
        task: what does it in a playbook.
        set_up: what makes the service on a host, and starts it.
        tear_down: what removes it.
        ours: the service as this library is told of it.
        old: the same for os-faults 0.3.0.
    """

    addresses: tuple[str, ...]
    key: str
    known_hosts: str
    command: tuple[str, ...]
    task: Mapping[str, Any]
    set_up: str
    tear_down: str
    ours: Mapping[str, Any]
    old: Mapping[str, Any]

    def options(self) -> list[str]:
        """Return ssh's options for the lab."""
        return ["-i", self.key, "-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "BatchMode=yes"]


def find_lab(count: int, systemd: bool) -> Lab:
    """Return ``count`` hosts of the lab that is up, which take root logins."""
    state = Path(os.environ.get("OS_FAULTS_LAB_DIR", "/var/tmp/os-faults-lab"))
    try:
        about = json.loads((state / "lab.json").read_text())
    except FileNotFoundError:
        sys.exit("the lab is not up: see --help")
    if systemd:
        fit = [node for node in about["nodes"] if node["user"] == "root" and "memcached" in node["services"]]
        command: tuple[str, ...] = ("systemctl", "restart", SERVICE)
        task: dict[str, Any] = {"ansible.builtin.systemd_service": {"name": SERVICE, "state": "restarted"}}
        ours: dict[str, Any] = {"driver": "systemd", "args": {"units": [SERVICE]}}
        old: dict[str, Any] = {"driver": "system_service", "args": {"service_name": SERVICE, "grep": LINE}}
        around = SET_UP_UNIT, TEAR_DOWN_UNIT
    else:
        fit, command = about["wide"]["nodes"], (SCRIPT,)
        task = {"ansible.builtin.command": {"argv": [SCRIPT]}}
        ours = old = {"driver": "process", "args": {"grep": LINE, "restart_cmd": SCRIPT}}
        around = SET_UP, TEAR_DOWN
    addresses = [node["address"] for node in fit]
    if len(addresses) < count:
        sys.exit(f"the lab has {len(addresses)} hosts that are fit, {count} are needed: see --help")
    # The light hosts of systemd come last and do nothing else.
    return Lab(tuple(addresses[-count:]), about["ssh_key"], about["known_hosts"], command, task, *around, ours, old)


@contextmanager
def bare_ssh(lab: Lab) -> Iterator[Callable[[], None]]:
    """Set the service up, and restart it over ssh connections that stay open."""
    with tempfile.TemporaryDirectory(prefix="b-") as sockets:
        turns = threading.Semaphore(AT_ONCE)
        warm = [
            *lab.options(),
            "-o",
            "ControlMaster=auto",
            "-o",
            "ControlPersist=600",
            "-o",
            f"ControlPath={sockets}/%C",
        ]

        def on(address: str, command: tuple[str, ...]) -> int:
            with turns:
                return subprocess.run(["ssh", *warm, f"root@{address}", *command], check=False).returncode

        def everywhere(*command: str) -> None:
            codes: list[int] = []
            threads = [threading.Thread(target=lambda at=each: codes.append(on(at, command))) for each in lab.addresses]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if any(codes):
                sys.exit("ssh failed")

        everywhere(lab.set_up)
        yield lambda: everywhere(*lab.command)
        everywhere(lab.tear_down)
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
    play = {"name": "Restart", "hosts": "all", "tasks": [{"name": "Restart", **lab.task}]}

    def restart() -> None:
        with tempfile.TemporaryDirectory() as directory:
            run = ansible_runner.run(
                private_data_dir=directory, playbook=[play], inventory=inventory, quiet=True, envvars=environment
            )
            if run.status != "successful":
                sys.exit(f"ansible_runner.run: {run.status}")

    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    yield restart


@contextmanager
def library_cloud(lab: Lab) -> Iterator[os_faults.Cloud]:
    """Connect to the hosts."""
    with tempfile.TemporaryDirectory() as directory:
        config = {
            "cloud_management": {
                "driver": "universal",
                "nodes": list(lab.addresses),
                "auth": {"username": "root", "private_key_file": lab.key},
            },
            "services": {SERVICE: lab.ours},
            "ssh": {"known_hosts": lab.known_hosts},
            "artifacts_dir": directory,
        }
        with os_faults.connect(config) as cloud:
            yield cloud


@contextmanager
def library(lab: Lab) -> Iterator[Callable[[], None]]:
    """Restart by os_faults."""
    with library_cloud(lab) as cloud:
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
        "services": {SERVICE: lab.old},
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


@dataclass(frozen=True)
class Sample:
    """What one restart took: seconds of wall time, seconds of the controller's CPU, MB of its memory."""

    wall_s: float
    cpu_s: float
    memory_mb: float


def measure(action: Callable[[], None]) -> Sample:
    """Return what ``action`` takes."""
    begin = time.monotonic()
    with Meter() as meter:
        action()
    cost = meter.cost(forks=0)
    return Sample(time.monotonic() - begin, cost.cpu_seconds, cost.memory_mb)


def median(samples: list[Sample]) -> Sample:
    """Return the median of each figure."""
    columns = zip(*(asdict(sample).values() for sample in samples), strict=True)
    return Sample(*(round(statistics.median(column), 3) for column in columns))


def threads_against_one(lab: Lab, rounds: int) -> tuple[float, float]:
    """Return the wall time of one verb, and of eight at once from as many threads, each on a node of its own."""
    with bare_ssh(lab), library_cloud(lab) as cloud:
        service = cloud.get_service(SERVICE)
        nodes = [cloud.get_nodes(fqdns=[node.fqdn]) for node in service.get_nodes()][:8]
        one, eight = [], []
        for turn in range(rounds + 1):
            time.sleep(PAUSE)
            begin = time.monotonic()
            service.restart(nodes[0])
            middle = time.monotonic()
            time.sleep(PAUSE)
            again = time.monotonic()
            threads = [threading.Thread(target=service.restart, args=(node,)) for node in nodes]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if turn:
                one.append(middle - begin)
                eight.append(time.monotonic() - again)
    return round(statistics.median(one), 3), round(statistics.median(eight), 3)


def compare(count: int, rounds: int, old: Path | None, systemd: bool) -> dict[str, Sample]:
    """Return way → medians, for ``count`` nodes."""
    lab = find_lab(count, systemd)
    with ExitStack() as stack:
        actions = {
            SSH: stack.enter_context(bare_ssh(lab)),
            DEFAULTS: stack.enter_context(runner_defaults(lab)),
            **({OLD: stack.enter_context(predecessor(old, lab))} if old else {}),
            OURS: stack.enter_context(library(lab)),
        }
        samples: dict[str, list[Sample]] = {name: [] for name in actions}
        for turn in range(rounds + 1):
            for name, action in actions.items():
                time.sleep(PAUSE)
                sample = measure(action)
                if turn:
                    samples[name].append(sample)
    return {name: median(taken) for name, taken in samples.items()}


def table_of(figures: Mapping[int, Mapping[str, Sample]], rounds: int) -> Table:
    """Return the figures for a person."""
    table = Table(title=f"one restart of {SERVICE}, medians of {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for heading in ("nodes", "way", "wall s", "of ssh", "CPU s", "CPU ms a node", "memory MB"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for count, ways in figures.items():
        for name, taken in ways.items():
            times = f"{taken.wall_s / ways[SSH].wall_s:.1f}"
            per_node = f"{1000 * taken.cpu_s / count:.0f}"
            table.add_row(
                *(str(count), name, f"{taken.wall_s:.2f}", times),
                *(f"{taken.cpu_s:.2f}", per_node, f"{taken.memory_mb:.0f}"),
            )
    return table


def main() -> None:
    """Run the comparison and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 10, 100], help="how many nodes (default: 1 10 100)")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (default: 5)")
    parser.add_argument("--predecessor", type=Path, metavar="PYTHON", help="of an environment with os-faults 0.3.0")
    parser.add_argument("--systemd", action="store_true", help="on the hosts that systemd runs, not the light ones")
    parser.add_argument("--threads", action="store_true", help="also compare eight threads with one")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    figures = {count: compare(count, options.rounds, options.predecessor, options.systemd) for count in options.nodes}
    console = Console(width=100)
    console.print(table_of(figures, options.rounds))
    threads = threads_against_one(find_lab(8, options.systemd), options.rounds) if options.threads else None
    if threads:
        console.print(f"one verb {threads[0]:.2f} s, eight from eight threads {threads[1]:.2f} s")
    if options.json:
        content = {
            "rounds": options.rounds,
            "hosts": "systemd" if options.systemd else "light",
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg(),
            "figures": {
                count: {name: asdict(taken) for name, taken in ways.items()} for count, ways in figures.items()
            },
            "one_and_eight_threads_s": threads,
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()

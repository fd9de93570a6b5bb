"""A user of a node who has no rights: what he makes in his directories gives him nothing, and holds up nobody."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hostlab.observer import Host

from os_faults import AnsibleExecutionException, Cloud, connect

MALLORY = 64242
HIS = "/srv/mallory"
#: What the pid file of the service names is started, and stopped after the test, by these tests; `app` keeps the pids.
_SLEEP = "setsid {as_user} sleep {seconds} >/dev/null 2>&1 </dev/null & echo $!"
_AS_MALLORY = f"setpriv --reuid {MALLORY} --regid {MALLORY} --groups 4,27"
_CLEAR = f"pkill -KILL -x sleep; pkill -KILL -u {MALLORY}; rm -rf {HIS} /run/app /tmp/os-faults-*; true"
CANARY = f"canary-{secrets.token_hex(8)}"
_SECRET = f"exec setsid bash -c 'exec -a {CANARY} sleep 6002'"


@pytest.fixture(scope="module")
def cloud(universal_config: dict[str, Any]) -> Iterator[Cloud]:
    start = ["/usr/bin/sleep", "6001"]
    services = {
        "his": {"driver": "process", "pidfile": f"{HIS}/app.pid", "start": start},
        "app": {"driver": "process", "pidfile": "/run/app/app.pid", "start": start},
        "secret": {"driver": "process", "grep": CANARY, "start_cmd": _SECRET},
    }
    with connect({**universal_config, "services": services}, seed=1) as cloud:
        yield cloud
        cloud.heal()


@pytest.fixture
def host(cluster: list[Host], cloud: Cloud) -> Iterator[Host]:
    """The first host, where root logs in."""
    host = cluster[0]
    host.sh(f"mkdir -p {HIS} /run/app; chown {MALLORY} {HIS}")
    yield host
    host.sh(_CLEAR)
    cloud.refresh()


def start(host: Host, as_user: str = "", seconds: int = 6001) -> int:
    return int(host.sh(_SLEEP.format(as_user=as_user, seconds=seconds)))


def lives(host: Host, pid: int) -> bool:
    return host.sh(f"test -d /proc/{pid} && echo yes; true") == "yes"


def name_it(host: Host, pid: int) -> None:
    host.sh(f"echo {pid} >{HIS}/app.pid; chown {MALLORY} {HIS}/app.pid")


@pytest.mark.parametrize("verb", ["kill", "terminate", "restart", "freeze"])
def test_his_pid_file_hits_no_process_of_root(cloud: Cloud, host: Host, verb: str) -> None:
    victim = start(host)
    name_it(host, victim)
    nodes = cloud.get_nodes(fqdns=[host.fqdn])
    service = cloud.get_service("his")
    with pytest.raises(AnsibleExecutionException) as raised:
        getattr(service, verb)(nodes)
    assert f"{HIS}/app.pid names process {victim} of root" in str(raised.value)
    assert host.fqdn in str(raised.value)
    assert lives(host, victim)
    assert host.records() == []


def test_his_pid_file_names_his_own(cloud: Cloud, host: Host) -> None:
    own = start(host, _AS_MALLORY)
    name_it(host, own)
    cloud.get_service("his").kill(cloud.get_nodes(fqdns=[host.fqdn]))
    assert not lives(host, own)


#: What he makes where root will look.
_TRAPS = {
    "a FIFO": f"mkfifo {HIS}/app.pid",
    "a symbolic link": f"ln -s /run/sshd.pid {HIS}/app.pid",
    "a directory": f"mkdir {HIS}/app.pid",
}


@pytest.mark.parametrize("trap", _TRAPS)
def test_his_traps_hold_up_nobody(cloud: Cloud, host: Host, trap: str) -> None:
    host.sh(_TRAPS[trap])
    begin = time.monotonic()
    cloud.refresh()
    assert host.fqdn in cloud.get_nodes().get_fqdns()
    assert cloud.faults() == []
    assert not cloud.heal().failures
    with pytest.raises(AnsibleExecutionException, match=f"{HIS}/app.pid is {trap}; remove it"):
        cloud.get_service("his").kill(cloud.get_nodes(fqdns=[host.fqdn]))
    assert time.monotonic() - begin < 60
    assert host.sh("pgrep -fa 'python3? -$|AnsiballZ'; true") == "", "no module is left on the host"


def test_thousands_of_directories_hide_no_fault(cloud: Cloud, host: Host) -> None:
    app = start(host)
    host.sh(f"echo {app} >/run/app/app.pid")
    nodes = cloud.get_nodes(fqdns=[host.fqdn])
    cloud.get_service("app").freeze(nodes, sec=120)
    host.sh(
        f"setpriv --reuid {MALLORY} --clear-groups python3 -c '"
        'import os\nfor n in range(5000): os.makedirs("/tmp/os-faults-AAAA\\x1b]0;owned\\x07%d/x" % n)'
        f'\nos.makedirs("/tmp/os-faults-{MALLORY}/x")\'',
    )
    assert [fault.id for fault in cloud.faults()] == ["freeze-app"]
    result = cloud.heal()
    notes = result[host.fqdn].payload["notes"]
    assert notes == [f"user {MALLORY} has faults on this host; only user {MALLORY} can list and heal them"]
    assert host.sh(f"cut -d ' ' -f 3 /proc/{app}/stat") == "S"


def test_a_program_comes_back_as_who_it_was_and_writes_through_no_link(cloud: Cloud, host: Host) -> None:
    app = start(host, _AS_MALLORY)
    host.sh(f"echo {app} >/run/app/app.pid; echo precious >/root/precious")
    status = "grep -E '^(Uid|Gid|Groups)' /proc/$(cat /run/app/app.pid)/status"
    before = host.sh(status)
    nodes = cloud.get_nodes(fqdns=[host.fqdn])
    cloud.get_service("app").terminate(nodes)
    assert not lives(host, app)
    host.sh("rm -f /run/app/app.log; ln -s /root/precious /run/app/app.log")
    cloud.heal()
    assert host.sh(status) == before
    cloud.get_service("app").restart(nodes)
    assert host.sh(status) == before
    assert host.sh("cat /root/precious; rm /root/precious") == "precious"


def test_the_journal_has_the_names_of_modules_and_no_argument(cloud: Cloud, host: Host) -> None:
    since = host.sh("date +%s")
    host.sh(f"{_SECRET} >/dev/null 2>&1 </dev/null & sleep 0.5")
    cloud.refresh()
    nodes = cloud.get_nodes(fqdns=[host.fqdn])
    cloud.get_service("secret").restart(nodes)
    cloud.get_service("secret").kill(nodes)
    journal = host.sh(f"journalctl --no-pager --since=@{since}")
    logged = re.findall(r"ansible-(osf_\w+)(?:\[\d+\])?: (.*)", journal)
    assert ("osf_process_service", "Invoked") in logged
    assert {line for _module, line in logged} == {"Invoked"}
    assert CANARY not in journal

"""The tier that breaks real hosts and gives them back. It needs the lab: see tests/lab/README.md.

What a verb did is never taken from os_faults: the host is asked at its console, the services by their clients.
"""

from __future__ import annotations

import copy
import fcntl
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers: in importlib mode pytest adds no directory

from hostlab import lab as labs
from hostlab import shown
from hostlab.controller import processes_with
from hostlab.evidence import Evidence
from hostlab.guest import Guest
from hostlab.lab import Lab
from hostlab.matrix import Matrix, rows
from hostlab.observer import Host
from hostlab.subject import Subject, keystone, memcached, mysql
from hostlab.waiting import wait_for
from hostlab.wide import MANY, Wide

from os_faults import Cloud, NodeCollection, connect, registry
from os_faults.actions import contracts

# Callers that bring dependencies of their own have an environment of their own: `tox -e rally`.
collect_ignore = [] if find_spec("rally_openstack") else ["rally"]

_CLEAR = "systemctl stop 'os-faults-*'; systemctl reset-failed; rm -rf /run/os-faults /var/lib/os-faults"

FAILED = pytest.StashKey[bool]()
EVIDENCE = pytest.StashKey[Evidence]()
MATRIX = pytest.StashKey[Matrix]()


def changing_verbs() -> list[str]:
    """Return all that changes something on a host: the verbs of the contracts, heal, and each power driver's verbs."""
    changing = [c for c in contracts().values() if not c.read_only]
    words = [
        word
        for c in changing
        if not c.from_outside
        for word in ([verb.name for verb in c.verbs] or [c.playbook.removesuffix(".yml")])
    ]
    power = [verb.name for c in changing if c.from_outside for verb in c.verbs]
    drivers = {name: registry.get("power", name) for name in registry.names("power")}
    return words + [f"{verb} by {name}" for verb in power for name, driver in drivers.items() if verb in driver.VERBS]


def pytest_configure(config: pytest.Config) -> None:
    # A shell's background job ignores Ctrl-C, and what these tests start would inherit that and rightly keep to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    config.stash[EVIDENCE] = Evidence()
    config.stash[MATRIX] = Matrix(rows(contracts().values()))
    shown.gather(config.stash[EVIDENCE], config.stash[MATRIX])


def pytest_sessionfinish(session: pytest.Session) -> None:
    shown.keep(session.config.stash[EVIDENCE], session.config.stash[MATRIX])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.hosts)
    # What takes a fifth of the time comes first, as of two labs one would wait for it; the closing tests ask what the
    # others have shown.
    order = {"test_crash_matrix.py": 0, "test_closing.py": 2}
    items.sort(key=lambda item: order.get(item.path.name, 1))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    evidence = config.stash[EVIDENCE]
    if evidence.effects or evidence.undoings:
        terminalreporter.section("what the verbs did to the hosts")
        for line in evidence.table(changing_verbs()):
            terminalreporter.write_line(line)
    matrix = config.stash[MATRIX]
    if matrix.cells:
        terminalreporter.section("the crash matrix: what may happen, and how each fault ended then")
        for line in matrix.table():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def matrix(pytestconfig: pytest.Config) -> Matrix:
    return pytestconfig.stash[MATRIX]


@pytest.fixture(scope="session")
def evidence(pytestconfig: pytest.Config) -> Evidence:
    return pytestconfig.stash[EVIDENCE]


@pytest.fixture(scope="session")
def verbs() -> list[str]:
    return changing_verbs()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab, for this run alone."""
    try:
        found = labs.find()
    except labs.NoLab as reason:
        pytest.fail(str(reason), pytrace=False)
    with open(found.key, encoding="ascii") as locked:
        try:
            fcntl.flock(locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.fail("another run of these tests uses the lab, and would be disturbed", pytrace=False)
        yield found


@pytest.fixture(scope="session")
def node_1(lab: Lab) -> Host:
    """The host with keystone; its user is root."""
    return Host(lab, "node-1")


@pytest.fixture(scope="session")
def node_2(lab: Lab) -> Host:
    """The host that refuses root: its user is stack, who has sudo. Its storage network is on a bridge."""
    return Host(lab, "node-2")


@pytest.fixture(scope="session")
def node_3(lab: Lab) -> Host:
    """The plain host, with little memory."""
    return Host(lab, "node-3")


@pytest.fixture(scope="session")
def every_node(node_1: Host, node_2: Host, node_3: Host) -> list[Host]:
    return [node_1, node_2, node_3]


@pytest.fixture(scope="session")
def cluster(lab: Lab) -> list[Host]:
    """Three more hosts, with Pacemaker (which does not run) and podman; the user of the third is stack."""
    return [Host(lab, f"cluster-{number}") for number in (1, 2, 3)]


@pytest.fixture(scope="session")
def wide(lab: Lab) -> Iterator[Wide]:
    """Light hosts; they are started here when the lab has too few."""
    few = len(lab.about["wide"]["nodes"]) < MANY
    if few:
        lab.command("up", "--wide", str(MANY))
    yield Wide(labs.find())
    if few:
        lab.command("up", "--wide", "0")


@pytest.fixture
def guest_1(lab: Lab) -> Guest:
    """A virtual machine as the lab made it."""
    guest = Guest(lab, "guest-1")
    guest.restore()
    return guest


@pytest.fixture
def guest_2(lab: Lab) -> Guest:
    """Another."""
    guest = Guest(lab, "guest-2")
    guest.restore()
    return guest


@pytest.fixture(scope="session", autouse=True)
def private() -> Iterator[Path]:
    """A short directory for all that os_faults writes on this machine; nothing of it may be left but state and runs."""
    path = Path(tempfile.mkdtemp(prefix="osf-t-"))
    with pytest.MonkeyPatch.context() as patch:
        for variable, name in (("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run"), ("TMPDIR", "tmp")):
            (path / name).mkdir(mode=0o700)
            patch.setenv(variable, str(path / name))
        patch.setattr(tempfile, "tempdir", None)
        for variable in [name for name in os.environ if name.startswith(("OS_FAULTS_CONFIG", "ANSIBLE_"))]:
            patch.delenv(variable)
        yield path
    # The connections that bare Ansible keeps by default end after a minute.
    try:
        wait_for(lambda: not processes_with(str(path)), "no process of a run is left on this machine", 70)
    except AssertionError as error:
        raise AssertionError(f"{error}: {processes_with(str(path))}") from None
    left = [*(path / "run").iterdir(), *(path / "tmp").iterdir()]
    shutil.rmtree(path)
    assert left == [], "left on this machine"


@pytest.fixture(scope="session")
def artifacts(private: Path) -> Path:
    """The directory of the runs."""
    return private / "runs"


@pytest.fixture(scope="session")
def base_config(lab: Lab, artifacts: Path) -> dict[str, Any]:
    key = {"private_key_file": lab.key}
    return {
        "cloud_management": {
            "driver": "devstack",
            "address": "devstack.local",
            "username": "root",
            **key,
            "nodes": [
                {"address": "node-2.domain.tld", "username": "stack", **key},
                {"address": "node-3.domain.tld", "username": "root", **key},
            ],
        },
        "power_management": {"driver": "libvirt", "address": "host.local", "username": "root", **key},
        "networks": {
            "storage": {
                "node-1.domain.tld": "stor0",
                "node-2.domain.tld": "br-storage",
                "node-3.domain.tld": "stor0",
            }
        },
        "ssh": {"host_key_policy": "strict", "known_hosts": lab.known_hosts, "connect_timeout": 5},
        "artifacts_dir": str(artifacts),
        "heal_after": 120,
    }


@pytest.fixture(scope="session")
def universal_config(base_config: dict[str, Any], lab: Lab, cluster: list[Host]) -> dict[str, Any]:
    """The configuration of a universal cloud of the cluster's hosts, listed one by one, to be changed by a copy."""
    nodes = [
        {
            "ip": host.address,
            "fqdn": host.fqdn,
            "mac": host.mac,
            "auth": {
                "username": lab.node(host.name)["user"],
                "private_key_file": lab.key,
                "port": 22,
                **({"become": True} if lab.node(host.name)["become"] else {}),
            },
        }
        for host in cluster
    ]
    same = {key: base_config[key] for key in ("ssh", "artifacts_dir", "heal_after")}
    return {
        "cloud_management": {"driver": "universal"},
        "node_discover": {"driver": "node_list", "args": nodes},
        **same,
    }


@pytest.fixture
def config(base_config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of the three hosts, to be changed by a test."""
    return copy.deepcopy(base_config)


@pytest.fixture(scope="session")
def cloud(base_config: dict[str, Any]) -> Iterator[Cloud]:
    """The cloud of the three hosts, connected once for all tests."""
    with connect(base_config, seed=1) as cloud:
        yield cloud
        cloud.heal()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest, every_node: list[Host], cluster: list[Host]) -> Iterator[None]:
    """After a failure, take what it left from the hosts, by hand, so that the next test is not its victim."""
    yield
    if FAILED in request.node.stash:
        for host in [*every_node, *cluster]:
            host.sh(_CLEAR, check=False)


@pytest.fixture
def only_node_3(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a cloud that is the plain host alone, to be changed by a test."""
    nodes = config["cloud_management"].pop("nodes")
    config["cloud_management"] |= nodes[-1]
    return config


@pytest.fixture(params=["keystone", "mysql", "memcached"])
def subject(request: pytest.FixtureRequest, node_1: Host, node_2: Host, node_3: Host) -> Subject:
    """A service on a host each: DevStack's own unit; as stack, who becomes root; on the plain host."""
    made = {"keystone": (keystone, node_1), "mysql": (mysql, node_2), "memcached": (memcached, node_3)}
    make, host = made[request.param]
    return make(host)


@pytest.fixture
def host(subject: Subject) -> Host:
    """The host that a test is about: that of the subject, where no file or folder says another."""
    return subject.host


@pytest.fixture
def nodes(cloud: Cloud, host: Host) -> NodeCollection:
    """That host, as os_faults has it."""
    return cloud.get_nodes(fqdns=[host.fqdn])


@pytest.fixture
def service(subject: Subject, cloud: Cloud) -> Any:
    return cloud.get_service(subject.service)

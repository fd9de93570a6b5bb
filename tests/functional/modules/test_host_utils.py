"""The pure functions of ansible_modules/, on texts as real hosts gave them, and on this machine's own sockets."""

from __future__ import annotations

import doctest
import os
import socket
import subprocess
import threading
import time

import pytest
import yaml
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import identity, targets
from ansible.module_utils.os_faults.host import mounts, network, pidfiles, proc, run_as, sockets, text
from ansible.module_utils.os_faults.service import ports, programs, resolve, start_script, systemd

from os_faults import resources

pytestmark = pytest.mark.functional


@pytest.mark.parametrize(
    "tested",
    [
        *(proc, programs, systemd, sockets, resolve, ports, network, start_script),
        *(text, run_as, mounts, identity, targets),
    ],
)
def test_the_examples_of_the_docstrings(tested):
    assert doctest.testmod(tested).failed == 0


HYBRID = """\
94 79 0:38 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup rw
93 79 0:29 / /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu
95 79 0:37 / /sys/fs/cgroup/systemd rw,nosuid shared:25 - cgroup cgroup rw,xattr,name=systemd
"""
V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
CONTAINER = "30 23 0:26 /machine.slice/c1 /sys/fs/cgroup ro - cgroup2 cgroup rw\n"


def test_the_hierarchy_of_systemd_is_found_in_each_layout():
    assert systemd.hierarchies(HYBRID) == [("/sys/fs/cgroup/systemd", "/"), ("/sys/fs/cgroup/unified", "/")]
    assert systemd.hierarchies(V2) == [("/sys/fs/cgroup", "/")]
    assert systemd.hierarchies(CONTAINER) == [("/sys/fs/cgroup", "/machine.slice/c1")]


def test_pids_of_a_control_group_are_those_of_its_sub_groups_too(tmp_path):
    unit = tmp_path / "system.slice" / "x.service"
    (unit / "worker" / "deep").mkdir(parents=True)
    (unit / "cgroup.procs").write_text("10\n0\n")
    (unit / "worker" / "deep" / "cgroup.procs").write_text("12\n11\n")
    directory = systemd.cgroup_directory("/system.slice/x.service", [(str(tmp_path / "no"), "/"), (str(tmp_path), "/")])
    assert directory == str(unit)
    assert systemd.pids_in(directory) == [10, 11, 12]
    assert systemd.cgroup_directory("/c1/system.slice/x.service", [(str(tmp_path), "/c1")]) == str(unit)
    assert systemd.cgroup_directory("", [(str(tmp_path), "/")]) is None


def test_the_first_pattern_that_matches_is_the_service():
    existing = {
        "devstack@n-cond-cell1.service",
        "devstack@n-super-cond.service",
        "devstack@n-cpu.service",
        "nova-conductor.service",
        "worker@.service",
    }
    conductor = ["devstack@n-*cond*.service", "nova-conductor.service"]
    assert systemd.choose(conductor, existing) == ["devstack@n-cond-cell1.service", "devstack@n-super-cond.service"]
    assert systemd.choose(conductor, {"nova-conductor.service"}) == ["nova-conductor.service"]
    assert systemd.choose(["worker@a.service"], existing) == ["worker@a.service"]
    assert systemd.choose(["worker@*.service"], existing) == []
    assert systemd.choose(["x.service"], existing) == []


@pytest.mark.parametrize("bad", ["-H evil", "a b", "--root=/", "x;y", "$(x)", ""])
def test_what_is_no_unit_name_never_reaches_a_command_line(bad):
    with pytest.raises(errors.UnitError, match="is not the name of a systemd unit"):
        systemd.pattern(bad)


def systemd_with(*units: str) -> systemd.Run:
    """A systemd that has these units only."""

    def run(argv):
        if "--property=UnitPath" in argv:
            return 0, "", ""
        if "show" in argv:
            names = argv[argv.index("--") + 1 :]
            states = {name: "loaded" if name in units else "not-found" for name in names}
            return 0, "\n".join("Id={}\nLoadState={}\n".format(*each) for each in states.items()), ""
        return 0, "".join(f"{unit} loaded active running\n" for unit in units), ""

    return run


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        (["gone.service", "web.service", "web-1.service"], ["web.service"]),
        (["gone.service", "web-*.service", "web.service"], ["web-1.service", "web-2.service"]),
        (["gone-*.service", "web.service"], ["web.service"]),
        (["gone.service"], []),
        (["gone-*.service"], []),
    ],
)
def test_the_units_of_the_first_pattern_are_found(patterns, found):
    run = systemd_with("web.service", "web-1.service", "web-2.service")
    assert sorted(systemd.first(run, patterns, systemd.STATE)) == found


def test_an_alias_and_its_unit_are_one():
    shown = "Id=mariadb.service\nActiveState=active\n\nId=mariadb.service\nActiveState=active\n"
    facts = systemd.show(lambda argv: (0, shown, ""), ["mysql.service", "mariadb.service"])
    assert set(facts) == {"mysql.service", "mariadb.service"}
    assert set(systemd.by_id(facts)) == {"mariadb.service"}


def test_a_listing_without_a_match_is_empty_and_no_failure():
    assert systemd.existing(lambda argv: (int("list-units" in argv), "", ""), ["x.service"]) == set()
    with pytest.raises(errors.UnitError, match="Failed to connect to bus"):
        systemd.existing(lambda argv: (1, "", "Failed to connect to bus"), ["x.service"])


def test_units_that_are_not_loaded_are_found_in_their_directories(tmp_path):
    for name in ("web.service", "worker@.service", "web.socket", "web.service.d", "README"):
        (tmp_path / name).touch()
    (tmp_path / "alias.service").symlink_to("web.service")

    def run(argv):
        return (
            0,
            f"{tmp_path}/none {tmp_path}\n" if "show" in argv else "gone.service not-found inactive dead gone\n",
            "",
        )

    assert systemd.existing(run) == {"web.service", "worker@.service", "alias.service"}
    assert systemd.existing(run, ["*.socket"]) >= {"web.socket"}


def test_a_tree_has_the_children_that_were_adopted_by_init():
    stats = [
        proc.Stat(10, "S", 1, 10, 1, 100),
        proc.Stat(11, "S", 10, 10, 1, 101),
        proc.Stat(12, "S", 1, 10, 1, 102),  # its parent has died, but it is of the session
        proc.Stat(13, "S", 12, 13, 1, 103),
        proc.Stat(99, "S", 1, 99, 1, 104),
    ]
    assert proc.members([10], stats) == [10, 11, 12, 13]


def test_a_process_lives_until_its_last_thread_is_gone():
    assert proc.is_gone(proc.Stat(10, "Z", 1, 10, 1, 100))
    assert not proc.is_gone(proc.Stat(10, "Z", 1, 10, 7, 100))


def test_a_pid_file_older_than_its_process_is_stale(tmp_path):
    pidfile = tmp_path / "x.pid"
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            pidfile.write_text(f"{process.pid}\n")
            assert pidfiles.read(str(pidfile)) == (process.pid, None)
            os.utime(pidfile, (time.time() - 60,) * 2)
            assert pidfiles.read(str(pidfile)) is None
        finally:
            process.kill()
    pidfile.write_text("not a pid")
    assert pidfiles.read(str(pidfile)) is None
    assert pidfiles.read(str(tmp_path / "none")) is None


def test_listening_sockets_of_a_process_are_found_and_no_others(tmp_path):
    path = str(tmp_path / "x.sock")
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix, socket.socket() as bound:
        unix.bind(path)
        unix.listen()
        bound.bind(("127.0.0.1", 0))
        inodes = sockets.inodes_of([os.getpid()])
        ports = sockets.ports_of(inodes)
        assert ("tcp", tcp.getsockname()[1], "127.0.0.1") in ports
        assert bound.getsockname()[1] not in {port.number for port in ports}
        assert path in sockets.unix_sockets_of(inodes)
    assert 0 not in {port.number for port in ports}
    assert path not in sockets.unix_sockets_of(sockets.inodes_of([os.getppid()]))


UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 111 2 0 0
 2: 0100007F:0035 0200007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 111 2 0 0
 3: 00000000:C350 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 111 2 0 0
 4: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 222 2 0 0
"""


def test_an_ephemeral_udp_socket_is_a_client():
    found = sockets.sockets_in(UDP, "udp", "07", range(32768, 61000))
    assert found == {"111": sockets.Port("udp", 53), "222": sockets.Port("udp", 67)}


def test_the_default_interface_is_that_of_the_best_route():
    ipv4 = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth1\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
    )
    ipv6 = f"{'0' * 32} 00 {'0' * 32} 00 fe80{'0' * 27}1 00000400 00000001 00000000 00000003     eth6\n"
    assert network.default_interface(ipv4, ipv6) == "eth0"
    assert network.default_interface("", ipv6) == "eth6"
    assert network.default_interface("", "") is None


def test_interfaces_are_the_same_with_and_without_iproute2():
    def run(argv):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    told = {link["name"]: link["mac"] for link in network.interfaces(run)}
    read = {link["name"]: link["mac"] for link in network.from_kernel("/sys/class/net")}
    assert told == read


def test_a_name_server_that_does_not_answer_costs_a_second_only(monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(network.socket, "getaddrinfo", lambda *a, **k: [answered.wait(30)][:0])
    began = time.monotonic()
    assert network.fqdn("node-1", patience=0.1) == "node-1"
    assert time.monotonic() - began < 5
    answered.set()


CATALOGUE = yaml.safe_load(resources.playbook("catalogue/devstack.yml").read_text())["os_faults_catalogue"]


def test_the_catalogue_is_well_formed():
    names = list(CATALOGUE)
    for name, entry in CATALOGUE.items():
        assert entry["driver"] == "systemd", name
        assert [systemd.pattern(unit) for unit in entry["units"]] == entry["units"], name
        assert all(protocol in ("tcp", "udp") and 0 < port < 65536 for protocol, port in entry.get("ports", [])), name
        assert set(entry) <= {"driver", "units", "ports", "aliases", "behind"}, name
        names += entry.get("aliases", [])
    assert len(names) == len(set(names)), "a name or an alias is there twice"
    assert {entry["behind"] for entry in CATALOGUE.values() if "behind" in entry} <= set(names)


#: Catalogue → units of a host of another distribution than Debian, as the packages there call them: those of RDO
#: (github.com/rdo-packages), those of openSUSE (github.com/openstack/rpm-packaging), and those that the formulas of
#: Salt install on the family of RHEL (github.com/salt-formulas).
ELSEWHERE = {
    "RDO": """devstack: httpd mariadb memcached rabbitmq-server ovs-vswitchd ovsdb-server ovn-controller ovn-northd
        virtqemud
        openstack-glance-api openstack-nova-api openstack-nova-compute openstack-nova-conductor
        openstack-nova-metadata-api openstack-nova-novncproxy openstack-nova-scheduler openstack-cinder-api
        openstack-cinder-backup openstack-cinder-scheduler openstack-cinder-volume openstack-heat-api
        openstack-heat-api-cfn openstack-heat-engine openstack-swift-account openstack-swift-container
        openstack-swift-object openstack-swift-proxy neutron-server neutron-dhcp-agent neutron-l3-agent
        neutron-metadata-agent neutron-openvswitch-agent neutron-ovn-agent neutron-ovn-metadata-agent""",
    "openSUSE": """devstack: apache2 mariadb memcached rabbitmq-server ovs-vswitchd ovsdb-server libvirtd
        openstack-glance-api openstack-nova-api openstack-nova-api-metadata openstack-nova-compute
        openstack-nova-conductor openstack-nova-novncproxy openstack-nova-scheduler openstack-cinder-api
        openstack-cinder-backup openstack-cinder-scheduler openstack-cinder-volume openstack-heat-api
        openstack-heat-api-cfn openstack-heat-engine openstack-swift-account openstack-swift-container
        openstack-swift-object openstack-swift-proxy openstack-neutron-server openstack-neutron-dhcp-agent
        openstack-neutron-l3-agent openstack-neutron-metadata-agent openstack-neutron-openvswitch-agent
        openstack-neutron-ovn-metadata-agent""",
    "Salt": """salt: httpd mysqld memcached rabbitmq-server openstack-keystone openstack-glance-api
        openstack-glance-registry openstack-nova-api openstack-nova-cert openstack-nova-compute openstack-nova-conductor
        openstack-nova-consoleauth openstack-nova-novncproxy openstack-nova-scheduler openstack-cinder-api
        openstack-cinder-scheduler openstack-cinder-volume openstack-heat-api openstack-heat-engine neutron-server
        neutron-dhcp-agent neutron-l3-agent neutron-metadata-agent neutron-openvswitch-agent""",
}


@pytest.mark.parametrize("distribution", ELSEWHERE)
def test_every_unit_of_another_distribution_is_a_service(distribution):
    cloud, _, names = ELSEWHERE[distribution].partition(":")
    there = {name + ".service" for name in names.split()}
    entries = resources.catalogue(cloud).values()
    assert {unit for entry in entries for unit in systemd.choose(entry["units"], there)} == there


@pytest.mark.parametrize(
    "name",
    "cinder-api cinder-scheduler cinder-volume etcd glance-api heat-api heat-engine keystone memcached mysql"
    " neutron-dhcp-agent neutron-l3-agent neutron-meta-agent neutron-openvswitch-agent neutron-server nova-api"
    " nova-compute nova-scheduler placement-api rabbitmq".split(),
)
def test_the_names_that_callers_know_are_kept(name):
    assert name in CATALOGUE


def test_mysql_has_its_real_port():
    assert CATALOGUE["mysql"]["ports"] == [["tcp", 3306]]

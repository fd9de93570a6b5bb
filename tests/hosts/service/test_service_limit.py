"""A service has less memory, or less of the processor, than it could use; afterwards it has what it had."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hostlab.ended import assert_ended_by
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import memcached
from hostlab.waiting import wait_for

from os_faults import AnsibleExecutionException, ArgumentError, Cloud, NodeCollection, Service

MEMORY = "/sys/fs/cgroup/memory/system.slice/memcached.service/memory.limit_in_bytes"
CPU = "/sys/fs/cgroup/cpu/system.slice/memcached.service/cpu.cfs_quota_us"
OURS = "ls /run/systemd/system/memcached.service.d 2>/dev/null; true"


@pytest.fixture
def nodes(cloud: Cloud, node_3: Host) -> NodeCollection:
    return cloud.get_nodes(fqdns=[node_3.fqdn])


@pytest.fixture
def service(cloud: Cloud) -> Service:
    return cloud.get_service("memcached")


@pytest.fixture
def controllers(node_3: Host) -> Iterator[None]:
    """Give the host's systemd the controllers that a container only sees, as on a machine."""

    def mount(how: str) -> None:
        node_3.sh(f"for one in memory cpu; do mount -o remount,{how},bind /sys/fs/cgroup/$one; done")
        node_3.sh("systemctl daemon-reexec")  # it looks at the controllers when it starts

    mount("rw")
    yield
    node_3.sh("systemctl revert memcached.service; systemctl daemon-reload")
    mount("ro")


def kernel(host: Host, file: str) -> int:
    """Return what the kernel allows the service; nothing is said for one that is not limited."""
    return int(host.sh(f"cat {file} 2>/dev/null || echo -1"))


@pytest.mark.usefixtures("controllers")
def test_memory(service: Service, nodes: NodeCollection, node_3: Host, evidence: Evidence) -> None:
    with node_3.undone():
        assert service.limit_memory("64M", nodes).changed
        assert kernel(node_3, MEMORY) == 64 * 1024 * 1024
        assert not service.limit_memory("64M", nodes, heal_after=60).changed
        assert service.limit_memory("48M", nodes).changed
        assert kernel(node_3, MEMORY) == 48 * 1024 * 1024
        assert memcached(node_3).answers()
        assert service.unlimit_memory(nodes).changed
        wait_for(lambda: not 0 < kernel(node_3, MEMORY) < 2**40, "the limit is lifted", 5)
        assert node_3.sh(OURS) == ""
        assert not service.unlimit_memory(nodes).changed
    evidence.seen("limit_memory", "the kernel's limit of the unit is what was asked for")
    evidence.undone("limit_memory", "by unlimit_memory; no limit, host as before")
    evidence.seen("unlimit_memory", "the kernel has no limit for the unit")
    evidence.undone("unlimit_memory", "unit, record and drop-in gone, host as before")


@pytest.mark.usefixtures("controllers")
def test_cpu(service: Service, nodes: NodeCollection, node_3: Host, evidence: Evidence) -> None:
    with node_3.undone():
        assert service.limit_cpu(5, nodes, heal_after=60).changed
        assert service.limit_memory("64M", nodes).changed
        assert kernel(node_3, CPU) == 5000
        assert service.unlimit_cpu(nodes).changed
        wait_for(lambda: kernel(node_3, CPU) == -1, "the limit is lifted", 5)
        assert kernel(node_3, MEMORY) == 64 * 1024 * 1024, "the other limit was lifted too"
        service.unlimit_memory(nodes)
        service.limit_cpu(5, nodes, heal_after=4)
        wait_for(lambda: kernel(node_3, CPU) == -1, "the host lifts the limit by itself", 10)
    evidence.seen("limit_cpu", "the kernel's quota of the unit is what was asked for")
    evidence.undone("limit_cpu", "by unlimit_cpu, and by its time; no quota, host as before")
    evidence.seen("unlimit_cpu", "the kernel has no quota for the unit")
    evidence.undone("unlimit_cpu", "unit, record and drop-in gone, host as before")


@pytest.mark.case("f08")
@pytest.mark.usefixtures("controllers")
@pytest.mark.parametrize("file", [MEMORY, CPU])
def test_a_limit_that_somebody_else_lifts_is_not_in_force(
    cloud: Cloud, service: Service, nodes: NodeCollection, node_3: Host, file: str
) -> None:
    """In the kernel alone, or with our file."""
    with node_3.undone():
        for lift in (f"echo -1 >{file}", "rm /run/systemd/system/memcached.service.d/zz-* && systemctl daemon-reload"):
            if file == MEMORY:
                service.limit_memory("64M", nodes, heal_after=600)
            else:
                service.limit_cpu(5, nodes, heal_after=600)
            assert_ended_by(cloud, node_3, lift)
            assert cloud.heal().changed


@pytest.mark.usefixtures("controllers")
def test_a_limit_of_others_is_in_force_again(service: Service, nodes: NodeCollection, node_3: Host) -> None:
    with node_3.undone():
        node_3.sh("systemctl set-property --runtime memcached.service MemoryMax=100M")
        wait_for(lambda: kernel(node_3, MEMORY) == 100 * 1024 * 1024, "the other limit is in force", 5)
        service.limit_memory("64M", nodes)
        assert kernel(node_3, MEMORY) == 64 * 1024 * 1024
        service.unlimit_memory(nodes)
        wait_for(lambda: kernel(node_3, MEMORY) == 100 * 1024 * 1024, "the other limit is in force again", 5)
        node_3.sh("systemctl revert memcached.service")


@pytest.mark.usefixtures("controllers")
def test_a_service_in_another_slice(service: Service, nodes: NodeCollection, node_3: Host) -> None:
    """Nothing else begins or ends there, which would have systemd 257 tell the kernel what was changed."""
    file = MEMORY.replace("system.slice", "cloud.slice")
    elsewhere = "/run/systemd/system/memcached.service.d/slice.conf"
    node_3.sh(f"mkdir -p {elsewhere.rpartition('/')[0]}; printf '[Service]\nSlice=cloud.slice\n' >{elsewhere}")
    node_3.sh("systemctl daemon-reload; systemctl restart memcached")
    before = kernel(node_3, file)
    service.limit_memory("64M", nodes)
    assert kernel(node_3, file) == 64 * 1024 * 1024
    service.unlimit_memory(nodes)
    assert kernel(node_3, file) == before
    node_3.sh(f"rm -r {elsewhere.rpartition('/')[0]}; systemctl daemon-reload; systemctl restart memcached")


@pytest.mark.usefixtures("controllers")
def test_what_an_engine_gave_its_container_stays(service: Service, nodes: NodeCollection, node_3: Host) -> None:
    """It tells the kernel, and not systemd, which would write its own number again at a daemon-reload."""
    file = "/sys/fs/cgroup/memory/system.slice/lab-container.service/memory.limit_in_bytes"
    node_3.sh("systemd-run --quiet --unit=lab-container --property=MemoryMax=100M sleep 600")
    node_3.sh(f"echo {50 * 1024 * 1024} >{file}")
    service.limit_memory("64M", nodes)
    assert kernel(node_3, file) == 50 * 1024 * 1024
    service.unlimit_memory(nodes)
    assert kernel(node_3, file) == 50 * 1024 * 1024
    node_3.sh("systemctl stop lab-container")


def test_a_limit_that_the_kernel_does_not_keep_is_refused(
    service: Service, nodes: NodeCollection, node_3: Host
) -> None:
    with node_3.undone():
        with pytest.raises(AnsibleExecutionException, match="does not keep memcached"):
            service.limit_memory("64M", nodes)
        assert node_3.sh(OURS) == ""
        with pytest.raises(ArgumentError, match="from 1 to 10000"):
            service.limit_cpu(0, nodes)

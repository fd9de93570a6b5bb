"""Cutting ports off: what the rules say, and that what can't be cut is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.held_service import directory_of, without_systemd
from support.namespaces import Namespace, join, namespaces
from support.packed_modules import needs_root

from os_faults import resources

pytestmark = pytest.mark.functional

FILES = resources.playbooks_dir() / "files" / "cut"


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., list[str]]:
    """Return the rules for lines of targets; ``found`` are the addresses of the other end."""

    def run(*targets: str, found: tuple[str, ...] = ()) -> list[str]:
        (tmp_path / "targets").write_text("".join(f"{line}\n" for line in targets))
        if found:
            (tmp_path / "others").write_text("".join(f"{address}\n" for address in found))
            subprocess.run(["sh", str(FILES / "addresses.sh")], cwd=tmp_path, check=True)
        subprocess.run(["sh", str(FILES / "unplug.sh")], cwd=tmp_path, check=True)
        return (tmp_path / "rules").read_text().splitlines()

    return run


def test_both_ways(rules):
    assert rules("port=tcp/5000", "port=udp/53") == [
        "in drop - tcp - 5000 - -",
        "out drop - tcp - 5000 - -",
        "in drop - udp - 53 - -",
        "out drop - udp - 53 - -",
    ]


def test_what_leaves(rules):
    assert rules("way=egress", "port=tcp/3306", "session=192.0.2.1/22") == [
        "in accept 4 tcp 192.0.2.1 22 -",
        "out accept 4 tcp 192.0.2.1 22 -",
        "out drop - tcp - - 3306 -",
    ]


def test_what_arrives(rules):
    assert rules("way=ingress", "port=tcp/5000") == ["in drop - tcp - 5000 - -"]


def test_at_its_own_addresses(rules):
    assert rules("port=tcp/5000/192.0.2.1", "port=tcp/5000/2001:db8::1") == [
        "in drop 4 tcp - 5000 - 192.0.2.1",
        "out drop 4 tcp - 5000 - 192.0.2.1",
        "in drop 6 tcp - 5000 - 2001:db8::1",
        "out drop 6 tcp - 5000 - 2001:db8::1",
    ]
    found = ("192.0.2.9", "2001:db8::9")
    assert rules("way=ingress", "port=tcp/5000/192.0.2.1", found=found) == ["in drop 4 tcp 192.0.2.9 5000 - 192.0.2.1"]


def test_what_some_send(rules):
    assert rules("way=ingress", "port=tcp/5000", found=("192.0.2.9", "2001:db8::9", "192.0.2.7", "192.0.2.9")) == [
        "in drop 4 tcp 192.0.2.7,192.0.2.9 5000 - -",
        "in drop 6 tcp 2001:db8::9 5000 - -",
    ]


def test_who_is_on_the_host_as_well_comes_over_loopback_too(rules):
    assert rules("way=ingress", "port=tcp/5000", found=("127.0.0.1",)) == [
        "in drop 4 tcp 127.0.0.1 5000 - -",
        "in drop 6 tcp ::1 5000 - -",
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"other": "mysql"}, "another service or port needs a direction"),
        ({"direction": "egress", "other": "mysqll"}, "service 'mysqll' is not known"),
        ({"direction": "egress", "other": "nova-compute"}, "no port of nova-compute is known"),
        ({"direction": "ingress", "other": "mysql"}, "no node has mysql"),
        ({"direction": "egress", "ports": ["3306"]}, "a port is written as tcp/3306"),
        ({"direction": "sideways"}, "value of direction must be one of: ingress, egress"),
    ],
)
def test_what_is_refused(play, arguments, why):
    (message,) = set(
        play("service_port.yml", service="keystone", service_action="unplug", **arguments).failures.values()
    )
    assert why in message


@pytest.mark.each_line
@without_systemd
@pytest.mark.usefixtures("runtime_directory")
def test_a_network_is_not_cut_where_nothing_could_undo_it(play, service):
    arguments = {"inventory": service.inventory, "service": service.name}
    unplug = play("service_port.yml", service_action="unplug", **arguments)
    why = "cuts a network and needs systemd and root on the host to carry its undo"
    assert unplug.failures == {"here": f"unplug {service.name} {why}"}
    assert directory_of(f"unplug-{service.name}") is None
    assert not play("service_port.yml", service_action="plug", **arguments).result["changed"]


@pytest.fixture
def cut(tmp_path: Path) -> Callable[..., None]:
    """Put the rules for lines of targets in force in a namespace; without lines remove them."""
    directory = tmp_path / "unplug-web"
    directory.mkdir()

    def run(host: Namespace, *targets: str) -> None:
        (directory / "targets").write_text("".join(f"{line}\n" for line in targets))
        for script in ("unplug.sh", "cut.sh") if targets else ("uncut.sh",):
            host.run("sh", str(FILES / script), cwd=directory)

    return run


PUBLISHED = """
table ip engine {
    chain published { fib daddr type local tcp dport 8080 dnat to 172.17.0.2:80; }
    chain arriving { type nat hook prerouting priority -100; jump published; }
    chain leaving { type nat hook output priority -100; jump published; }
}
"""
"""What a container engine does to publish port 80 of a container as 8080 of the host."""


@needs_root
@pytest.mark.case("f04")
def test_a_port_that_a_container_engine_publishes_is_cut(cut):
    with namespaces(3) as (client, host, container):
        join(client, "10.99.0.9/24", host, "10.99.0.1/24", "outside")
        join(host, "172.17.0.1/16", container, "172.17.0.2/16", "bridge")
        container.run("ip", "route", "add", "default", "via", "172.17.0.1")
        client.run("ip", "route", "add", "172.17.0.0/16", "via", "10.99.0.1")
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        host.run("nft", "-f", "-", text=PUBLISHED)
        container.serve("web", "0.0.0.0:80", "0.0.0.0:81")
        assert (client.ask("10.99.0.1", 8080), host.ask("10.99.0.1", 8080)) == ("web", "web")
        for targets in (["port=tcp/8080"], ["port=tcp/8080/10.99.0.1"], ["way=ingress", "port=tcp/8080"]):
            cut(host, *targets)
            assert (client.ask("10.99.0.1", 8080), host.ask("10.99.0.1", 8080)) == ("", ""), targets
            assert client.ask("172.17.0.2", 80) == "web", "what the host only sends on is no port of the host"
        cut(host, "port=tcp/81")
        assert client.ask("10.99.0.1", 8080) == "web", "another port is cut"
        cut(host)
        assert client.ask("10.99.0.1", 8080) == "web"
        assert host.run("nft", "list", "tables") == "table ip engine\n"


LOOK = """
import json, sys
import ansible.module_utils
ansible.module_utils.__path__.append(sys.argv[1])
from ansible.module_utils.os_faults.service import ports, resolve
found = ports.of_service(resolve.Service((), (int(sys.argv[2]),)), json.loads(sys.argv[3]), "keystone")
print(json.dumps({"targets": [port.target for port in found.ports], "notes": found.notes}))
"""


def ports_of(host: Namespace, pid: int, **definition: Any) -> dict[str, list[str]]:
    """Return what a host would cut off of a service that is one process."""
    words = (str(resources.module_utils_dir()), str(pid), json.dumps(definition))
    return json.loads(host.run(sys.executable, "-c", LOOK, *words))


@needs_root
@pytest.mark.case("f07")
@pytest.mark.parametrize(
    ("own", "virtual"), [("10.99.0.1", "10.99.0.250"), ("fd00:99::1", "fd00:99::250")], ids=["ipv4", "ipv6"]
)
def test_what_listens_at_another_address_is_not_cut(cut, own, virtual):
    with namespaces(2) as (client, host):
        bits = 64 if ":" in own else 24
        join(client, f"{own}9/{bits}", host, f"{own}/{bits}")
        host.run("ip", "address", "add", f"{virtual}/{bits}", "dev", "wire", *["nodad"] * (":" in own))
        keystone = host.serve("keystone", f"{own}:5000")
        host.serve("haproxy", f"{virtual}:5000")
        assert [client.ask(address, 5000) for address in (own, virtual)] == ["keystone", "haproxy"]
        cut(host, *ports_of(host, keystone)["targets"])
        assert [client.ask(address, 5000) for address in (own, virtual)] == ["", "haproxy"]
        assert host.ask(own, 5000) == "", "over loopback it answers yet"
        cut(host)
        assert client.ask(own, 5000) == "keystone"


@needs_root
@pytest.mark.case("f07")
def test_who_shares_what_is_cut_is_told():
    with namespaces(1) as (host,):
        service = host.serve("keystone", "127.0.0.1:5000", "127.0.0.1:5001")
        host.serve("haproxy", "127.0.0.2:5000")
        apart = {"targets": ["port=tcp/5000/127.0.0.1", "port=tcp/5001/127.0.0.1"], "notes": []}
        assert ports_of(host, service) == apart
        down = ports_of(host, 0, ports=[["tcp", 5000]])
        assert down["targets"] == ["port=tcp/5000"]
        assert [note.partition(" ")[2] for note in down["notes"]] == [
            "is cut off too, on tcp/5000 at 127.0.0.1",
            "is cut off too, on tcp/5000 at 127.0.0.2",
        ]


@needs_root
@pytest.mark.case("f04")
def test_a_container_that_publishes_nothing_is_refused():
    with namespaces(2) as (host, container):
        pid = container.serve("web", "0.0.0.0:80")
        with pytest.raises(AssertionError, match="the container of keystone publishes no port on this host"):
            ports_of(host, pid, container="web", ports=[["tcp", 8080]])

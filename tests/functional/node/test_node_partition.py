"""Cutting a node off from others, as far as it goes without root: what is refused, and what the rules say."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.held_service import without_systemd
from support.namespaces import join, namespaces
from support.packed_modules import needs_root

from os_faults import resources

pytestmark = pytest.mark.functional

FILES = resources.playbooks_dir() / "files" / "cut"
NEIGHBOURS = {f"{way} accept 6 icmpv6 - {kind} -" for way in ("in", "out") for kind in range(133, 138)}


@pytest.fixture
def rules(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return what the script of the fault says to a list of others; its rules are in the file ``rules``."""

    def run(*others: str, targets: str = "") -> subprocess.CompletedProcess[str]:
        (tmp_path / "others").write_text("".join(other + "\n" for other in others))
        (tmp_path / "targets").write_text(targets)
        script = ["sh", "-c", f"sh {FILES / 'addresses.sh'} && sh {FILES / 'partition.sh'}"]
        return subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def test_the_rules_of_a_partition(rules, tmp_path):
    done = rules("192.0.2.9", "2001:db8::9", "192.0.2.7", "fe80::7%eth0", "127.0.0.1", targets="session=192.0.2.9/22\n")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "rules").read_text().splitlines()
    assert set(lines) > NEIGHBOURS
    assert [line for line in lines if line not in NEIGHBOURS] == [
        f"{way} {rule}"
        for way in ("in", "out")
        for rule in (
            "accept 4 tcp 192.0.2.9 22 -",
            "drop 4 - 192.0.2.7,192.0.2.9 - -",
            "drop 6 - 2001:db8::9,fe80::7 - -",
        )
    ]


@pytest.mark.parametrize(
    ("others", "why"),
    [
        (["127.0.0.1", "localhost"], "the others have no address but those of this host itself"),
        ([], "the others have no address"),
        (["no-such-host.invalid"], "there is no address for no-such-host.invalid on this host"),
    ],
)
def test_what_is_refused(rules, others, why):
    done = rules(*others)
    assert done.returncode == 3
    assert why in done.stderr


@without_systemd
def test_a_network_is_not_cut_where_nothing_could_undo_it(play):
    refused = play("node_partition.yml", node_action="partition", others="node-3, node-2")
    why = "cuts a network and needs systemd and root on the host to carry its undo"
    assert refused.failures == {"here": f"partition node-2,node-3 {why}"}


def test_rejoining_where_nothing_is_cut_changes_nothing(play):
    assert not play("node_partition.yml", node_action="rejoin", others="node-2").result["changed"]


@needs_root
@pytest.mark.parametrize("tool", ["nft", "iptables"])
def test_who_is_behind_the_host_is_cut_off_too(tool: str, tmp_path: Path) -> None:
    """The other end, somebody else, and a container, by way of the host that is between them."""
    directory = tmp_path / "partition-other"
    directory.mkdir()
    (directory / "tool").write_text(f"{tool}\n")
    (directory / "rules").write_text("in drop 4 - 10.99.0.9 - -\nout drop 4 - 10.99.0.9 - -\n")
    with namespaces(4) as (other, third, host, container):
        join(other, "10.99.0.9/24", host, "10.99.0.1/24", "one")
        join(third, "10.98.0.9/24", host, "10.98.0.1/24", "two")
        join(host, "172.17.0.1/16", container, "172.17.0.2/16", "bridge")
        for end, way in ((other, "10.99.0.1"), (third, "10.98.0.1"), (container, "172.17.0.1")):
            end.run("ip", "route", "add", "default", "via", way)
        host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        other.serve("other", "10.99.0.9:80")
        third.serve("third", "10.98.0.9:80")
        container.serve("web", "172.17.0.2:80")

        def seen() -> tuple[str, ...]:
            asked = ((container, "10.99.0.9"), (other, "172.17.0.2"), (container, "10.98.0.9"), (third, "172.17.0.2"))
            return tuple(end.ask(address, 80) for end, address in asked)

        assert seen() == ("other", "web", "third", "web")
        host.run("sh", str(FILES / "cut.sh"), cwd=directory)
        assert seen() == ("", "", "third", "web")
        assert (directory / "tool").read_text().strip() == tool
        host.run("sh", str(FILES / "uncut.sh"), cwd=directory)
        assert seen() == ("other", "web", "third", "web")

"""Cutting ports off: what the rules say, and that what can't be cut is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
        "in drop - tcp - 5000 -",
        "out drop - tcp - 5000 -",
        "in drop - udp - 53 -",
        "out drop - udp - 53 -",
    ]


def test_what_leaves(rules):
    assert rules("way=egress", "port=tcp/3306", "session=192.0.2.1/22") == [
        "in accept 4 tcp 192.0.2.1 22 -",
        "out accept 4 tcp 192.0.2.1 22 -",
        "out drop - tcp - - 3306",
    ]


def test_what_arrives(rules):
    assert rules("way=ingress", "port=tcp/5000") == ["in drop - tcp - 5000 -"]


def test_what_some_send(rules):
    assert rules("way=ingress", "port=tcp/5000", found=("192.0.2.9", "2001:db8::9", "192.0.2.7", "192.0.2.9")) == [
        "in drop 4 tcp 192.0.2.7,192.0.2.9 5000 -",
        "in drop 6 tcp 2001:db8::9 5000 -",
    ]


def test_who_is_on_the_host_as_well_comes_over_loopback_too(rules):
    assert rules("way=ingress", "port=tcp/5000", found=("127.0.0.1",)) == [
        "in drop 4 tcp 127.0.0.1 5000 -",
        "in drop 6 tcp ::1 5000 -",
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

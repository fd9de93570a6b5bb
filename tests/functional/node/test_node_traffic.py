"""Networks made slow, as far as it goes without root; where root may make a network of its own, on one of these."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.held_service import without_systemd
from support.programs import needs

from os_faults import resources

pytestmark = pytest.mark.functional

SHAPE = resources.playbooks_dir() / "files" / "traffic" / "shape.sh"
LOOK = "tc qdisc show dev lo | sed '/^qdisc noqueue/d; s/ refcnt [0-9]*//; s/ seed [0-9]*//; s/ *$//'"


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("latency", {"milliseconds": 0}, "value of milliseconds must be from 1 to 60000, got: 0"),
        ("loss", {"percent": 100.5}, "value of percent must be from 0.1 to 100, got: 100.5"),
        ("bandwidth", {"rate": "1Mbit"}, "value of rate must be a number, or one with K, M, G or T, got: 1Mbit"),
        ("latency", {"network_name": "storrage"}, "network 'storrage' is not known; known: storage"),
    ],
)
def test_what_is_refused(play, verb, arguments, message):
    networks = {"os_faults_networks": {"storage": "lo"}}
    arguments = {"network_name": "storage", **arguments}
    assert message in play("node_traffic.yml", inventory=networks, node_action=verb, **arguments).failures["here"]


@without_systemd
def test_a_network_is_not_cut_where_nothing_could_undo_it(play):
    refused = play("node_traffic.yml", node_action="loss", percent=100, network_name="lo")
    why = "cuts a network and needs systemd and root on the host to carry its undo"
    assert refused.failures == {"here": f"loss lo {why}"}
    assert not play("node_traffic.yml", node_action="end_loss", network_name="lo").result["changed"]


@pytest.mark.parametrize("verb", ["end_latency", "end_loss", "end_bandwidth"])
def test_the_end_of_what_is_not_there_changes_nothing(play, verb):
    assert not play("node_traffic.yml", node_action=verb, network_name="lo").result["changed"]


def in_a_network_of_its_own(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = ["unshare", "--user", "--map-root-user", "--net", *argv]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


def has_netem() -> bool:
    """Whether the kernel has netem; where that can't be tried, the test tells why."""
    if not shutil.which("tc") or not shutil.which("unshare"):
        return True
    tried = in_a_network_of_its_own("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
    return "qdisc kind is unknown" not in tried.stderr


@pytest.fixture
def shaped(tmp_path: Path) -> Callable[..., list[str]]:
    """Begin and end faults one after the other and return the discipline after each; "" is the kernel's own."""
    parts = {"latency": "delay 150ms", "loss": "loss 5%", "bandwidth": "rate 2Mbit"}
    for name, part in parts.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "targets").write_text("interface=lo\n")
        (tmp_path / name / "part").write_text(f"{part}\n")

    def run(*steps: str) -> list[str]:
        lines = []
        for step in steps:
            name, word = step.split()
            lines.append(f"(cd {name} && sh {SHAPE} {word} >&2) || exit")
            lines.append(f'echo "$({LOOK})"')
        done = in_a_network_of_its_own("sh", "-c", "\n".join(lines), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout.split("\n")[:-1]

    return run


@needs("tc", "unshare")
def test_a_limit_comes_and_goes(shaped):
    limited = "qdisc tbf f517: root rate 2Mbit burst 16Kb lat 400ms"
    assert shaped("bandwidth begin", "bandwidth begin", "bandwidth end", "bandwidth end") == [limited, limited, "", ""]


@needs("tc", "unshare")
@pytest.mark.skipif(not has_netem(), reason="this kernel has no netem")
def test_all_three_on_one_network_end_in_any_order(shaped):
    steps = ["bandwidth begin", "latency begin", "loss begin", "bandwidth end", "bandwidth begin", "latency end"]
    assert shaped(*steps, "loss end", "bandwidth end") == [
        "qdisc tbf f517: root rate 2Mbit burst 16Kb lat 400ms",
        "qdisc netem f518: root limit 100000 delay 150ms rate 2Mbit",
        "qdisc netem f518: root limit 100000 delay 150ms loss 5% rate 2Mbit",
        "qdisc netem f518: root limit 100000 delay 150ms loss 5%",
        "qdisc netem f518: root limit 100000 delay 150ms loss 5% rate 2Mbit",
        "qdisc netem f518: root limit 100000 loss 5% rate 2Mbit",
        "qdisc tbf f517: root rate 2Mbit burst 16Kb lat 400ms",
        "",
    ]

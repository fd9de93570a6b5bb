"""A node runs out of memory, and its sshd survives."""

from __future__ import annotations

import subprocess
import threading

from hostlab.evidence import Evidence
from hostlab.memory import oom_kills
from hostlab.observer import Host
from hostlab.subject import memcached

from os_faults import Cloud, Result


def test_oom(cloud: Cloud, node_3: Host, evidence: Evidence) -> None:
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    kills, sshd, boot = oom_kills(node_3), node_3.processes("ssh.service"), node_3.boot_id()
    with node_3.undone():
        nodes.oom(duration=30)
        grown = oom_kills(node_3) - kills
        assert grown > 0
        assert node_3.processes("ssh.service") == sshd
        assert node_3.boot_id() == boot
    assert memcached(node_3).answers()
    evidence.seen("oom", f"the kernel's OOM killer acted ({grown} kills), sshd is the same process")
    evidence.undone("oom", "nothing of it runs, host as before")


def test_end_of_an_oom(cloud: Cloud, node_3: Host, evidence: Evidence) -> None:
    """The process that fills the memory is held still, so that there is something to end."""
    nodes = cloud.get_nodes(fqdns=[node_3.fqdn])
    kills = oom_kills(node_3)
    eater = "'^[^ ]*python[^ ]* .*eat_memory'"
    hold_still = f"n=0; until pkill -STOP -f {eater}; do n=$((n + 1)); [ $n -lt 2000 ] || exit 1; sleep 0.01; done"
    results: list[Result] = []
    with node_3.undone():
        helper = subprocess.Popen(node_3.command("sh", "-c", hold_still))
        filling = threading.Thread(target=lambda: results.append(nodes.oom(duration=60, check=False)))
        filling.start()
        assert helper.wait(timeout=40) == 0, "nothing filled the memory"
        assert node_3.sh(f"pgrep -f {eater}")
        assert nodes.end_oom().changed
        assert not node_3.sh(f"pgrep -f {eater}; true")
        filling.join(timeout=30)
        assert not filling.is_alive(), "oom does not notice that it was ended"
        assert not nodes.end_oom().changed
    assert not results[0][node_3.fqdn].ok
    assert oom_kills(node_3) == kills
    evidence.seen("end_oom", "the process that filled the memory is gone, the kernel killed nothing")
    evidence.undone("end_oom", "unit and record gone, host as before")

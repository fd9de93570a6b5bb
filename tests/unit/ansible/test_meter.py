"""What a run may take of the controller, and what it is seen to have taken."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from os_faults.ansible.meter import Meter, cores, forks, free_mb

#: Works, then keeps its memory until it is told that it may end.
BUSY = """
import sys, time
block = b"x" * (64 << 20)
while time.process_time() < 0.4:
    pass
sys.stdin.read()
"""
#: Seconds; a busy machine measures late.
PATIENCE = 60


@pytest.mark.parametrize(
    ("nodes", "cores", "free_mb", "expected"),
    [
        pytest.param(1, 2, 16000, 1, id="no more than nodes"),
        pytest.param(200, 2, 16000, 50, id="so many for a core"),
        pytest.param(200, 64, 64000, 100, id="an end for many cores"),
        pytest.param(200, 2, 640, 25, id="half of the memory"),
        pytest.param(200, 2, 0, 1, id="one at least"),
    ],
)
def test_forks_fit_to_nodes_cores_and_memory(nodes: int, cores: int, free_mb: float, expected: int) -> None:
    assert forks(nodes, cores, free_mb) == expected


def test_this_machine_is_known() -> None:
    assert cores() >= 1
    assert free_mb() > 0


def run_busy(*meters: Meter) -> None:
    """Run a child that works, until each meter has seen its memory."""
    deadline = time.monotonic() + PATIENCE
    with subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE) as child:
        while any(meter.cost(forks=1).memory_mb < 64 for meter in meters):
            assert time.monotonic() < deadline, "the child's memory was not seen"
            time.sleep(0.05)
        child.communicate(timeout=PATIENCE)
    assert child.returncode == 0


def test_a_child_is_measured() -> None:
    with Meter() as meter:
        run_busy(meter)
    cost = meter.cost(forks=3)
    assert cost.cpu_seconds >= 0.4
    assert cost.memory_mb >= 64
    assert cost.forks == 3


def test_two_at_once_see_the_same_memory_and_a_forked_child_sees_its_own() -> None:
    with Meter() as first, Meter() as second:
        run_busy(first, second)
        child = os.fork()
        if child == 0:
            with Meter() as own:
                time.sleep(0.5)
            os._exit(own.cost(forks=1).memory_mb > 0)  # it has started nothing
        assert os.waitpid(child, 0)[1] == 0

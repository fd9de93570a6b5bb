"""Ends the leftovers of a stopped run on the controller.

ansible-runner kills the process group of ``ansible-playbook``. In ansible-core 2.19 and newer, the worker processes and
their ssh clients are in another session, so they survive.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: Process names, cut to 15 characters as by the kernel. No other process is ended: with a local connection, the
#: watchdog of a hold and a service that was just started also inherit the environment of their run.
_OURS = frozenset({"ansible-playbook"[:15], "ssh", "sshpass"})


def end_leftovers(artifact_dir: Path, seconds: float = 2.0) -> None:
    """Kill the Ansible and ssh processes of one run, until none is left.

    Args:
        artifact_dir: the run's artifacts. Every process of the run has this path in its environment; a process forked
            by the server of `os_faults.ansible.warm` has the directory open.
        seconds: how long to try; a process that is killed while it forks may leave another.
    """
    deadline = time.monotonic() + seconds
    while (found := list(_of_run(artifact_dir))) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _of_run(artifact_dir: Path) -> Iterator[int]:
    mark = f"AWX_ISOLATED_DATA_DIR={artifact_dir}".encode()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if (process / "comm").read_text().rstrip("\n") not in _OURS:
                continue
            if mark in (process / "environ").read_bytes().split(b"\0") or _has_open(process, artifact_dir):
                yield int(process.name)
        except OSError:
            continue  # ended meanwhile, or another user's


def _has_open(process: Path, directory: Path) -> bool:
    return any(os.readlink(descriptor) == str(directory) for descriptor in (process / "fd").iterdir())

"""Ends what a stopped run left behind on the controller.

ansible-runner kills the process group of ``ansible-playbook``, but the workers of ansible-core 2.19 and newer
have a session of their own, and their ssh clients with them.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: As the kernel cuts process names (15 characters). Nothing else is ended: with a local connection also the
#: watchdog of a hold and a service that was just started inherit the environment of their run.
_OURS = frozenset({"ansible-playbook"[:15], "ssh", "sshpass"})


def end_leftovers(artifact_dir: Path, seconds: float = 2.0) -> None:
    """Kill the Ansible and ssh processes of one run, until none is left.

    Args:
        artifact_dir: the run's artifacts; every process of the run has them in its environment, or open when it was
            forked by the server of `os_faults.ansible.warm`.
        seconds: how long to try; one that is killed while it forks may leave another.
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

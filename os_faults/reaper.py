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
        artifact_dir: the run's artifacts; every process of the run has them in its environment.
        seconds: how long to try; one that is killed while it forks may leave another.
    """
    mark = f"AWX_ISOLATED_DATA_DIR={artifact_dir}".encode()
    deadline = time.monotonic() + seconds
    while (found := list(_marked(mark))) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _marked(mark: bytes) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            ours = (entry / "comm").read_text().rstrip("\n") in _OURS
            if ours and mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)
        except OSError:
            continue  # ended meanwhile, or another user's

"""Real processes of another user, and real file systems of their own, for tests that root runs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

#: A user that has no account on any machine.
STRANGER = 54322
BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]

#: What a machine must let tests do that mount file systems, which nobody else sees.
private_mounts = pytest.mark.skipif(
    os.geteuid() != 0
    or not shutil.which("unshare")
    or subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0,
    reason="only root can mount file systems of its own",
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")


def call(
    *argv: str | os.PathLike[str],
    cwd: Path,
    env: Mapping[str, str] | None = None,
    uid: int = 0,
    mounts: Iterable[str] = (),
    timeout: float = 120,
    **more: object,
) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing in its environment but a PATH and ``env``, in a mount namespace of its own.

    It also finds the compiled Python of the tests, which another user can't write for himself.

    Args:
        argv: the program and its arguments.
        cwd: where.
        env: its environment.
        uid: as whom; what keeps that user from this Python is out of his way.
        mounts: commands that are run before it, by a shell of root.
        timeout: seconds.
        more: further arguments of `subprocess.run`.
    """
    steps = [*mounts, *(opening(cwd) if uid else [])]
    drop = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
    compiled = {name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX",) if name in os.environ}
    environment = {"PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", **compiled, **(env or {})}
    command = shlex.join(
        ["setpriv", *drop, "env", "-i", *(f"{k}={v}" for k, v in environment.items()), *map(str, argv)]
    )
    script = "\n".join(["set -e", *steps, f"exec {command}"])
    unshared = ["unshare", "-m"] if steps else []
    settings = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.run(
        [*unshared, "sh", "-c", script],
        cwd=cwd,
        text=True,
        errors="surrogateescape",
        timeout=timeout,
        check=False,
        **settings,
    )


def opening(cwd: Path) -> list[str]:
    """Return what lets everybody into the directories of this Python and of ``cwd``, and changes none of them.

    They are commands for a shell of root, in a mount namespace of its own.
    """
    needed = [Path(sys.executable), Path(sys.executable).resolve(), Path(sys.prefix), Path(sys.base_prefix), ROOT, cwd]
    closed = {each: None for path in needed for each in reversed(path.parents) if not each.stat().st_mode & 0o001}
    if not closed:
        return []
    layers = "/mnt"
    steps = [f"mount -t tmpfs none {layers}"]
    for number, each in enumerate(sorted(closed)):
        upper, work, there = f"{layers}/u{number}", f"{layers}/w{number}", shlex.quote(str(each))
        steps += [
            f"mkdir {upper} {work}",
            f"mount -t overlay overlay -o lowerdir={there},upperdir={upper},workdir={work} {there}",
            f"chmod 755 {there}",
        ]
    return steps

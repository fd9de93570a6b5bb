"""Where os_faults keeps what outlives a session: a directory of the user, with files of their own for each cloud."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path


def state_dir(environ: Mapping[str, str]) -> Path:
    """Return the user's state directory for os_faults (XDG base directory specification).

    Example:
        >>> state_dir({"XDG_STATE_HOME": "/s"})
        PosixPath('/s/os-faults')
    """
    base = environ.get("XDG_STATE_HOME") or os.path.join(environ.get("HOME", "~"), ".local", "state")
    return Path(base).expanduser() / "os-faults"


def file_of(state: Path, seeds: Iterable[str], suffix: str) -> Path:
    """Return the path of a file about one cloud.

    Args:
        state: the state directory.
        seeds: addresses of the cloud's seed nodes: they tell clouds apart.
        suffix: what the file is, such as ``.json``.

    Example:
        >>> file_of(Path("/s"), ["10.0.0.2", "10.0.0.1"], ".json")
        PosixPath('/s/clouds/69ae28685fe1f623.json')
    """
    key = hashlib.sha256("\n".join(sorted(seeds)).encode()).hexdigest()[:16]
    return state / "clouds" / f"{key}{suffix}"

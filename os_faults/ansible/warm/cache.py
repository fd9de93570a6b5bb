"""What a warm start makes of files of ours, kept for the next process of this user: a third of its time.

It is as trusted as the files that it is made of, as it is code: only this user may be able to change it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from os_faults.config.state import xdg_dir
from os_faults.system import ownership

#: Most files that are kept: two for each combination of versions that is in use.
_MOST = 12


def place(name: str, made_of: Any, environ: Mapping[str, str]) -> Path | None:
    """Return the path of a file that is kept; None where this user can't keep any.

    The directory is created, but not the home directory of a user. Other files are removed when there are too many.

    Args:
        name: what the file has.
        made_of: all that its content follows from; Python's version is added.
        environ: the environment, for ``XDG_CACHE_HOME`` and ``HOME``.

    Example:
        >>> place("templates", ["2.19.4"], {"XDG_CACHE_HOME": "/nowhere/at-all"}) is None
        True
    """
    directory = xdg_dir(environ, "XDG_CACHE_HOME", ".cache") / "os-faults"
    key = hashlib.sha256(repr((sys.version, made_of)).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    try:
        for each in (directory.parent, directory):
            each.mkdir(mode=0o700, exist_ok=True)
        if ownership.flaw(directory) or not os.access(directory, os.W_OK):
            return None
        path = directory / f"{name}-{key}"
        if not path.exists():
            _make_room(directory)
    except OSError:
        return None
    return path


def _make_room(directory: Path) -> None:
    """Remove the files that are kept beyond the newest ones, and what killed processes have left of theirs."""
    files = sorted(directory.iterdir(), key=lambda path: path.lstat().st_mtime)
    for path in files[: -_MOST + 1]:
        with contextlib.suppress(OSError):
            path.unlink()

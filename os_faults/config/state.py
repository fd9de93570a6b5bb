"""Where os_faults keeps what outlives a session: a directory of the user, with files of their own for each cloud."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Iterable, Mapping
from pathlib import Path


def home(environ: Mapping[str, str]) -> Path:
    """Return the user's home directory; one that can't be made for a user who has none.

    A ``HOME`` that is empty or relative counts as not set: it would be another place in every directory.

    Example:
        >>> home({"HOME": "/home/me"})
        PosixPath('/home/me')
    """
    if (named := environ.get("HOME", "")).startswith("/"):
        return Path(named)
    try:
        known = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # as in a container that runs with any number for a user
        known = ""
    return Path(known if known.startswith("/") else "/nonexistent")


def xdg_dir(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """Return a base directory of the XDG specification, by which one that is not absolute counts as not set.

    Args:
        environ: the environment.
        variable: names the directory, such as ``XDG_STATE_HOME``.
        default: the directory below the home that it is otherwise.
    """
    named = environ.get(variable, "")
    return Path(named) if named.startswith("/") else home(environ) / default


def state_dir(environ: Mapping[str, str]) -> Path:
    """Return the user's state directory for os_faults (XDG base directory specification).

    Example:
        >>> state_dir({"XDG_STATE_HOME": "/s"})
        PosixPath('/s/os-faults')
    """
    return xdg_dir(environ, "XDG_STATE_HOME", ".local/state") / "os-faults"


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
    key = hashlib.sha256("\n".join(sorted(seeds)).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return state / "clouds" / f"{key}{suffix}"

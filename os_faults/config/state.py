"""The state directory of os_faults: files that outlive a session, separate for each cloud."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Iterable, Mapping
from pathlib import Path


def home(environ: Mapping[str, str]) -> Path:
    """Return the user's home directory; a directory that can't exist for a user without one.

    An empty or relative ``HOME`` counts as not set: it would depend on the current directory.

    Example:
        >>> home({"HOME": "/home/me"})
        PosixPath('/home/me')
    """
    if (named := environ.get("HOME", "")).startswith("/"):
        return Path(named)
    try:
        known = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # as in a container with an arbitrary user id
        known = ""
    return Path(known if known.startswith("/") else "/nonexistent")


def xdg_dir(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """Return a base directory of the XDG specification; by it, a path that is not absolute counts as not set.

    Args:
        environ: the environment.
        variable: the variable of the directory, such as ``XDG_STATE_HOME``.
        default: the default directory, below the home directory.
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


def runs_dir(artifacts_dir: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the directory for the artifacts of runs: that of the configuration, or the default one.

    Args:
        artifacts_dir: the directory that the configuration names, if any.
        environ: the environment.
    """
    return artifacts_dir or state_dir(environ) / "runs"


def file_of(state: Path, seeds: Iterable[str], suffix: str) -> Path:
    """Return the path of a file about one cloud.

    Args:
        state: the state directory.
        seeds: the identity of the cloud: addresses of its seed nodes.
        suffix: suffix of the file, such as ``.json``.

    Example:
        >>> file_of(Path("/s"), ["10.0.0.2", "10.0.0.1"], ".json")
        PosixPath('/s/clouds/69ae28685fe1f623.json')
    """
    key = hashlib.sha256("\n".join(sorted(seeds)).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return state / "clouds" / f"{key}{suffix}"

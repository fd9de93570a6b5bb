"""Programs that tests start: whether this machine has them, and the keys, certificates and ports that servers need."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def needs(*programs: str, module: str = "", package: str = "", root: bool = False) -> pytest.MarkDecorator:
    """Return the mark of tests that are skipped where something is missing (in CI they fail then, see `skips`).

    Args:
        programs: names of programs.
        module: a module of Python.
        package: the package that has the module.
        root: whether the tests need to be root.
    """
    missing = [name for name in programs if not shutil.which(name, path=PATH)]
    missing += [package] if module and not importlib.util.find_spec(module) else []
    missing += ["root"] if root and os.geteuid() != 0 else []
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is missing (see CONTRIBUTING.md)")


def ssh_keys(folder: Path) -> None:
    """Make the files ``host`` and ``key`` of an sshd, and their public halves."""
    for name in ("host", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)


class Certificate(NamedTuple):
    """Files of a certificate that has signed itself, and of its key."""

    certificate: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    """Make a certificate of a server at 127.0.0.1, in a folder."""
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    words = ["-nodes", "-days", "2", "-subj", "/CN=bmc", "-addext", "subjectAltName=IP:127.0.0.1"]
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *words]
    files = ["-out", str(made.certificate), "-keyout", str(made.key)]
    subprocess.run([*request, *files], check=True, capture_output=True)
    return made


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

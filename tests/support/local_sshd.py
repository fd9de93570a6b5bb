"""Real sshds that are hosts of a cloud: every address 127.x.y.z is this machine. Each has its own, empty /run."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.programs import PATH, free_port, needs, ssh_keys

needs_sshd = needs("sshd", "ssh-keygen", "unshare", root=True)
_START = """\
mount -t tmpfs none /run
mkdir /run/sshd
port=$1 folder=$2
shift 2
exec "$(command -v sshd)" -D -o LogLevel=VERBOSE -E "$folder/log" -f /dev/null -h "$folder/host" -p "$port" \\
    -o ListenAddress=0.0.0.0 -o StrictModes=no -o AuthorizedKeysFile="$folder/key.pub" \\
    -o PermitRootLogin=prohibit-password -o UsePAM=no -o UseDNS=no -o PidFile=none \\
    -o KexAlgorithms=curve25519-sha256 "$@"
"""


class LocalSshd:
    """An sshd with its keys.

    Attributes:
        folder: the folder of its files; ``key`` opens it, ``host`` is its host key, ``log`` is its log.
        port: its port, on every address of this machine.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @property
    def key(self) -> str:
        """The path of the private key that opens it."""
        return str(self.folder / "key")

    @property
    def login(self) -> dict[str, Any]:
        """The login of a node behind it, in the form of the configuration."""
        keys = {"username": "root", "port": self.port, "private_key_file": self.key}
        return {**keys, "python_interpreter": sys.executable}

    @property
    def log(self) -> str:
        """The text of its log."""
        return (self.folder / "log").read_text()


@contextmanager
def local_sshd(folder: Path, *options: str) -> Iterator[LocalSshd]:
    """Start an sshd, and end it.

    Args:
        folder: an empty folder.
        options: further options of sshd, each in the form ``MaxStartups=10``.
    """
    ssh_keys(folder)
    sshd = LocalSshd(folder, free_port())
    words = [word for option in options for word in ("-o", option)]
    command = ["unshare", "--mount", "sh", "-ec", _START, "sshd", str(sshd.port), str(folder), *words]
    with subprocess.Popen(command, env={"PATH": PATH}, stdin=subprocess.DEVNULL) as process:
        try:
            _wait_for_banner(sshd.port)
            yield sshd
        finally:
            process.terminate()


def _wait_for_banner(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                assert connection.recv(4) == b"SSH-"
                return
        except (OSError, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)

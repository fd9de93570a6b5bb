"""Hosts behind a real sshd with boot ids of their own, which real BMCs start and reset (needs root).

Each host is an sshd in a mount namespace where the kernel's boot id is a file. A reset leaves the connections that are
open where they are, dead, as a loss of power does.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from os_faults import Node
from os_faults.model import Auth
from support.bmc import Bmc, starter
from support.programs import PATH, free_port, needs, ssh_keys

NEEDS_POWERED_HOST = needs("sshd", "ssh-keygen", "unshare", "pgrep", "ipmi_sim", root=True)

HOST = """\
mount -t tmpfs none /run
mkdir /run/sshd
cat /proc/sys/kernel/random/uuid >"$1/boot_id"
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
exec "$(command -v sshd)" -D -f /dev/null -h "$1/../host" -p "$(cat "$1/sshd")" -o ListenAddress=127.0.0.1 \
    -o AuthorizedKeysFile="$1/../key.pub" -o StrictModes=no -o PermitRootLogin=prohibit-password -o UsePAM=no \
    -o PidFile=none -o KexAlgorithms=curve25519-sha256
"""
MACHINE = """\
# What becomes of the host, in the folder of its BMC. `late`: a reset takes a second; `lost`: it does not come back;
# `tied`: the BMC says so, and nothing happens.
PATH=$PATH:/usr/sbin:/sbin
halt() {
    [ -e pid ] || return 0
    for session in $(pgrep -P "$(cat pid)"); do
        kill -STOP "$session"  # its end of the connections is dead, and they do not know it
        echo "$session" >>frozen
    done
    kill -KILL "$(cat pid)"
    rm pid
}
boot() {
    unshare --mount sh host.sh "$PWD" </dev/null >>log 2>&1 &
    echo $! >pid
}
case "$1 $2" in
"power 0") halt ;;
"power 1") boot ;;
"reset 1")
    if [ -e lost ]; then halt
    elif [ -e late ]; then { sleep 1; halt; sleep 1; boot; } >>log 2>&1 &
    elif [ ! -e tied ]; then halt; boot
    fi
    ;;
esac
"""


class Host:
    """A BMC and the host behind it."""

    def __init__(self, bmc: Bmc, *quirks: str) -> None:
        self.bmc = bmc
        self.port = free_port()
        for name, text in {"host.sh": HOST, "machine": MACHINE, "sshd": str(self.port)}.items():
            (bmc.folder / name).write_text(text)
        for quirk in quirks:
            (bmc.folder / quirk).touch()

    def do(self, what: str, value: int) -> None:
        """Do what the BMC would do; returns when the host answers or does not, as is wanted."""
        subprocess.run(["sh", "machine", what, str(value)], cwd=self.bmc.folder, env={"PATH": PATH}, check=True)
        for _ in range(100):
            with socket.socket() as probe:
                if (probe.connect_ex(("127.0.0.1", self.port)) == 0) == bool(value):
                    return
            time.sleep(0.1)
        raise AssertionError((self.bmc.folder / "log").read_text())

    def node(self, name: str) -> Node:
        """Return the node that the host is, with the login that it allows."""
        key = str(self.bmc.folder.parent / "key")
        return Node(name, "127.0.0.1", auth=Auth("root", private_key_file=key, port=self.port))

    @property
    def boot_id(self) -> str:
        return (self.bmc.folder / "boot_id").read_text().strip()

    def end(self) -> None:
        for name in ("pid", "frozen"):
            path = self.bmc.folder / name
            for pid in path.read_text().split() if path.exists() else []:
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass


@contextmanager
def powered_hosts(folder: Path) -> Iterator[Callable[..., Host]]:
    """Give a function that starts hosts, whose files are below ``folder``; all end with the context."""
    ssh_keys(folder)
    started: list[Host] = []
    with starter(folder) as bmcs:

        def start(*quirks: str) -> Host:
            (bmc,) = bmcs(1)
            started.append(Host(bmc, *quirks))
            started[-1].do("power", 1)
            return started[-1]

        try:
            yield start
        finally:
            for host in started:
                host.end()

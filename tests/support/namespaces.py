"""Network namespaces of their own, servers in them, and clients that ask them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

SERVER = """
import socket, sys, threading
name, *ends = sys.argv[1:]
def serve(listener):
    while True:
        peer = listener.accept()[0]
        peer.sendall(name.encode())
        peer.close()
for end in ends:
    address, _, port = end.rpartition(":")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, int(port)), family=family)
    threading.Thread(target=serve, args=[listener]).start()
print("listens", flush=True)
"""

CLIENT = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.4) as peer:
        print(peer.recv(64).decode(), end="")
except OSError:
    pass
"""


class Namespace:
    """A network namespace: a host of a test."""

    def __init__(self, pid: int, stack: ExitStack) -> None:
        self.pid = pid
        self._stack = stack

    def command(self, *argv: str) -> list[str]:
        """Return the command line that runs a command here."""
        return ["nsenter", "--target", str(self.pid), "--net", "--", *argv]

    def run(self, *argv: str, cwd: Path | None = None, text: str | None = None) -> str:
        """Run a command here, and return what it prints."""
        done = subprocess.run(self.command(*argv), cwd=cwd, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def serve(self, name: str, *ends: str) -> int:
        """Let a server listen here at ``ADDRESS:PORT``, each; it tells its name to who asks. Return its pid."""
        server = subprocess.Popen(self.command(sys.executable, "-ISc", SERVER, name, *ends), stdout=subprocess.PIPE)
        self._stack.callback(_end, server)
        assert server.stdout is not None
        assert server.stdout.readline() == b"listens\n"
        return server.pid

    def ask(self, address: str, port: int) -> str:
        """Return the name of the server that answers here; empty for none."""
        return self.run(sys.executable, "-ISc", CLIENT, address, str(port))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


@contextmanager
def namespaces(count: int) -> Iterator[list[Namespace]]:
    """Make some namespaces, each with its loopback; they end with the block, and so do their servers."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            argv = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo ready && exec sleep 300"]
            keeper = subprocess.Popen(argv, stdout=subprocess.PIPE)
            stack.callback(_end, keeper)
            assert keeper.stdout is not None
            assert keeper.stdout.readline() == b"ready\n"
            found.append(Namespace(keeper.pid, stack))
        yield found


def join(one: Namespace, address: str, other: Namespace, its_address: str, name: str = "wire") -> None:
    """Join two namespaces by a wire; ``address`` is ``ADDRESS/BITS``."""
    names = f"{name} type veth peer name {name} netns {other.pid}"
    one.run(*f"ip link add {names}".split())
    for namespace, own in ((one, address), (other, its_address)):
        namespace.run("ip", "link", "set", name, "up")
        namespace.run("ip", "address", "add", own, "dev", name, *["nodad"] * (":" in own))

"""Clients of the services, on raw sockets. Run as a program, it is such a client on another host.

Only the standard library: its text is also given to the Python of a host (see `observer.Host.client`).
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor


def ask(connection: socket.socket, kind: str) -> bool:
    """Say one thing in the service's own language, and tell whether it answered in that language."""
    if kind == "memcached":
        connection.sendall(b"version\r\n")
        return connection.recv(64).startswith(b"VERSION ")
    if kind == "http":
        connection.sendall(b"GET /v3 HTTP/1.0\r\nHost: lab\r\n\r\n")
        return connection.recv(64).startswith(b"HTTP/1")
    if kind == "mysql":  # the server speaks first: 3 bytes length, number 0, a greeting or that we are not allowed in
        return connection.recv(64)[3:5] in (b"\x00\x0a", b"\x00\xff")
    if kind == "ssh":
        return connection.recv(64).startswith(b"SSH-")
    raise ValueError(kind)


def answers(kind: str, address: str, port: int, timeout: float = 1.0) -> bool:
    """Tell whether a service answers a new client within the time."""
    try:
        with socket.create_connection((address, port), timeout) as connection:
            connection.settimeout(timeout)
            return ask(connection, kind)
    except OSError:
        return False


def answering(kind: str, port: int, addresses: Iterable[str]) -> list[str]:
    """Return the addresses at which a service answers; all are asked at once."""
    addresses = list(addresses)
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda address: answers(kind, address, port), addresses)
    return [address for address, ok in zip(addresses, found) if ok]  # noqa: B905 - also runs on older Pythons


def connects(address: str, port: int, timeout: float = 1.0) -> bool:
    """Tell whether the host's kernel accepts a connection, whatever the service does with it."""
    try:
        socket.create_connection((address, port), timeout).close()
    except OSError:
        return False
    return True


def main(mode: str, kind: str, port: str, *addresses: str) -> None:
    """Run as a client on a host.

    ``once`` prints the addresses at which the service answers. ``open`` keeps a connection to the one address open
    and asks over it at the start and for each line of standard input; it prints yes or no.
    """
    if mode == "once":
        print(*answering(kind, int(port), addresses))
        return
    with socket.create_connection((addresses[0], int(port)), 5) as connection:
        connection.settimeout(1.5)
        while True:
            answered = False
            with contextlib.suppress(OSError):
                answered = ask(connection, kind)
            print("yes" if answered else "no", flush=True)
            if not sys.stdin.readline():
                return


if __name__ == "__main__":
    main(*sys.argv[1:])

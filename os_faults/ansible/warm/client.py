"""The client, in place of ``ansible-playbook``: passes its command line, environment and output to `server`.

It is written as a program into the cloud's private directory, and run by the Python of os_faults. The real
``ansible-playbook`` is beside that Python. The client becomes it if there is no server, or if the server refuses.

It runs once for every run. Without the modules ``socket`` and ``json``, which load much, it takes 8 instead of 22 ms of
CPU time.
"""

import os
import sys
from _socket import AF_UNIX, SCM_RIGHTS, SHUT_WR, SOCK_STREAM, SOL_SOCKET, socket

HERE = os.path.dirname(os.path.abspath(__file__))
SOCKET = os.path.join(HERE, "socket")
REAL = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")


def accepted(server: socket) -> bool:
    """Pass this process's job to the server and return whether the server accepts it."""
    variables = [name + b"=" + value for name, value in os.environb.items()]
    argv = [os.fsencode(word) for word in (REAL, *sys.argv[1:])]
    data = b"\0".join([os.getcwdb(), b"%d" % len(argv), *argv, *variables])
    streams = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in (1, 2))
    try:
        server.connect(SOCKET)
        sent = server.sendmsg([data], [(SOL_SOCKET, SCM_RIGHTS, streams)])
        server.sendall(data[sent:])
        server.shutdown(SHUT_WR)
        return server.recv(1) == b"+"
    except OSError:
        return False


def end_of(server: socket) -> int:
    """Wait for the end of the run and return its exit status; 255 when it was killed."""
    try:
        status = server.recv(1)
    except OSError:
        status = b""
    return status[0] if status else 255


# Programs that Ansible runs find the real one.
os.environ["PATH"] = os.pathsep.join(path for path in os.environ["PATH"].split(os.pathsep) if path != HERE)
connection = socket(AF_UNIX, SOCK_STREAM)
if accepted(connection):
    os._exit(end_of(connection))
connection.close()
os.execv(REAL, [REAL, *sys.argv[1:]])  # noqa: S606 - no shell is wanted

"""What stands in the place of ``ansible-playbook``: hands its command line, environment and output to `server`.

It is written into the cloud's private directory as a program and run by the Python of os_faults, beside which lies the
real ``ansible-playbook``. That is what it becomes when there is no server or it says no.
"""

import json
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOCKET = os.path.join(HERE, "socket")
REAL = os.path.join(os.path.dirname(sys.executable), "ansible-playbook")


def accepted(server: socket.socket) -> bool:
    """Hand this process's job to the server and return whether it has taken it."""
    job = {"argv": [REAL, *sys.argv[1:]], "cwd": os.getcwd(), "env": dict(os.environ)}
    data = json.dumps(job).encode()
    try:
        server.connect(SOCKET)
        sent = socket.send_fds(server, [data], [1, 2])
        server.sendall(data[sent:])
        server.shutdown(socket.SHUT_WR)
        return server.recv(1) == b"+"
    except OSError:
        return False


def end_of(server: socket.socket) -> int:
    """Wait for the end of the run and return its exit status; 255 when it was killed."""
    try:
        status = server.recv(1)
    except OSError:
        status = b""
    return status[0] if status else 255


# What is run by Ansible finds the real one.
os.environ["PATH"] = os.pathsep.join(path for path in os.environ["PATH"].split(os.pathsep) if path != HERE)
with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
    if accepted(connection):
        os._exit(end_of(connection))
os.execv(REAL, [REAL, *sys.argv[1:]])  # noqa: S606 - no shell is wanted

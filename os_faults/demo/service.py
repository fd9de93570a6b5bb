"""The demo's web service: answers every request with its pid, and ends with the demo.

It is run as a program, ``python service.py PORT PIDFILE OWNER``, and imports nothing of os_faults.
"""

from __future__ import annotations

import os
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        """Log nothing."""


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128  # a frozen service's queue must not overflow, or the kernel would delay its first answer


def _end_with(owner: int) -> None:
    """End this process when the demo's process is gone, for any reason."""
    while Path(f"/proc/{owner}").exists():
        time.sleep(0.5)
    os._exit(0)


def main(port: int, pidfile: Path, owner: int) -> None:
    """Serve on 127.0.0.1 until the end of the process."""
    with _Server(("127.0.0.1", port), _Answer) as server:
        threading.Thread(target=_end_with, args=(owner,), daemon=True).start()
        pidfile.write_text(f"{os.getpid()}\n", encoding="ascii")
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))

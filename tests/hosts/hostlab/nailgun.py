"""The part of Fuel's Nailgun that its command line asks for nodes; runs on the master of the lab, with Python alone.

    python3 nailgun.py

The nodes, ``[{"id": 1, …}, …]``, are in the file `NODES`, which is read whenever somebody asks.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8000
NODES = "/tmp/nailgun.json"
_COMMON = {
    "status": "ready",
    "pending_addition": False,
    "pending_deletion": False,
    "pending_roles": [],
    "online": True,
    "os_platform": "debian",
    "platform_name": None,
    "manufacturer": "lab",
    "group_id": 1,
    "kernel_params": None,
    "progress": 100,
    "error_type": None,
    "error_msg": "",
    "agent_checksum": "",
    "extensions": [],
    "labels": {},
    "tags": [],
    "network_data": [],
    "meta": {},
}


def known() -> list[dict]:
    """Return the nodes as Nailgun describes them."""
    with open(NODES) as stream:
        told = json.load(stream)
    return [
        {
            **_COMMON,
            "name": f"Untitled ({node['id']})",
            "hostname": f"node-{node['id']}",
            "uuid": f"u{node['id']}",
            **node,
        }
        for node in told
    ]


class Nailgun(BaseHTTPRequestHandler):
    """Answers as the API of Nailgun 11.0 does, to whom asks for its version or its nodes."""

    def do_GET(self) -> None:
        nodes = known()
        path = self.path.partition("?")[0].rstrip("/").removeprefix("/api/v1/")
        one = {f"nodes/{node['id']}": node for node in nodes}
        answers = {"version": {"release": "11.0", "api": "1", "auth_required": False}, "nodes": nodes, **one}
        body = json.dumps(answers.get(path, {"message": "not found"})).encode()
        self.send_response(200 if path in answers else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", PORT), Nailgun).serve_forever()

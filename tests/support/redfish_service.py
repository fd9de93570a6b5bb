"""A Redfish service with one machine, which answers as real ones do at their worst: what it says is told beforehand."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

ROOT = "/redfish/v1/"
SYSTEM = f"{ROOT}Systems/1"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
CARDS = f"{SYSTEM}/EthernetInterfaces"
SESSIONS = f"{ROOT}SessionService/Sessions"
TASK = f"{ROOT}TaskService/TaskMonitors/7"
USER, PASSWORD = "admin", "canary-password"


class Answer(NamedTuple):
    """What is answered: a status, a body (None closes the connection without an answer), and headers."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = {}
    does: bool = False
    """Whether the request is carried out all the same."""


CUT, TRUTH = Answer(body=None), Answer(status=0)


class Service:
    """The service; its machine is on.

    Attributes:
        says: ``"GET /path"`` → what is answered instead of the truth, one after another.
        asked: the requests, each with its time.
        sessions: path of each open session → its token.
        basic: whether it takes HTTP basic authentication.
        closed: how many sessions were closed.
        resets: what the machine was asked for.
        broken_handshakes: how many connections are closed before anything is said, also before the handshake of TLS.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.power = "On"
        self.says: dict[str, list[Answer]] = defaultdict(list)
        self.asked: list[tuple[float, str]] = []
        self.sessions: dict[str, str] = {}
        self.basic = True
        self.closed = 0
        self.resets: list[str] = []
        self.broken_handshakes = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": self}))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_address[1]}"
        self.server.handle_error = lambda *_: None  # a client that goes away is what many tests are about
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    def times(self, request: str) -> list[float]:
        """Return when a request came."""
        return [at for at, each in self.asked if each == request]

    def login(self, **others: Any) -> dict[str, Any]:
        return {"url": self.url, "username": USER, "password": PASSWORD, **others}


class _Handler(BaseHTTPRequestHandler):
    service: Service
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        if self.service.broken_handshakes:
            self.service.broken_handshakes -= 1
        else:
            super().handle()

    def __getattr__(self, name: str) -> Any:
        if name in ("do_GET", "do_POST", "do_DELETE"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        pass

    def answer(self) -> None:
        request, service = f"{self.command} {self.path}", self.service
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        service.asked.append((time.monotonic(), request))
        said = service.says[request].pop(0) if service.says[request] else None
        truth = self.truth(body) if said in (None, TRUTH) or said.does else None
        self.send(said if said not in (None, TRUTH) else truth)

    def send(self, answer: Answer) -> None:
        if answer.body is None:  # a reset instead of an end
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(text.encode())), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def truth(self, body: Any) -> Answer:
        if self.path == ROOT:
            links = {"Systems": {"@odata.id": f"{ROOT}Systems"}, "Links": {"Sessions": {"@odata.id": SESSIONS}}}
            return Answer(body={"Id": "RootService", "Name": "Root", **links})
        if self.path == SESSIONS and self.command == "POST":
            return self.open_session(body)
        if not self.knows():
            return Answer(401, {"error": {"@Message.ExtendedInfo": [{"MessageId": "Base.1.8.NoValidSession"}]}})
        if self.command == "DELETE":
            del self.service.sessions[self.path]
            self.service.closed += 1
            return Answer(204)
        if self.path == RESET:
            self.service.resets.append(body["ResetType"])
            self.service.power = {"ForceOff": "Off", "GracefulShutdown": "Off"}.get(body["ResetType"], "On")
            return Answer(204)
        truth = {f"{ROOT}Systems": self.systems(), SYSTEM: self.system(), CARDS: {"Members": []}}.get(self.path)
        return Answer(404) if truth is None else Answer(body=truth)

    def knows(self) -> bool:
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        token = self.headers.get("X-Auth-Token")
        return token in self.service.sessions.values() or (
            self.service.basic and self.headers.get("Authorization") == basic
        )

    def open_session(self, body: Any) -> Answer:
        if body != {"UserName": USER, "Password": PASSWORD}:
            return Answer(401)
        path = f"{SESSIONS}/{len(self.service.asked)}"
        self.service.sessions[path] = f"token-{path}"
        return Answer(201, {"Id": "1"}, {"X-Auth-Token": self.service.sessions[path], "Location": path})

    def systems(self) -> dict[str, Any]:
        return {"Name": "Systems", "Members": [{"@odata.id": SYSTEM}], "Members@odata.count": 1}

    def system(self) -> dict[str, Any]:
        offered = ["On", "ForceOff", "GracefulShutdown", "ForceRestart"]
        action = {"target": RESET, "ResetType@Redfish.AllowableValues": offered}
        return {
            "Id": "1",
            "Name": "machine",
            "PowerState": self.service.power,
            "Actions": {"#ComputerSystem.Reset": action},
            "EthernetInterfaces": {"@odata.id": CARDS},
        }


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Service]:
    """Give a service that runs until the end of the context."""
    service = Service(tls)
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.server.shutdown()
        service.server.server_close()

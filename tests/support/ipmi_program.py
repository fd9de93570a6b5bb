"""The program of `support.ipmi_service`: ``ipmi_program.py PORT FOLDER [--old]``.

``FOLDER/says`` has lines such as ``control c0``: the next request of that kind is answered with the code c0, or with
``silent`` it is done and not answered. ``FOLDER/asked`` gets the requests with their times, ``FOLDER/power`` the power.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from pyghmi.ipmi.bmc import Bmc
from pyghmi.ipmi.private import serversession, session

PORT, FOLDER, OLD = int(sys.argv[1]), Path(sys.argv[2]), "--old" in sys.argv
SHA256, NO_MATCH = 3, 0x11


def asked(request: str) -> str:
    """Note a request, and return the code that it is answered with; empty when it is done as ever."""
    with (FOLDER / "asked").open("a") as file:
        file.write(f"{time.monotonic()} {request}\n")
    says = (FOLDER / "says").read_text().splitlines()
    for line in says:
        if line.startswith(f"{request} "):
            says.remove(line)
            (FOLDER / "says").write_text("".join(f"{each}\n" for each in says))
            return line.split()[1]
    return ""


class Machine(Bmc):
    """The BMC and its machine."""

    def send_auth_cap(self, *where: Any) -> None:
        if asked("hello") != "silent":
            super().send_auth_cap(*where)

    def handle_raw_request(self, request: dict[str, Any], session: Any) -> None:
        name = {(0, 1): "status", (0, 2): "control"}.get((request["netfn"], request["command"]), "other")
        code = asked(name)
        if name == "control" and code in ("", "silent"):
            state = "on" if request["data"][0] in (1, 3) else "off"
            (FOLDER / "power").write_text(state)
        if code == "silent":
            return
        if code:
            session.send_ipmi_response(code=int(code, 16))
        elif name == "status":
            session.send_ipmi_response(data=[int((FOLDER / "power").read_text() == "on"), 0, 0])
        else:
            session.send_ipmi_response()


def create_open_session_response(self: Any, request: Any) -> Any:
    """Refuse SHA256, as a BMC should that has SHA1 only, or any session because there is none left."""
    refusal = NO_MATCH if not OLD and request[12] == SHA256 else int(asked("open") or "0", 16)
    if refusal:
        forget(self)
        self.clientsessionid = request[4:8]
        return bytearray([request[0], refusal, 0, 0]) + self.clientsessionid
    return opened(self, request)


def forget(server_session: Any) -> None:
    """Let the next packet of this client begin anew."""
    session.Session.bmc_handlers.pop(server_session.sockaddr, None)


serversession.ServerSession.close_server_session = forget
opened = serversession.ServerSession.create_open_session_response
serversession.ServerSession.create_open_session_response = create_open_session_response
if not (FOLDER / "power").exists():
    (FOLDER / "power").write_text("on")
Machine({"admin": "canary-password"}, port=PORT, address="127.0.0.1")
(FOLDER / "ready").touch()
while True:
    session.Session.wait_for_rsp(30)

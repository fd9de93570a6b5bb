"""Power by Redfish: `osf_redfish_power`, `node_power.yml` and the verbs of Python against a real `sushy-emulator`."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.programs import certificate, free_port, needs

from os_faults import Node, NodeCollection, PartlyDone, connect

pytestmark = [
    pytest.mark.functional,
    needs(module="sushy_tools", package="os-faults[test]"),
]

PASSWORD = "canary{{7*7}}"
CONFIG = """\
import random
from sushy_tools.emulator.resources.systems.fakedriver import FakeDriver

random.randint = lambda low, high: low  # a state comes about after a second, and not after up to eleven
press = FakeDriver.set_power_state


def set_power_state(self, identity, state):
    if identity == "deaf" and state == "GracefulShutdown" or identity == "stuck":
        return
    press(self, identity, state)


FakeDriver.set_power_state = set_power_state
SUSHY_EMULATOR_FAKE_DRIVER = True
SUSHY_EMULATOR_FAKE_SYSTEMS = {systems}
SUSHY_EMULATOR_STATE_DIR = {folder!r}
SUSHY_EMULATOR_AUTH_FILE = {folder!r} + "/users"
"""
POWER = {
    **dict.fromkeys(["on", "known", "deaf", "stuck", "twin-1", "twin-2"], "On"),
    **dict.fromkeys(["off", "off-too"], "Off"),
}
"""Identity of the system → its power at the beginning."""

MACS = {name: f"52:54:00:00:01:{number:02x}" for number, name in enumerate(POWER)} | {"twin-2": "52:54:00:00:01:04"}


class Service:
    """A Redfish service, and its systems as one sees them who asks it directly."""

    def __init__(self, folder: Path, *more: str, only: str | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"{'https' if more else 'http'}://127.0.0.1:{self.port}"
        systems = [
            {"uuid": name, "name": f"name of {name}", "power_state": power, "nics": [{"mac": MACS[name].upper()}]}
            for name, power in POWER.items()
            if only in (None, name)
        ]
        (folder / "config.py").write_text(CONFIG.format(systems=systems, folder=str(folder)))
        (folder / "users").write_text(f"admin:{hashed(PASSWORD)}\n")
        program = [str(Path(sys.executable).with_name("sushy-emulator")), "--config", str(folder / "config.py")]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*program, "--interface", "127.0.0.1", "--port", str(self.port), *more],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text())

    def power(self, name: str) -> str:
        """Return whether a system is on, as the service tells it."""
        manager = urllib.request.HTTPPasswordMgrWithPriorAuth()
        manager.add_password(None, self.url, "admin", PASSWORD, is_authenticated=True)
        trusting = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(manager), trusting)
        with opener.open(f"{self.url}/redfish/v1/Systems/{name}", timeout=10) as answer:
            return str(json.load(answer)["PowerState"]).lower()

    def login(self, name: str | None = None, **others: Any) -> dict[str, Any]:
        system = {} if name is None else {"system": name}
        return {"url": self.url, "username": "admin", "password": PASSWORD, **system, **others}


def hashed(password: str) -> str:
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    yield from started(Service(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One with https, a certificate that it has signed itself, and one system only."""
    folder = tmp_path_factory.mktemp("secure")
    path, key = map(str, certificate(folder))
    yield from started(Service(folder, "--ssl-certificate", path, "--ssl-key", key, only="on"))


def started(service: Service) -> Iterator[Service]:
    try:
        service.wait()
        yield service
    finally:
        service.process.kill()
        service.process.wait()


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("BMC_PASSWORD", PASSWORD)


def power(
    play: Any, tmp_path: Path, action: str, logins: Mapping[str, Mapping[str, Any]], check: bool = False, wait: int = 20
) -> Any:
    """Run the playbook for nodes of these names; the password is looked up, as the inventory of os_faults does it."""
    hosts = {}
    for name, login in logins.items():
        path = tmp_path / f"secret-{name}"
        path.write_text(str(login["password"]))
        look_up = f"{{{{ lookup('ansible.builtin.file', '{path}', rstrip=false) }}}}"
        hosts[name] = {"os_faults_power": {"driver": "redfish", **login, "password": look_up}}
    inventory = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_become": True}
    if action == "status":
        return play("node_power_state.yml", hosts=hosts, inventory=inventory)
    return play("node_power.yml", hosts=hosts, inventory=inventory, check=check, node_action=action, wait_timeout=wait)


def test_every_action_from_every_state(play: Any, plain: Service, tmp_path: Path) -> None:
    logins = {"on": plain.login("on"), "off-too": plain.login(macs=[MACS["off-too"]])}
    steps = [
        # action, whether in check mode, power before and after
        ("shutdown", True, ("on", "off"), ("off", "off")),
        ("shutdown", False, ("on", "off"), ("off", "off")),
        ("poweron", False, ("off", "off"), ("on", "on")),
        ("reset", True, ("on", "on"), ("on", "on")),
        ("poweroff", False, ("on", "on"), ("off", "off")),
        ("poweron", False, ("off", "off"), ("on", "on")),
        ("reset", False, ("on", "on"), ("on", "on")),
    ]
    for action, check, before, after in steps:
        assert tuple(map(plain.power, logins)) == before
        done = power(play, tmp_path, action, logins, check)
        assert done.rc == 0, done.failures
        told = [done.results()[name] for name in logins]
        assert tuple(one["previous_state"] for one in told) == before
        assert tuple(one["power_state"] for one in told) == after
        assert [one["changed"] for one in told] == [action == "reset" or before[at] != after[at] for at in (0, 1)]
        assert [(one["system"], one["matched_by"]) for one in told] == [("on", "system"), ("off-too", "mac")]


def test_https_with_a_certificate_that_is_trusted_or_not(play: Any, secure: Service, tmp_path: Path) -> None:
    logins = {
        "trusted": secure.login(ca_file=str(secure.folder / "certificate.pem")),
        "careless": secure.login(verify=False),
        "careful": secure.login(),
        "no-file": secure.login(ca_file=str(tmp_path / "no-such-file")),
    }
    done = power(play, tmp_path, "status", logins)
    assert {name: done.results()[name]["matched_by"] for name in ("trusted", "careless")} == {
        "trusted": "only",
        "careless": "only",
    }
    assert set(done.failures) == {"careful", "no-file"}
    assert done.failures["careful"].startswith(f"the certificate of the BMC at {secure.url} is not trusted: self")
    assert "no-such-file" in done.failures["no-file"]
    assert secure.power("on") == "on"


def test_what_goes_wrong_is_told_in_a_sentence_and_in_time(play: Any, plain: Service, tmp_path: Path) -> None:
    with socket.socket() as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes every connection and never says a word
        closed.bind(("127.0.0.1", 0))
        places = {
            name: f"http://127.0.0.1:{end.getsockname()[1]}" for name, end in (("hole", silent), ("closed", closed))
        }
        logins = {
            "password": plain.login("on", password="canary-wrong"),
            "user": plain.login("on", username="nobody"),
            "unknown": plain.login("no-such"),
            "stranger": plain.login(macs=["02:00:00:00:00:01"]),
            "twins": plain.login(macs=[MACS["twin-1"]]),
            "several": plain.login(macs=[MACS["on"], MACS["off"]]),
            "many": plain.login(),
            "closed": plain.login("on", url=places["closed"]),
            "hole": plain.login("on", url=places["hole"], connect_timeout=2),
            "tls": plain.login("on", url=plain.url.replace("http:", "https:")),
            "deaf": plain.login("deaf"),
        }
        begin = time.monotonic()
        done = power(play, tmp_path, "shutdown", logins, wait=3)
        assert time.monotonic() - begin < 60
    systems = f"its systems: {', '.join(sorted(POWER))}"
    assert done.failures == {
        "password": f"the BMC at {plain.url} refuses the user 'admin' or the password: Authorization required",
        "user": f"the BMC at {plain.url} refuses the user 'nobody' or the password: Authorization required",
        "unknown": f"the BMC at {plain.url} has no system with the identity 'no-such'; {systems}",
        "stranger": f"the BMC at {plain.url} has no system with the MAC address 02:00:00:00:00:01; {systems}",
        "twins": f"the BMC at {plain.url} has 2 systems with the MAC address {MACS['twin-1']}: twin-1, twin-2; "
        "say which (system)",
        "several": f"the BMC at {plain.url} has 2 systems with the MAC address {MACS['on']} or {MACS['off']}: off, on; "
        "say which (system)",
        "many": f"the BMC at {plain.url} has {len(POWER)} {systems[4:]}; say which (system)",
        "closed": f"no BMC answers at {places['closed']}: Connection refused",
        "hole": f"no BMC answers at {places['hole']}: timed out",
        "tls": done.failures["tls"],  # the words are those of openssl
        "deaf": f"system deaf of the BMC at {plain.url} is still on 3 s after it was asked to shut down: its operating "
        "system may ignore the power button (poweroff cuts the power)",
    }
    assert done.failures["tls"].startswith("no BMC answers at https://127.0.0.1:")
    assert plain.power("deaf") == "on"
    assert not [text for text in (*done.failures.values(), done.stdout, str(done.events)) if "canary" in text]


def test_of_three_nodes_one_fails_and_is_named(play: Any, plain: Service, tmp_path: Path) -> None:
    names = ["twin-1", "stuck", "twin-2"]
    done = power(play, tmp_path, "poweroff", {name: plain.login(name) for name in names}, wait=3)
    assert list(done.failures) == ["stuck"]
    assert "is still on 3 s after its power was cut" in done.failures["stuck"]
    assert [plain.power(name) for name in names] == ["off", "on", "off"]
    done = power(play, tmp_path, "reset", {name: plain.login(name) for name in ("off", "deaf")})
    assert list(done.failures) == ["off"]
    assert "is off, so there is nothing to reset" in done.failures["off"]


@pytest.mark.each_line
def test_the_verbs_of_python_and_no_password_in_what_stays(plain: Service, secure: Service, tmp_path: Path) -> None:
    """A node is known by its BMC, or by its MAC address to a service that has many systems."""
    secret = {"env": "BMC_PASSWORD"}
    config = {
        "cloud_management": {"driver": "universal", "nodes": ["192.0.2.1"], "username": "stack"},
        "power_managements": [
            {
                "driver": "redfish",
                "fqdn_to_bmc": {
                    "safe.local": secure.login(password=secret, verify=str(secure.folder / "certificate.pem"))
                },
            },
            {
                "driver": "redfish",
                "url": plain.url,
                "insecure_http": True,
                "username": "admin",
                "password": secret,
                "connect_timeout": 5,
            },
        ],
        "artifacts_dir": str(tmp_path / "runs"),
    }
    with connect(config) as cloud:
        known = Node("known.local", "192.0.2.2", MACS["known"].upper())
        nodes = NodeCollection([Node("safe.local", "192.0.2.1"), known], cloud)
        result = nodes.poweroff(wait_timeout=20)
        assert {name: host.payload["matched_by"] for name, host in result.items()} == {
            "safe.local": "only",
            "known.local": "mac",
        }
        assert (secure.power("on"), plain.power("known")) == ("off", "off")
        with pytest.raises(PartlyDone, match=r"strange\.local failed: .* no system with the MAC address 02:00"):
            NodeCollection([Node("strange.local", "192.0.2.3", "02:00:00:00:00:01"), known], cloud).poweron(
                wait_timeout=20
            )
        assert plain.power("known") == "on"
        nodes.poweron(wait_timeout=20)
    stays = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert stays
    assert not [path for path in stays if b"canary" in path.read_bytes()]

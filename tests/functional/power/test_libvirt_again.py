"""Hypervisors that are busy: libvirt's own test driver, whose domain is told to raise what libvirt raises."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.power import again, libvirt, steps
from support.libvirt_domains import NEEDS_LIBVIRT, domain, hypervisor
from support.module_files import load
from support.quick_time import SPEED, act

pytestmark = [pytest.mark.functional, NEEDS_LIBVIRT]

MODULE, SNAPSHOTS = load("osf_libvirt_power"), load("osf_libvirt_snapshot")
QEMU, RPC = 10, 7
KILL = "Failed to terminate process 2980 with SIGKILL: Device or resource busy"
LOCK = "Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainDestroy)"
CLOSED = "End of file while reading data: Input/output error"


def error(code: int, message: str, where: int = QEMU, number: int = -1) -> Exception:
    """Return an error as libvirt raises it."""
    made = libvirt.libvirt.libvirtError(message)
    made.err = (code, where, message, 2, "", None, None, number, -1)
    return made


class Domain:
    """A domain of the test driver, whose methods raise what they are told to before they work, or do not answer."""

    def __init__(self, real: Any, raises: dict[str, list[Exception | None]], asked: list[str]) -> None:
        self.real, self.raises, self.asked = real, raises, asked

    def __getattr__(self, name: str) -> Any:
        def method(*args: Any) -> Any:
            self.asked.append(name)
            if self.raises.get(name):
                raised = self.raises[name].pop(0)
                if raised is None:
                    time.sleep(60)
                else:
                    raise raised
            return getattr(self.real, name)(*args)

        return method


class Troubled:
    """A machine of a module, with such a domain."""

    def __init__(self, params: dict[str, Any], raises: dict[str, list[Exception | None]]) -> None:
        super().__init__(params, "")
        self.raises, self.asked = raises, []

    def _find(self) -> Any:
        self.asked.append("open")
        found = super()._find()
        return found._replace(domain=Domain(found.domain, self.raises, self.asked))


class Machine(Troubled, MODULE.Machine):
    """That of osf_libvirt_power."""


class Saved(Troubled, SNAPSHOTS.Machine):
    """That of osf_libvirt_snapshot."""


@pytest.fixture
def params(tmp_path: Path) -> dict[str, Any]:
    """The options of a module for a machine that is on."""
    libvirt.libvirt.registerErrorHandler(lambda _context, _error: None, None)
    uri = hypervisor(tmp_path, domain(1, "node-1", "52:54:00:00:00:01"))
    return {"uri": uri, "ssh_args": [], "domain": "node-1", "macs": None, "timeout": 60, "connect_timeout": 20}


@pytest.fixture
def machine(params: dict[str, Any]) -> Callable[..., Machine]:
    """Make a machine that is on; a connection is kept, or else the test driver would forget what was done."""

    def make(kind: Any = Machine, **raises: list[Exception | None]) -> Any:
        one = kind(params, raises)
        one.close = lambda: None
        return one

    return make


@pytest.mark.case("f14")
def test_a_guest_that_the_kill_ends_late_is_off(machine: Callable[..., Machine]) -> None:
    """As qemu does it: `destroy` fails, and the process ends some seconds later."""
    one = machine(destroy=[error(38, KILL, number=errno.EBUSY)] * 2)
    done = act(one, "poweroff")
    assert (done["changed"], done["power_state"]) == (True, "off")
    assert one.asked.count("destroy") == 3
    assert one.state() == "off"


@pytest.mark.case("f14")
def test_a_guest_that_ends_by_the_first_kill_is_not_killed_again(machine: Callable[..., Machine]) -> None:
    one = machine()
    press = one.act

    def late(action: str) -> None:
        press(action)
        raise again.Trouble(KILL, libvirt.kind_of(38, QEMU, errno.EBUSY))

    one.act = late
    assert act(one, "poweroff")["changed"]
    assert one.asked.count("destroy") == 1


@pytest.mark.parametrize(
    "raised",
    [error(68, LOCK), error(87, "Resource busy: x"), error(38, "again", number=errno.EAGAIN)],
    ids=["job lock", "resource busy", "EAGAIN"],
)
@pytest.mark.parametrize(("action", "method"), [("poweroff", "destroy"), ("reset", "reset"), ("shutdown", "shutdown")])
def test_a_domain_that_is_busy_is_asked_again(
    machine: Callable[..., Machine], raised: Exception, action: str, method: str
) -> None:
    one = machine(**{method: [raised, raised]})
    act(one, action)
    assert one.asked.count(method) == 3


@pytest.mark.parametrize("method", ["isActive", "state"])
def test_a_look_at_a_busy_domain_is_repeated(machine: Callable[..., Machine], method: str) -> None:
    act(machine(**{method: [error(68, LOCK)] * 2}), "shutdown")


def test_a_reset_whose_connection_ended_is_not_sent_again(machine: Callable[..., Machine]) -> None:
    one = machine(reset=[error(38, CLOSED, RPC, errno.EIO)])
    with pytest.raises(errors.PowerError, match="the reset may have happened, so it is not sent again"):
        act(one, "reset")
    assert one.asked.count("reset") == 1


def test_a_daemon_that_restarts_is_waited_for(machine: Callable[..., Machine]) -> None:
    one = machine(
        destroy=[error(38, CLOSED, RPC, errno.EIO), error(1, "client socket is closed", RPC)],
        isActive=[error(39, "Cannot write data: Broken pipe", RPC, errno.EPIPE)],
    )
    assert act(one, "poweroff")["changed"]


@pytest.mark.parametrize(
    ("raised", "why"),
    [
        (error(1, "internal error: process exited while connecting to monitor"), "process exited while"),
        (error(42, "Domain not found: no domain with matching uuid"), "Domain not found"),
        (error(38, "cannot open file: Permission denied", number=errno.EACCES), "Permission denied"),
    ],
)
def test_what_will_not_get_better_is_told_at_once(machine: Callable[..., Machine], raised: Exception, why: str) -> None:
    one = machine(destroy=[raised] * 99)
    with pytest.raises(errors.PowerError, match=why):
        act(one, "poweroff")
    assert one.asked.count("destroy") == 1


def test_a_domain_that_vanishes_ends_the_wait(machine: Callable[..., Machine]) -> None:
    one = machine()
    assert one.state() == "on"
    one.act = lambda action: one.raises.update(isActive=[error(42, "Domain not found: no domain 'node-1'")])
    begin = time.monotonic()
    with pytest.raises(errors.PowerError, match=r"was not seen to be off after poweroff: .*Domain not found"):
        act(one, "poweroff")
    assert (time.monotonic() - begin) * SPEED < 900


def test_a_connection_without_an_answer_is_not_used_again(params: dict[str, Any]) -> None:
    one = Machine({**params, "connect_timeout": 1}, {"isActive": [None]})
    with pytest.raises(again.Trouble, match=r"no answer from .* within 1 s"):
        one.state()
    assert one.state() == "on"
    assert one.asked == ["open", "isActive", "open", "isActive"]
    one.close()


def save(one: Saved, params: dict[str, Any], name: str = "ready") -> dict[str, Any]:
    """Take a snapshot as the module does it."""
    module = SimpleNamespace(params={**params, "state": "snapshot", "name": name, "suspend": True}, check_mode=False)
    return SNAPSHOTS.carry_out(module, one)


def pause(seconds: float) -> None:
    time.sleep(seconds / SPEED)


def test_a_domain_goes_on_although_its_daemon_is_away_for_a_while(
    machine: Callable[..., Saved], params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asker = again.Asker
    monkeypatch.setattr(SNAPSHOTS.again, "Asker", lambda *args: asker(*args, lambda: time.monotonic() * SPEED, pause))
    one = machine(Saved, resume=[error(38, CLOSED, RPC, errno.EIO)] * 5)
    assert save(one, {**params, "timeout": 1000})["snapshots"] == ["ready"]
    assert one.condition() == SNAPSHOTS.RUNNING


def test_a_domain_goes_on_whatever_ends_its_snapshot(machine: Callable[..., Saved], params: dict[str, Any]) -> None:
    one = machine(Saved, snapshotCreateXML=[KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        save(one, params)
    assert one.condition() == SNAPSHOTS.RUNNING


def test_a_snapshot_has_what_is_left_of_its_time(machine: Callable[..., Saved], params: dict[str, Any]) -> None:
    params.update(timeout=3, connect_timeout=1)
    one = machine(Saved, isActive=[error(68, LOCK)], snapshotCreateXML=[None])
    with pytest.raises(errors.PowerError, match=r"no answer from .* within [12] s"):
        save(one, params)
    assert one.condition() == SNAPSHOTS.RUNNING


def test_a_power_off_has_what_is_left_of_its_time(machine: Callable[..., Machine], params: dict[str, Any]) -> None:
    params.update(timeout=3, connect_timeout=1)
    one = machine(destroy=[None, None], isActive=[error(68, LOCK)])
    with pytest.raises(errors.PowerError, match=r"no answer from .* within [12] s"):
        steps.carry_out(one, "poweroff", params["timeout"])

"""Redfish services that are busy, restart, run out of sessions, and tell their reasons in forms of their own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.os_faults import errors
from support.module_files import load
from support.programs import certificate
from support.quick_time import SPEED, act
from support.redfish_service import (
    CARDS,
    CUT,
    PASSWORD,
    RESET,
    ROOT,
    SESSIONS,
    SYSTEM,
    TASK,
    TRUTH,
    Answer,
    Service,
    running,
)

from os_faults import Node, NodeCollection, PartlyDone, PowerManagementError, connect

pytestmark = pytest.mark.functional

MODULE = load("osf_redfish_power")
LOOK, PRESS = f"GET {SYSTEM}", f"POST {RESET}"
GENERAL = "A general error has occurred. See ExtendedInfo for more information"


def extended(**message: Any) -> dict[str, Any]:
    return {"error": {"code": "Base.1.8.GeneralError", "message": GENERAL, "@Message.ExtendedInfo": [message]}}


BUSY = Answer(503, extended(MessageId="Base.1.8.ServiceTemporarilyUnavailable", Message="Retry in a moment."))
TRANSITION = Answer(400, extended(MessageId="iLO.2.14.InvalidOperationForSystemState"))


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as service:
        yield service


def machine(service: Service, **others: Any) -> Any:
    params = {"verify": True, "ca_file": None, "system": None, "macs": None, "timeout": 60, "connect_timeout": 20}
    return MODULE.Machine({**params, **service.login(), **others})


@pytest.mark.case("f10")
@pytest.mark.parametrize("action", ["poweroff", "reset"])
def test_a_service_without_basic_authentication_is_given_a_session_which_is_closed(
    service: Service, action: str
) -> None:
    service.basic = False
    act(machine(service), action)
    assert len(service.resets) == 1
    assert (service.sessions, service.closed) == ({}, 1)
    assert service.times(f"POST {SESSIONS}") != []


@pytest.mark.case("f10")
def test_a_session_is_also_closed_after_a_failure_and_is_waited_for(service: Service) -> None:
    service.basic = False
    service.says[f"POST {SESSIONS}"] = [
        Answer(503, extended(MessageId="IDRAC.2.4.RAC0218", Message="The maximum number of user sessions is reached."))
    ] * 3
    service.says[PRESS] = [Answer(400, extended(MessageId="Base.1.8.ActionNotSupported", Message="No."))]
    with pytest.raises(errors.PowerError, match=r": No$"):
        act(machine(service), "poweroff")
    assert (service.sessions, service.closed) == ({}, 1)


def test_a_session_that_the_service_forgets_is_made_again(service: Service) -> None:
    service.basic = False
    one = machine(service)
    assert one.state() == "on"
    service.sessions.clear()
    assert one.state() == "on"
    one.close()
    assert service.sessions == {}


def test_a_wrong_password_is_tried_once_each_way(service: Service) -> None:
    with pytest.raises(errors.PowerError, match="refuses the user 'admin' or the password"):
        act(machine(service, password="wrong"), "poweroff")
    assert len(service.times(f"POST {SESSIONS}")) == 1
    assert len(service.times(f"GET {ROOT}Systems")) == 1


@pytest.mark.parametrize(
    "said",
    [BUSY, TRANSITION, Answer(409), Answer(429), Answer(423), Answer(500), CUT],
    ids=["503", "400 in transition", "409", "429", "423", "500", "cut"],
)
@pytest.mark.parametrize("request_", [LOOK, PRESS, f"GET {ROOT}"])
def test_a_machine_that_is_busy_is_asked_again(service: Service, said: Answer, request_: str) -> None:
    service.says[request_] = [said, said]
    assert act(machine(service), "poweroff")["changed"]
    assert service.power == "Off"


@pytest.mark.case("f35")
def test_a_machine_is_not_asked_before_it_wants_to_be(service: Service) -> None:
    service.says[PRESS] = [BUSY._replace(headers={"Retry-After": "10"})]
    act(machine(service), "poweroff")
    first, second = service.times(PRESS)
    assert (second - first) * SPEED >= 10
    assert not [each for at, each in service.asked if first < at < first + 10 / SPEED], "nor for anything else"


def test_a_pause_that_goes_past_the_deadline_is_told_at_once(service: Service) -> None:
    service.says[LOOK] = [BUSY._replace(headers={"Retry-After": "5000"})]
    with pytest.raises(
        errors.PowerError, match=r"Retry in a moment; it wants to be asked again in 5000 s, but only \d+ s"
    ):
        act(machine(service), "poweroff")
    assert len(service.times(LOOK)) == 1


def test_a_machine_that_stays_busy_is_told_with_its_reason(service: Service) -> None:
    service.says[LOOK] = [BUSY] * 99
    with pytest.raises(errors.PowerError, match=r"Retry in a moment; it was asked \d+ times in \d+ s"):
        act(machine(service), "poweroff", timeout=8)


@pytest.mark.parametrize("said", [CUT, Answer(500), Answer(502), Answer(504)])
def test_a_reset_that_may_have_happened_is_not_sent_again(service: Service, said: Answer) -> None:
    service.says[PRESS] = [said]
    with pytest.raises(errors.PowerError, match="the reset may have happened, so it is not sent again"):
        act(machine(service), "reset")
    assert len(service.times(PRESS)) == 1


@pytest.mark.parametrize("said", [BUSY, TRANSITION, Answer(409), Answer(429)])
def test_a_reset_that_was_refused_for_now_is_sent_again(service: Service, said: Answer) -> None:
    service.says[PRESS] = [said]
    act(machine(service), "reset")
    assert service.resets == ["ForceRestart"]


def test_a_shutdown_whose_answer_is_lost_is_not_asked_for_twice(service: Service) -> None:
    """The second press of a power button would start the machine."""
    service.says[PRESS] = [CUT._replace(does=True)]
    assert act(machine(service), "shutdown")["changed"]
    assert service.resets == ["GracefulShutdown"]


def test_a_service_that_restarts_during_the_wait(service: Service) -> None:
    service.says[PRESS] = [Answer(202, does=True)]
    service.says[LOOK] = [TRUTH, TRUTH, CUT, CUT, CUT, CUT, Answer(401), Answer(503), Answer(500), Answer(200, "")]
    act(machine(service), "poweroff")
    assert service.says[LOOK] == []


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        (Answer(200, {"TaskState": "Completed", "TaskStatus": "OK"}), ""),
        (Answer(204), ""),
        (Answer(404), ""),
        (Answer(200, {"TaskState": "Exception", "Messages": [{"Message": "No power supply."}]}), "No power supply"),
        (Answer(400, extended(Message="The lid is open.")), "The lid is open"),
    ],
)
def test_a_reset_that_is_a_task_is_waited_for(service: Service, ends: Answer, why: str) -> None:
    service.says[PRESS] = [Answer(202, {}, {"Location": f"http://192.0.2.1{TASK}"}, does=True)]
    service.says[f"GET {TASK}"] = [Answer(202), Answer(202), Answer(200, {"TaskState": "Running"}), ends]
    if why:
        with pytest.raises(errors.PowerError, match=f"the task of reset failed: {why}"):
            act(machine(service), "reset")
    else:
        act(machine(service), "reset")
    assert len(service.times(f"GET {TASK}")) == 4
    assert service.resets == ["ForceRestart"]


def test_a_task_that_fails_ends_the_wait(service: Service) -> None:
    service.says[PRESS] = [Answer(202, {}, {"Location": TASK})]
    service.says[f"GET {TASK}"] = [Answer(200, {"TaskState": "Exception", "Messages": [{"Message": "Locked."}]})]
    with pytest.raises(errors.PowerError, match="the task of poweroff failed: Locked"):
        act(machine(service), "poweroff")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (extended(Message="Server is already powered ON.", MessageArgs=[]), "Server is already powered ON"),
        (
            extended(Message="The value %1 is not in %2.", MessageArgs=["On", "the list"]),
            "The value On is not in the list",
        ),
        (extended(Message="Wrong.", RelatedProperties=["#/ResetType"]), "Wrong (ResetType)"),
        (extended(MessageId="iLO.0.10.PowerIsLocked", MessageArgs=["by x"]), "Power Is Locked (by x)"),
        ({"Messages": [{"MessageID": "iLO.0.10.PowerIsLocked"}], "Type": "ExtendedError.1.0.0"}, "Power Is Locked"),
        ({"@Message.ExtendedInfo": [{"Message": "At the top."}]}, "At the top"),
        ({"ResetType@Message.ExtendedInfo": [{"Message": "Beside it."}]}, "Beside it"),
        ({"error": {"@Message.ExtendedInfo": {"Message": "No list."}}}, "No list"),
        ({"error": {"code": "SMC.1.0.X", "Message": "In capitals."}}, "In capitals"),
        ({"error": {"code": "Base.1.0.NotLicensed", "message": ""}}, "Not Licensed"),
        (
            {"error": {"code": "Base.1.0.GeneralError", "message": GENERAL}},
            f"HTTP status 400 from {RESET}, without a reason",
        ),
        (["a", "list"], f"HTTP status 400 from {RESET}, without a reason"),
        ({"error": "a text"}, f"HTTP status 400 from {RESET}, without a reason"),
        ({"error": {"@Message.ExtendedInfo": [1, None, {"Message": 7, "MessageArgs": {}}]}}, "7"),
        (extended(Message="a\x1b[31m\nb" + "c" * 1000), "a [31m b" + "c" * 392 + " …"),
    ],
)
def test_the_reason_of_the_machine_is_told(service: Service, body: Any, why: str) -> None:
    service.says[PRESS] = [Answer(400, body)]
    with pytest.raises(errors.PowerError) as caught:
        act(machine(service), "poweroff")
    assert str(caught.value) == f"the BMC at {service.url}: {why}"


@pytest.mark.parametrize("status", [200, 400, 404])
@pytest.mark.parametrize("request_", [f"GET {ROOT}", LOOK, f"GET {CARDS}"])
@pytest.mark.parametrize(
    "body", [[], 5, "text", "null", {"Systems": 5, "error": 5, "Members": 5}, {"Messages": [[]]}, "[" * 100_000]
)
def test_nonsense_is_no_crash(service: Service, body: Any, request_: str, status: int) -> None:
    service.says[request_] = [Answer(status, body, {"Retry-After": "9" * 400})] * 99
    with pytest.raises(errors.PowerError) as caught:
        act(machine(service, macs=["52:54:00:00:00:01"]), "poweroff", timeout=2)
    assert len(str(caught.value)) < 1000


def test_a_collection_that_fails_is_named(service: Service) -> None:
    service.says[f"GET {CARDS}"] = [Answer(500, {"error": {"code": "Base.1.0.GeneralError", "message": GENERAL}})] * 9
    with pytest.raises(errors.PowerError, match=f"HTTP status 500 from {CARDS}, without a reason"):
        act(machine(service, macs=["52:54:00:00:00:01"]), "poweroff")


def test_a_refused_login_is_told_with_its_reason(service: Service) -> None:
    service.says[LOOK] = [Answer(403, extended(Message="No licence for this."))] * 9
    with pytest.raises(errors.PowerError, match=r"refuses the user 'admin' or the password: No licence for this"):
        act(machine(service), "poweroff")


def test_a_handshake_that_fails_for_a_moment_is_tried_again(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate(tmp_path))
    with running(tls) as service:
        service.broken_handshakes = 2
        act(machine(service, verify=False), "poweroff")
        assert service.power == "Off"
        begin = len(service.asked)
        with pytest.raises(errors.PowerError, match="is not trusted"):
            act(machine(service), "poweron")
        assert len(service.asked) == begin


def test_the_verbs_of_python(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is acted on; the reason of another one that refuses is caught as the error of power that it is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("BMC_PASSWORD", PASSWORD)
    with running() as other:
        service.basic = False
        service.says[PRESS] = [BUSY]
        other.says[PRESS] = [Answer(400, extended(Message="The lid is open."))]
        logins = {"one.local": service.login(), "two.local": other.login()}
        bmcs = {name: {**login, "password": {"env": "BMC_PASSWORD"}} for name, login in logins.items()}
        config = {
            "cloud_management": {"driver": "universal", "nodes": ["192.0.2.1"], "username": "stack"},
            "power_management": {
                "driver": "redfish",
                "fqdn_to_bmc": {name: {**bmc, "insecure_http": True} for name, bmc in bmcs.items()},
            },
            "artifacts_dir": str(tmp_path / "runs"),
        }
        with connect(config) as cloud:
            nodes = NodeCollection([Node(name, f"192.0.2.{at}") for at, name in enumerate(logins, 1)], cloud)
            with pytest.raises(PowerManagementError, match=r"two\.local failed: .*: The lid is open") as caught:
                nodes.poweroff()
        assert isinstance(caught.value, PartlyDone)
        assert caught.value.result["one.local"].payload["power_state"] == "off"
        assert (service.power, other.power, service.sessions) == ("Off", "On", {})

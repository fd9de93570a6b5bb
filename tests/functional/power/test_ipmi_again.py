"""BMCs without a free session, in transition, or silent: pyghmi's own server, which is told what to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.power import again, ipmi
from support.ipmi_service import Bmc, running
from support.module_files import load
from support.quick_time import act

pytestmark = pytest.mark.functional

MODULE = load("osf_ipmi_power")
NO_SESSION = "open 01"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Bmc]]:
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(running(tmp_path / "bmc", *options))


def machine(bmc: Bmc, **others: Any) -> Any:
    params = {"privilege": "administrator", "kg": None, "connect_timeout": 20}
    return MODULE.Bmc({**params, **bmc.login(), **others})


@pytest.mark.case("f12")
@pytest.mark.parametrize(
    ("said", "what"),
    [
        (NO_SESSION, "open"),
        ("status c0", "status"),
        ("status d2", "status"),
        ("control c0", "control"),
        ("control d5", "control"),
        ("control ff", "control"),
    ],
)
def test_a_bmc_that_is_busy_is_asked_again(start: Callable[..., Bmc], said: str, what: str) -> None:
    bmc = start()
    bmc.say(said, said, said)
    assert act(machine(bmc), "poweroff")["changed"]
    assert bmc.power == "off"
    assert len(bmc.asked(what)) >= 4


@pytest.mark.case("f12")
def test_a_reset_is_sent_once_when_its_answer_is_lost(start: Callable[..., Bmc]) -> None:
    bmc = start()
    bmc.say("control silent")
    with pytest.raises(errors.PowerError, match="the reset may have happened, so it is not sent again"):
        act(machine(bmc, connect_timeout=2), "reset")
    assert len(bmc.asked("control")) == 1


@pytest.mark.case("f12")
def test_a_reset_that_was_refused_for_now_is_sent_again(start: Callable[..., Bmc]) -> None:
    bmc = start()
    bmc.say("control d5", "control c0")
    act(machine(bmc), "reset")
    assert len(bmc.asked("control")) == 3


def test_a_bmc_that_stays_busy_is_told_with_its_reason(start: Callable[..., Bmc]) -> None:
    bmc = start()
    bmc.say(*["status d5"] * 99)
    with pytest.raises(errors.PowerError, match=r"Command not supported in present state; it was asked \d+ times in"):
        act(machine(bmc), "poweroff", timeout=8)


@pytest.mark.case("f11")
def test_a_bmc_of_an_old_cipher_suite_is_told_what_to_use_instead(start: Callable[..., Bmc]) -> None:
    bmc = start("--old")
    with pytest.raises(errors.PowerError, match="as virtualbmc does; use the driver libvirt or redfish"):
        act(machine(bmc), "poweroff")
    assert bmc.power == "on"
    assert len(bmc.asked("open")) == 1


@pytest.mark.case("f35")
def test_the_distance_between_two_questions_grows(start: Callable[..., Bmc]) -> None:
    bmc = start()
    one = machine(bmc)
    one.act = lambda action: None
    with pytest.raises(errors.PowerError, match="is still on 12 s after its power was cut"):
        act(one, "poweroff", timeout=12)
    assert len(bmc.asked("status")) <= 11


def test_the_words_of_the_table_are_those_of_pyghmi() -> None:
    from pyghmi.ipmi.private import constants

    codes = {**constants.rmcp_codes, **constants.ipmi_completion_codes, **constants.command_completion_codes[7, 0x3A]}
    of_tables = [part for part, _ in ipmi.KINDS if any(part in words.lower() for words in codes.values())]
    elsewhere = {"no longer connected", "failed to initialize", "incorrect password", "wrong kg", "unable to transmit"}
    assert {part for part, _ in ipmi.KINDS} - set(of_tables) == elsewhere


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError(), IndexError("list index out of range")])
def test_a_packet_that_pyghmi_cannot_read_is_no_crash(error: Exception) -> None:
    trouble = ipmi.trouble_of(error, "10.0.0.2:623", "admin", logged_in=True)
    assert trouble.kind == again.LOST
    assert "the BMC at 10.0.0.2:623" in str(trouble)

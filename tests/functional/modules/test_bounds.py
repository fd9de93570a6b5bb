"""Numbers that become a time: what is no number, or beyond all bounds, is refused in a sentence."""

from __future__ import annotations

import time
from typing import Any

import pytest
from support.packed_modules import answer_of

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]

HOLD: dict[str, Any] = {
    "fault": "freeze",
    "subject": "bounds",
    "acts_on": "host",
    "inject": [["touch", "injected"]],
    "undo": [["true"]],
    "seconds": "60",
}
ENDS = {
    "a power of two": "\u00b2",
    "digits of another script": "\u0663\u0660",
    "five thousand digits": "9" * 5000,
    "more than a year": "31536001",
    "a long time": str(10**18),
    "nothing": "0",
    "negative": "-1",
    "a float": "1.5",
    "infinity": "inf",
    "a second line": "60\n60",
}
NUMBERS: dict[str, Any] = {
    "five thousand digits": "9" * 5000,
    "a long time": 10**18,
    "more than a float": 10**400,
    "infinity": "inf",
    "no number": "nan",
    "a word": "soon",
    "a power of two": "\u00b2",
    "negative": -1,
}


def refusal(module: str, **arguments: Any) -> str:
    answer = answer_of(module, **arguments)
    assert answer["failed"]
    assert "exception" not in answer
    message = str(answer["msg"])
    assert len(message) < 300
    assert "unexpected" not in message
    return message


def is_made() -> bool:
    return any(hold["subject"] == HOLD["subject"] for hold in answer_of("osf_holds_info")["holds"])


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_a_number_up_to_a_year_or_the_word_never(end):
    told = refusal("osf_hold", **{**HOLD, "seconds": ENDS[end]})
    assert told.startswith(
        "the end of a fault must be a number of seconds from 1 to 31536000 (a year) or the word never"
    )
    assert not is_made()


@pytest.mark.parametrize("option", ["at", "start_timeout", "undo_timeout"])
@pytest.mark.parametrize("number", NUMBERS)
def test_the_times_of_a_hold_are_bounded(number, option):
    assert option in refusal("osf_hold", **HOLD, **{option: NUMBERS[number]})
    assert not is_made()


@pytest.mark.parametrize("option", ["start_timeout", "undo_timeout"])
def test_no_bound_is_no_bound_of_a_command(option):
    assert refusal("osf_hold", **HOLD, **{option: 0}) == f"{option} must be a number from 1 to 31536000"


def test_a_start_time_is_within_a_year():
    told = refusal("osf_hold", **HOLD, at=time.time() + 31_540_000)
    assert told.startswith("the start time of a fault must be within a year")
    assert not is_made()


@pytest.mark.parametrize(
    "reading", [{"uptime": 1}, {"uptime": "nan", "seen": 1, "within": 1}, {"uptime": [], "seen": 1, "within": 1}]
)
def test_a_reading_of_the_clock_is_three_numbers(reading):
    told = refusal("osf_hold", **HOLD, at=time.time() + 60, clock_reading=reading)
    assert told == "clock_reading must have the numbers uptime, seen, within"


@pytest.mark.parametrize("number", NUMBERS)
def test_the_patience_with_a_service_is_bounded(number):
    asked = {"name": "bounds", "grep": "no such program", "start": ["true"], "action": "kill"}
    assert "timeout" in refusal("osf_process_service", **asked, timeout=NUMBERS[number])

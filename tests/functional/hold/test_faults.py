"""faults.yml: which holds are listed, and how they end."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


def test_never_must_be_spelled_out(freeze, listed):
    assert freeze(heal_after="never").result["until"] is None
    assert listed()["until"] is None
    message = "the end of a fault must be a number of seconds from 1 to 31536000 (a year) or the word never, got: {}"
    assert freeze(heal_after="0").failures == {"here": message.format("0")}
    assert freeze(heal_after="soon").failures == {"here": message.format("soon")}


def test_a_hold_of_an_earlier_boot_is_not_listed(freeze, listed, service):
    freeze(seconds=60)
    record = service.directory / "record.json"
    record.write_text(json.dumps(dict(json.loads(record.read_text()), boot_id="another")))
    assert listed() is None

"""faults.yml: which holds are listed, and how they end."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.functional, pytest.mark.usefixtures("runtime_directory")]


def test_never_must_be_spelled_out(freeze, listed):
    assert freeze(heal_after="never").result["until"] is None
    assert listed()["until"] is None
    for wrong in ("0", "soon"):
        why = freeze(heal_after=wrong).failures["here"]
        assert why.startswith("value of heal_after must be a duration such as 30, 30s, 2min or 1h30m")
        assert why.endswith(f"or the word never, got: {wrong}")


def test_a_hold_of_an_earlier_boot_is_not_listed(freeze, listed, service):
    freeze(seconds=60)
    record = service.directory / "record.json"
    record.write_text(json.dumps(dict(json.loads(record.read_text()), boot_id="another")))
    assert listed() is None

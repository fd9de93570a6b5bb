"""Whatever JSON a host sends: it becomes typed and bounded values, or is refused as that host's failure."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lying_fixture import HONEST

from os_faults.actions import answers
from os_faults.ansible import events
from os_faults.model import Action, Node, Status

SETTINGS = settings(max_examples=200, deadline=None, database=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
KEYS = sorted({key for answer in HONEST.values() for key in answer} | {"msg", "rc", "results", "failed", "stdout"})
ANSWERS = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), JSON, max_size=6)
MODULES = st.sampled_from([*HONEST, "osf_of_somebody_else", "ansible.builtin.command"])
NODES = (Node("good", "10.0.0.2"), Node("evil", "10.0.0.3"))


@SETTINGS
@given(module=MODULES, answer=JSON | ANSWERS, succeeded=st.booleans())
def test_an_answer_is_read_or_refused(module: str, answer: Any, succeeded: bool) -> None:
    try:
        found: Any = answers.read(module.rpartition(".")[2], answer, succeeded=succeeded)
    except answers.Unfit as error:
        found = str(error)[:500]
        assert found == str(error) != ""  # noqa: PT017 - being refused is one of two right ends
    json.dumps(found, allow_nan=False).encode()
    repr(found).encode()


@SETTINGS
@given(module=MODULES, answer=JSON | ANSWERS, kind=st.sampled_from(["ok", "failed", "unreachable", "skipped"]))
def test_events_become_results(module: str, answer: Any, kind: str) -> None:
    honest = HONEST["osf_holds_info"]
    action = Action("list", "faults.yml", NODES)
    heard = [
        {"event": f"runner_on_{kind}", "event_data": {"host": "evil", "task_action": module, "res": answer}},
        {"event": "runner_on_ok", "event_data": {"host": "good", "task_action": "osf_holds_info", "res": honest}},
    ]
    found = events.results(heard, action)
    assert found["good"].status is Status.OK
    assert found["good"].payload["holds"] == honest["holds"]
    json.dumps([found["evil"].message, found["evil"].payload], allow_nan=False).encode()
    assert len(found["evil"].message) < 5000


@pytest.mark.parametrize("module", HONEST)
def test_honest_answers_are_read_as_they_are(module: str) -> None:
    assert answers.read(module, HONEST[module], succeeded=True) == HONEST[module]


def test_what_is_not_documented_is_left_out() -> None:
    found = answers.read("osf_holds_info", {**HONEST["osf_holds_info"], "power_state": "on"}, succeeded=True)
    assert "power_state" not in found


def test_a_failure_need_not_have_all_keys_but_those_it_has_are_typed() -> None:
    assert answers.read("osf_heal", {"failed": True, "msg": "no"}, succeeded=False)["msg"] == "no"
    with pytest.raises(answers.Unfit, match="undone is 5"):
        answers.read("osf_heal", {"failed": True, "undone": 5}, succeeded=False)


def test_an_answer_that_was_cut_off_is_no_success() -> None:
    with pytest.raises(answers.Unfit, match="more than 10000000 characters"):
        answers.read("osf_holds_info", {}, succeeded=True)


def test_a_million_values_are_refused_at_once() -> None:
    with pytest.raises(answers.Unfit, match="values"):
        answers.read("ansible.builtin.command", {"stdout": [[]] * 1_000_000}, succeeded=True)


@pytest.mark.parametrize("roles", [5, [5], {"a": 1}, "x" * 20_000])
def test_what_a_master_prints_is_typed_too(roles: Any) -> None:
    with pytest.raises(answers.Unfit, match="roles"):
        answers.read_document("fuel_nodes", [{"name": "node-1", "ip": "10.0.0.2", "roles": roles}])

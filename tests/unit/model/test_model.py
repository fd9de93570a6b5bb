from __future__ import annotations

import time

import pytest

from os_faults import (
    AnsibleExecutionException,
    AnsibleExecutionUnreachable,
    CloudManagementError,
    Fault,
    HostResult,
    Interface,
    Node,
    NothingTargeted,
    PartlyDone,
    Result,
    Status,
    UndoError,
)
from os_faults.actions.batch import pending
from os_faults.model import Action
from os_faults.system.text import as_counted

ACTION = Action("kill", "service_state.yml", (Node("node-1", "10.0.0.1"),), subject="keystone service")


def result(**statuses: HostResult) -> Result:
    return Result(ACTION, {name.replace("_", "-"): host for name, host in statuses.items()})


def host(status: Status, message: str = "", **payload: object) -> HostResult:
    return HostResult("node-1", status, message=message, payload=payload)


@pytest.mark.parametrize("name", ["{{ 7 * 7 }}", "a;b", "a b", "$(id)", "", "-o", "a\n", "ä"])
def test_a_name_that_is_not_plain_is_refused(name):
    with pytest.raises(CloudManagementError, match="refused"):
        Node(name, "10.0.0.1")


@pytest.mark.parametrize("address", ["fe80::1%{{ lookup('pipe', 'id') }}", "10.0.0.1; id", "{{ x }}", "fe80::1%a b"])
def test_an_address_that_is_not_plain_is_refused(address):
    with pytest.raises(CloudManagementError, match="refused"):
        Node("node-1", address)


@pytest.mark.parametrize("address", ["10.0.0.1", "fd00::1", "fe80::1%eth0", "devstack.local"])
def test_plain_addresses_are_taken(address):
    assert Node("node-1", address).ip == address


def test_macs_are_compared_in_lower_case():
    assert Node("node-1", "10.0.0.1", "52:54:00:AB:CD:EF").mac == "52:54:00:ab:cd:ef"
    with pytest.raises(CloudManagementError, match="MAC"):
        Interface("eth0", "{{ mac }}")


def test_a_result_in_which_all_did_it_returns_itself():
    done = result(node_1=host(Status.OK), node_2=host(Status.SKIPPED), node_3=host(Status.IGNORED))
    assert done.raise_for_status() is done
    assert sorted(done) == ["node-1", "node-2", "node-3"]


@pytest.mark.parametrize(
    ("hosts", "error", "code"),
    [
        ({}, NothingTargeted, 1),
        ({"node_1": host(Status.FAILED, "no such unit")}, AnsibleExecutionException, 1),
        ({"node_1": host(Status.UNREACHABLE, "timed out")}, AnsibleExecutionUnreachable, 3),
        ({"node_1": host(Status.FAILED), "node_2": host(Status.OK)}, PartlyDone, 4),
        ({"node_1": host(Status.FAILED, undo_failed=True), "node_2": host(Status.OK)}, UndoError, 5),
    ],
)
def test_the_error_fits_what_happened_and_carries_the_evidence(hosts, error, code):
    failed = result(**hosts)
    with pytest.raises(error) as caught:
        failed.raise_for_status()
    assert type(caught.value) is error
    assert caught.value.exit_code == code
    assert caught.value.result is failed


def test_the_sentence_names_verb_node_and_reason():
    partly = result(node_1=host(Status.FAILED, "no unit of service 'keystone' on this host"), node_2=host(Status.OK))
    with pytest.raises(PartlyDone) as caught:
        partly.raise_for_status()
    assert str(caught.value) == (
        "kill keystone service: node-1 failed: no unit of service 'keystone' on this host (1 of 2 nodes did it)"
    )


@pytest.mark.parametrize(
    "names", [["node-2", "node-10"], ["10.0.0.9", "10.0.0.10"], ["a", "a1", "a1b", "a2", "b"], ["node-01", "node-1"]]
)
def test_names_are_sorted_as_people_count(names):
    assert sorted(set(names), key=as_counted) == names


@pytest.mark.case("u13")
def test_a_loop_over_a_result_yields_plain_names_and_only_names_are_in_it():
    done = result(node_10=host(Status.OK), node_2=host(Status.OK))
    assert [(type(name), name) for name in done] == [(str, "node-2"), (str, "node-10")]
    assert "node-2" in done
    assert [wrong for wrong in ("node-3", 0, 7, -1, None) if wrong in done] == []


def test_a_loop_over_the_result_of_own_tasks_yields_names_that_are_records_too():
    nodes = (Node("node-1", "10.0.0.1"),)
    done = Result(Action("run_task", "", nodes, tasks=({"command": "id"},)), {"node-1": host(Status.OK)})
    (name,) = done
    assert (name, name.host, name.status) == ("node-1", "10.0.0.1", "OK")
    assert name in done
    assert 0 not in done


def test_a_result_is_printed_for_people():
    names = ("node_2", "node_10")
    mixed = result(**{name: HostResult(name.replace("_", "-"), Status.OK, changed=True) for name in names})
    assert repr(mixed) == "Result(kill keystone service: 2 ok, 0.0 s)"
    first, *lines = str(mixed).splitlines()
    assert first == "kill keystone service: 2 ok, 0.0 s"
    assert [line.split() for line in lines] == [["node-2", "ok", "changed"], ["node-10", "ok", "changed"]]
    assert "not done yet" in repr(pending(ACTION))
    assert (
        repr(Result(ACTION, {}, error="timed out\x1b"))
        == "Result(kill keystone service: no node, 0.0 s; timed out\\x1b)"
    )


@pytest.mark.case("u13")
def test_a_fault_is_printed_for_people():
    fault = Fault("node-1", "freeze-keystone", "freeze", "keystone", "injected", 0.0, time.time() + 95, "root@ctl")
    assert str(fault).startswith("node-1: freeze-keystone injected since 1970-01-01 ")
    assert str(fault).endswith(", ends in 1m35s, by root@ctl")
    assert repr(fault) == f"Fault({fault})"
    assert str(Fault("node-1", "x", "x", "", "held", 0.0)).endswith(", never ends by itself")

"""The bundled playbooks by bare ansible-playbook: on which hosts they act, and what they tell."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.functional

TWO = {"node-1": {}, "node-2": {}}
ARGUMENTS = {
    "node_reboot": {"node_action": "reboot"},
    "service_state": {"service": "keystone", "service_action": "kill"},
}
REFUSED = (
    "this would act on all 2 hosts of the inventory (node-1, node-2), so nothing was done; "
    "say on which: --limit node-1, or --limit all for all of them"
)


@pytest.mark.case("u03")
@pytest.mark.parametrize("playbook", ARGUMENTS)
def test_nothing_is_done_on_all_hosts_by_silence(play, playbook):
    done = play(f"{playbook}.yml", hosts=TWO, limit=None, **ARGUMENTS[playbook])
    assert set(done.failures.values()) == {REFUSED}
    assert done.results() == {}


@pytest.mark.parametrize("playbook", ["heal", "faults", "verify"])
def test_to_look_and_to_heal_need_no_limit(play, playbook):
    one = {"fault_ids": ["freeze-nothing"]} if playbook == "heal" else {}  # others test on this machine, too
    done = play(f"{playbook}.yml", hosts=TWO, limit=None, **one)
    assert done.failures == {}
    assert set(done.results()) == set(TWO)


@pytest.mark.case("u03")
@pytest.mark.parametrize(
    ("hosts", "limit", "more"),
    [(TWO, "node-2", {}), (TWO, "all", {}), ({"node-1": {}}, None, {}), (TWO, None, {"os_faults_hosts": "node-1"})],
)
def test_who_says_on_which_is_heard(play, hosts, limit, more):
    done = play("service_freeze.yml", hosts=hosts, limit=limit, service="keystone", service_action="unfreeze", **more)
    assert done.failures == {}
    assert len(done.results("osf_hold")) == (2 if limit == "all" else 1)


@pytest.mark.case("u04")
@pytest.mark.parametrize(
    ("wrong", "right"),
    [({"secs": 3}, "seconds"), ({"heal-after": 60}, "heal_after"), ({"os_faults_clud": "kolla"}, "os_faults_cloud")],
)
def test_a_misspelt_option_is_refused(play, wrong, right):
    done = play("service_freeze.yml", service="keystone", service_action="freeze", **wrong)
    (name,) = wrong
    why = f"{name} is no option of service_freeze; did you mean {right}?; nothing was done"
    assert done.failures == {"here": why}


@pytest.mark.case("u04")
def test_an_extra_variable_that_nobody_takes_is_told_of(play):
    with pytest.raises(AssertionError, match="pause_for is no option of service_freeze, so it does nothing here"):
        play("service_freeze.yml", service="keystone", service_action="unfreeze", pause_for=3)


@pytest.mark.case("u04")
def test_options_of_other_playbooks_and_variables_of_a_connection_are_let_through(play):
    more = {"percent": 5, "ansible_user": "stack", "os_faults_by": "me@here"}
    assert play("faults.yml", **more).failures == {}


@pytest.mark.case("u05")
@pytest.mark.usefixtures("runtime_directory")
def test_a_playbook_that_only_reads_prints_its_answer(play, tmp_path):
    assert '"answer.holds": ' in play("faults.yml").stdout
    assert '"boot_id":' in play("verify.yml").stdout
    inventory = tmp_path / "somebody.ini"
    inventory.write_text("compute-7 ansible_host=192.0.2.7\n")
    assert "192.0.2.7" in play("list_inventory.yml", inventory_path=str(inventory)).stdout


@pytest.mark.case("u06")
def test_an_unknown_cloud_is_refused_with_those_that_are_known(play):
    inventory = {"os_faults_cloud": "osa"}
    done = play("service_state.yml", inventory=inventory, service="keystone", service_action="restart")
    assert done.failures == {
        "here": "there is no catalogue of that name here (os_faults_cloud): catalogue/osa.yml; "
        "there are devstack, fuel, kolla, salt, and '' is a cloud without one"
    }

from __future__ import annotations

from itertools import groupby

import pytest
from support.cloud_fixture import CONFIG, cloud_of, hold_of, hosts

from os_faults import (
    AnsibleExecutionUnreachable,
    ArgumentError,
    CloudManagementError,
    ConfigError,
    HostResult,
    NodeCollectionError,
    OSFError,
    PartlyDone,
    PartlyUnreachable,
    ServiceError,
    Status,
    UndoError,
    connect,
)
from os_faults.testing import FakeRunner

pytestmark = pytest.mark.usefixtures("state_home")


def test_connect_contacts_nobody():
    runner = FakeRunner(hosts())
    with cloud_of(runner):
        assert runner.performed == []


@pytest.mark.case("u13")
def test_a_cloud_is_printed_for_people():
    with cloud_of(FakeRunner(hosts())) as cloud:
        assert repr(cloud) == "Cloud(devstack, nodes not asked yet)"
        cloud.get_nodes()
        assert repr(cloud) == "Cloud(devstack, 3 nodes)"


@pytest.mark.case("E03")
def test_the_nodes_are_asked_once_per_connection():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        cloud.get_nodes()
        cloud.get_service("keystone").get_nodes()
        assert [action.verb for action in runner.performed] == ["discover"]
        cloud.refresh()
        cloud.get_nodes()
        assert [action.verb for action in runner.performed] == ["discover", "discover"]


def test_a_service_is_where_it_was_found_running_or_not():
    with cloud_of(FakeRunner(hosts())) as cloud:
        memcached = cloud.get_service("memcached")
        assert len(memcached.get_nodes()) == 3
        assert memcached.get_nodes(running=True).get_fqdns() == ["node-1.domain.tld", "node-3.domain.tld"]


def test_what_is_known_of_a_service_is_not_looked_up_on_each_node():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        cloud.get_service("keystone").restart()
        asked = runner.performed[-1]
        assert asked.variables["os_faults_service"] == "keystone"
        assert asked.variables["os_faults_definition"]["driver"] == asked.variables["os_faults_driver"] == "systemd"
        assert asked.arguments == {"service": "keystone", "service_action": "restart"}


def test_unknown_names_are_refused_with_the_nearest():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        with pytest.raises(ServiceError, match="did you mean 'keystone'"):
            cloud.get_service("keystne")
        assert runner.performed == []
        with pytest.raises(NodeCollectionError, match=r"did you mean 'node-2\.domain\.tld'"):
            cloud.get_nodes(fqdns=["node-2.domain.tl"])
        with pytest.raises(NodeCollectionError, match="no name was given"):
            cloud.get_nodes(fqdns=[])


def test_a_verb_on_a_node_without_the_service_is_refused():
    runner = FakeRunner(hosts())
    with cloud_of(runner) as cloud:
        keystone = cloud.get_service("keystone")
        with pytest.raises(ServiceError, match=r"node-2\.domain\.tld does not have it; it is on node-1\.domain\.tld"):
            keystone.kill(cloud.get_nodes(fqdns=["node-2.domain.tld"]))
        assert [action.verb for action in runner.performed] == ["discover"]


def test_a_silent_node_is_named_and_never_just_left_out():
    with cloud_of(FakeRunner(hosts())) as before:
        before.get_nodes()
    with cloud_of(FakeRunner(hosts(silent=("10.0.0.2",)))) as cloud:
        with pytest.raises(
            PartlyDone, match=r"node-2\.domain\.tld \(10\.0\.0\.2\), last seen .*, could not be reached: No route"
        ):
            cloud.get_nodes()
        with pytest.raises(PartlyDone):
            cloud.get_service("memcached").restart()
        (named,) = cloud.get_nodes(fqdns=["node-2.domain.tld"])
        assert named.last_seen
        assert named.mac == "52:54:00:00:00:02"
        assert "10.0.0.2" in cloud.unreachable


def test_a_cloud_that_is_silent_altogether_is_unreachable():
    silent = hosts(silent=("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    with cloud_of(FakeRunner(silent)) as cloud, pytest.raises(AnsibleExecutionUnreachable):
        cloud.get_nodes()


def test_heal_reaches_for_nodes_that_are_known_from_the_last_time():
    with cloud_of(FakeRunner(hosts())) as before:
        before.get_nodes()
    runner = FakeRunner(hosts(silent=("10.0.0.3",)))
    with cloud_of(runner) as cloud:
        with pytest.raises(PartlyDone, match=r"node-3\.domain\.tld could not be reached"):
            cloud.heal()
        asked = {node.fqdn for node in runner.performed[-1].nodes}
        assert asked == {f"node-{n}.domain.tld" for n in (1, 2, 3)}


def test_a_node_that_answers_nonsense_does_not_stand_in_the_way_of_healing():
    with cloud_of(FakeRunner(hosts())) as before:
        before.get_nodes()

    def answer(action, node):
        told = hosts()(action, node)
        if action.verb == "discover" and node == "10.0.0.2":
            told.payload["node"]["fqdn"] = "{{ 7 * 7 }}"
        return told

    runner = FakeRunner(answer)
    with cloud_of(runner) as cloud:
        with pytest.raises(CloudManagementError, match=r"refused the host name '{{ 7 \* 7 }}'"):
            cloud.get_nodes()
        assert set(cloud.heal()) == {f"node-{n}.domain.tld" for n in (1, 2, 3)}
        assert cloud.get_nodes(["node-3.domain.tld"])


def test_two_nodes_with_one_name_are_both_healed_by_their_addresses():
    def answer(action, node):
        told = hosts()(action, node)
        if action.verb == "discover" and node == "10.0.0.2":
            told.payload["node"]["fqdn"] = "node-1.domain.tld"
        return told

    with cloud_of(FakeRunner(answer)) as cloud:
        with pytest.raises(CloudManagementError, match="both call themselves node-1"):
            cloud.get_nodes()
        assert set(cloud.heal()) == {"10.0.0.1", "10.0.0.2", "node-3.domain.tld"}


def test_a_node_that_never_answered_is_healed_by_its_address():
    runner = FakeRunner(hosts(silent=("10.0.0.2",)))
    with cloud_of(runner) as cloud, pytest.raises(PartlyDone, match=r"10\.0\.0\.2 could not be reached"):
        cloud.heal()


def test_faults_are_what_the_nodes_tell():
    def answer(action, node):
        if action.playbook == "faults.yml" and node.startswith("node-1"):
            hold = {"id": "freeze-keystone", "fault": "freeze", "subject": "keystone", "state": "injected"}
            return HostResult(node, Status.OK, payload={"holds": [{**hold, "since": 10.0, "until": 70.0, "by": "me"}]})
        return hosts()(action, node)

    with cloud_of(FakeRunner(answer)) as cloud:
        (fault,) = cloud.faults()
        assert (fault.node, fault.verb, fault.subject, fault.until) == ("node-1.domain.tld", "freeze", "keystone", 70.0)


def test_an_undo_that_failed_is_an_error_of_its_own():
    def answer(action, node):
        if action.verb == "heal" and node.startswith("node-2"):
            return HostResult(node, Status.FAILED, message="the table stays", payload={"undo_failed": True})
        return hosts()(action, node)

    with cloud_of(FakeRunner(answer)) as cloud, pytest.raises(UndoError, match="the table stays") as caught:
        cloud.heal()
    assert caught.value.exit_code == 5
    assert caught.value.result["node-1.domain.tld"].ok


class Interrupted(FakeRunner):
    """A runner in which something hits the verb in the middle."""

    def __init__(self, answer, interruption: BaseException) -> None:
        super().__init__(answer)
        self.interruption = interruption

    def run(self, action, inventory, watch=None):
        result = super().run(action, inventory, watch)
        if action.undo:
            raise self.interruption
        return result

    @property
    def healed(self) -> list[list[str]]:
        """The ids of each healing, the same for each of its nodes."""
        healings = (action.known["os_faults_ids_of"] for action in self.performed if action.playbook == "heal.yml")
        return [ids for of_nodes in healings for ids, _ in groupby(of_nodes.values())]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), TimeoutError("alarm"), SystemExit(3)])
def test_an_interrupted_verb_is_taken_back_and_the_interruption_passed_on(interruption):
    runner = Interrupted(hosts(holds=("freeze-keystone", "freeze-memcached", "unplug-keystone")), interruption)
    with cloud_of(runner) as cloud, pytest.raises(type(interruption)) as caught:
        cloud.get_service("keystone").freeze()
    assert caught.value is interruption
    assert runner.healed == [["freeze-keystone"]]


def test_the_callers_own_watcher_does_not_stop_the_taking_back():
    def watch(event):
        raise ValueError("of the test")

    class Watched(FakeRunner):
        def run(self, action, inventory, watch=None):
            result = super().run(action, inventory, watch)
            if watch:
                watch({})
            return result

    runner = Watched(hosts(holds=("freeze-keystone",)))
    with cloud_of(runner) as cloud:
        keystone = cloud.get_service("keystone")
        keystone.get_nodes()
        cloud.watch = watch
        with pytest.raises(ValueError, match="of the test"):
            keystone.freeze()
    assert list(runner.performed[-1].known["os_faults_ids_of"].values()) == [["freeze-keystone"]]


def test_what_was_there_before_an_interrupted_verb_stays():
    def answer(action, node):
        told = hosts()(action, node)
        if action.playbook == "faults.yml":
            told.payload["holds"].append(hold_of("freeze-keystone", since=10.0))
        return told

    runner = Interrupted(answer, KeyboardInterrupt())
    with cloud_of(runner) as cloud, pytest.raises(KeyboardInterrupt):
        cloud.get_service("keystone").freeze()
    assert runner.healed == []


def test_a_host_that_holds_nothing_yet_is_asked_again():
    asked: list[str] = []

    def answer(action, node):
        if action.playbook == "faults.yml":
            asked.append(node)
        holds = ("freeze-memcached",) if node != "node-1.domain.tld" or asked.count(node) > 1 else ()
        return hosts(holds=holds)(action, node)

    runner = Interrupted(answer, KeyboardInterrupt())
    with cloud_of(runner) as cloud, pytest.raises(KeyboardInterrupt):
        cloud.get_service("memcached").freeze()
    healed = [node.fqdn for action in runner.performed if action.playbook == "heal.yml" for node in action.nodes]
    assert sorted(healed) == [f"node-{number}.domain.tld" for number in (1, 2, 3)]


def test_a_verb_that_was_refused_before_its_run_has_nothing_to_take_back():
    runner = Interrupted(hosts(holds=("freeze-keystone",)), ConfigError("no disk"))
    with cloud_of(runner) as cloud, pytest.raises(ConfigError):
        cloud.get_service("keystone").freeze()
    assert runner.healed == []


def test_check_false_returns_what_happened():
    with cloud_of(FakeRunner(hosts())) as before:
        before.get_nodes()
    with cloud_of(FakeRunner(hosts(silent=("10.0.0.2",)))) as cloud:
        result = cloud.heal(check=False)
        assert result["node-2.domain.tld"].status is Status.UNREACHABLE
        assert [host.node for host in result.failures] == ["node-2.domain.tld"]


def test_power_management_of_the_readme_is_accepted():
    power = {"power_management": {"driver": "libvirt", "address": "host.local", "username": "root"}}
    connect({**CONFIG, **power}, runner=FakeRunner()).close()


@pytest.mark.parametrize("wrong", [30, "node-1.domain.tld", ["node-1.domain.tld"]])
def test_a_verb_takes_node_collections_only(wrong):
    with cloud_of(FakeRunner(hosts())) as cloud, pytest.raises(ArgumentError, match="must be a node collection"):
        cloud.get_service("keystone").freeze(wrong)


def test_one_id_is_healed_as_well_as_several():
    runner = FakeRunner(hosts(holds=("freeze-keystone",)))
    with cloud_of(runner) as cloud:
        cloud.heal("freeze-keystone")
        assert runner.performed[-1].arguments["fault_ids"] == ["freeze-keystone"]


@pytest.mark.parametrize("wanted", [["freeze-keystone", "no-such"], "no-such"])
def test_an_id_that_nobody_knows_is_refused_before_anything_is_touched(wanted):
    runner = FakeRunner(hosts(holds=("freeze-keystone",)))
    with cloud_of(runner) as cloud:
        for heal in (cloud.heal, cloud.healing):
            with pytest.raises(ArgumentError, match="nothing was touched: no node holds no-such; 'os-faults faults'"):
                heal(wanted)
    assert "heal" not in [action.verb for action in runner.performed]


def test_an_id_that_a_silent_node_may_hold_is_not_refused():
    with cloud_of(FakeRunner(hosts())) as before:
        before.get_nodes()
    runner = FakeRunner(hosts(silent=("10.0.0.2",)))
    with cloud_of(runner) as cloud, pytest.raises(PartlyUnreachable):
        cloud.heal("no-such")
    assert runner.performed[-1].arguments["fault_ids"] == ["no-such"]


def test_an_id_of_a_fault_that_is_over_is_told(caplog):
    with cloud_of(FakeRunner(hosts())) as cloud:
        service = cloud.get_service("keystone")
        service.freeze()
        service.unfreeze()
        cloud.heal("freeze-keystone")
    assert "no node held freeze-keystone" in caplog.text


def test_a_closed_cloud_does_nothing_more():
    runner = FakeRunner(hosts())
    cloud = cloud_of(runner)
    cloud.close()
    cloud.close()
    with pytest.raises(OSFError, match="is closed; connect again"):
        cloud.get_nodes()
    assert runner.performed == []

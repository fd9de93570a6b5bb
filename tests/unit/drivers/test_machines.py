"""Which machine a node has: the configuration's word, the node's own, and what is said when they do not agree."""

from __future__ import annotations

from typing import Any

import pytest
from support.cloud_fixture import answer_of, cloud_of

from os_faults import GuardRailError, HostResult, PowerManagementError, Status
from os_faults.actions.guards import Guards
from os_faults.drivers import PowerDriver
from os_faults.drivers.machines import Machines
from os_faults.drivers.power.ipmi import IpmiPower
from os_faults.drivers.power.libvirt import LibvirtPower
from os_faults.drivers.power.redfish import RedfishPower
from os_faults.model import Action, Interface, Node
from os_faults.testing import FakeRunner, done

pytestmark = pytest.mark.usefixtures("state_home")

LOGIN = {"username": "admin", "password": "x"}
OWN, VM, GHOST = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"
HOW = "say in the configuration which machine each has"


def bmc(number: int) -> dict[str, Any]:
    return {"address": f"10.1.0.{number}", **LOGIN}


def node(name: str, *macs: str, ip: str = "", last_seen: str | None = None) -> Node:
    """Return a node as it reports itself; its address is its name unless it is told."""
    cards = tuple(Interface(f"eth{number}", mac) for number, mac in enumerate(macs))
    return Node(name, ip or f"{name}.example", macs[0] if macs else None, cards, last_seen=last_seen)


IPMI = IpmiPower({"mac_to_bmc": {OWN: bmc(1), VM: bmc(2), GHOST: bmc(3)}})
LIBVIRT = LibvirtPower({"connection_uri": "test:///default"})
REDFISH = RedfishPower({"url": "https://rack", **LOGIN})
DRIVERS = pytest.mark.parametrize("driver", [IPMI, LIBVIRT, REDFISH], ids=lambda driver: driver.NAME)


@DRIVERS
def test_a_node_alone_is_believed(driver: PowerDriver) -> None:
    good, evil = node("vm", VM), node("evil", OWN)
    machines = Machines([driver], (), [good, evil])
    machines.check("poweroff", [good, evil])
    told = machines.variables([good, evil])
    assert told["vm"] == driver.variables(good)
    assert told["evil"] == driver.variables(evil)


@DRIVERS
def test_a_mac_that_two_nodes_report_is_no_way_to_a_machine(driver: PowerDriver) -> None:
    """Of both: nobody knows whose it is. The other addresses of a node still count."""
    victim, evil = node("vm", VM), node("evil", OWN, VM)
    machines = Machines([driver], (), [victim, evil])
    assert machines.variables([victim, evil]) == {"vm": {}, "evil": driver.variables(node("evil", OWN))}
    machines.check("poweroff", [evil])
    for verb in ("poweroff", "power_state"):
        with pytest.raises(PowerManagementError) as refused:
            machines.check(verb, [evil, victim])
        assert str(refused.value) == (
            f"{verb}: the MAC address {VM} is claimed by evil and vm, so it leads to no machine; "
            f"{HOW} ({driver.TOLD_BY}); nothing was done"
        )
    assert machines.refusals("poweroff", [evil, victim]).keys() == {"vm"}


@DRIVERS
def test_the_configuration_wins(driver: PowerDriver) -> None:
    """With the MAC address that `node_list` tells, nobody can take the machine of a node, nor keep it away."""
    victim, evil = node("vm", VM), node("evil", VM)
    machines = Machines([driver], [node("vm", VM)], [victim, evil])
    machines.check("poweroff", [victim])
    assert machines.variables([victim, evil]) == {"vm": driver.variables(victim), "evil": {}}
    with pytest.raises(PowerManagementError, match=rf"{VM} is claimed by evil and vm"):
        machines.check("poweroff", [evil])


@DRIVERS
def test_what_a_node_reports_beside_the_configuration_counts_for_nothing(driver: PowerDriver) -> None:
    victim, evil = node("vm", VM), node("evil", OWN, VM)
    machines = Machines([driver], [node("evil", OWN)], [victim, evil])
    told = machines.variables([victim, evil])
    assert told == {"vm": driver.variables(victim), "evil": driver.variables(node("evil", OWN))}


@pytest.mark.parametrize(
    ("driver", "told"),
    [
        (IpmiPower({"mac_to_bmc": {VM: bmc(2)}, "fqdn_to_bmc": {"evil": bmc(1)}}), {"address": "10.1.0.1"}),
        (LibvirtPower({"connection_uri": "test:///default", "domains": {"evil": "own"}}), {"domain": "own"}),
        (RedfishPower({"url": "https://rack", "systems": {"evil": "S1"}, **LOGIN}), {"system": "S1"}),
    ],
)
def test_a_name_in_the_configuration_counts_more_than_what_is_reported(
    driver: PowerDriver, told: dict[str, str]
) -> None:
    evil = node("evil", VM)
    found = Machines([driver], (), [evil]).variables([evil])["evil"]
    assert {key: found[key] for key in told} == told
    assert "macs" not in found


def test_a_node_with_the_addresses_of_several_bmcs_has_none() -> None:
    evil = node("evil", OWN, GHOST)
    machines = Machines([IPMI], (), [evil])
    assert machines.variables([evil]) == {"evil": {}}
    with pytest.raises(PowerManagementError, match=rf"evil has the MAC addresses of several BMCs \({OWN}, {GHOST}\)"):
        machines.check("poweroff", [evil])


SAME = {
    "ipmi": IpmiPower({"fqdn_to_bmc": {"one": bmc(1), "two": {**bmc(1), "port": 623, "username": "other"}}}),
    "libvirt": LibvirtPower({"connection_uri": "test:///default", "domains": {"one": "vm", "two": "vm"}}),
    "redfish": RedfishPower(
        {"fqdn_to_bmc": {"one": {"url": "https://A/", **LOGIN}, "two": {"url": "https://a", "system": "S", **LOGIN}}}
    ),
}
PLACES = {
    "ipmi": "the BMC at 10.1.0.1:623",
    "libvirt": "libvirt at test:///default, the domain vm",
    "redfish": "the BMC at https://a",
}


@pytest.mark.parametrize("kind", SAME)
@pytest.mark.parametrize("told", [True, False], ids=["named in the configuration", "named by themselves"])
def test_two_nodes_with_one_machine_are_refused(kind: str, told: bool) -> None:
    one, two, other = node("one"), node("two"), node("three")
    seeds = [one, two] if told else [node(seed.ip, ip=seed.ip) for seed in (one, two)]
    machines = Machines([SAME[kind]], seeds, [one, two, other])
    for acted_on in ([one], [two, one]):
        with pytest.raises(PowerManagementError) as refused:
            machines.check("poweroff", acted_on)
        assert str(refused.value).startswith(f"poweroff: one and two would have one machine, {PLACES[kind]}")
        assert str(refused.value).endswith(f"{HOW} ({SAME[kind].TOLD_BY}); nothing was done")
    if told:
        machines.check("power_state", [one, two])  # it only reads


def test_the_word_of_a_node_does_not_count_against_that_of_the_configuration() -> None:
    """Else whoever is root on a node could keep the others from being powered on again."""
    driver = IpmiPower({"mac_to_bmc": {GHOST: bmc(1)}, "fqdn_to_bmc": {"vm": bmc(1)}})
    victim, evil = node("vm"), node("evil", GHOST)
    machines = Machines([driver], [victim], [victim, evil])
    machines.check("poweroff", [victim])
    with pytest.raises(PowerManagementError, match=r"evil and vm would have one machine, the BMC at 10\.1\.0\.1:623"):
        machines.check("poweroff", [evil])
    assert machines.variables([evil]) == {"evil": {}}


def test_a_name_that_a_node_gives_itself_is_no_domain() -> None:
    evil, silent, listed = node("vm", ip="10.0.0.1"), node("10.0.0.2", ip="10.0.0.2", last_seen="never"), node("named")
    machines = Machines([LIBVIRT], [node("10.0.0.1", ip="10.0.0.1"), listed], [evil, silent, listed])
    told = machines.variables([evil, silent, listed])
    assert (told["vm"], told["10.0.0.2"]["domain"], told["named"]["domain"]) == ({}, "10.0.0.2", "named")
    with pytest.raises(PowerManagementError, match=r"no power driver knows vm \(asked: libvirt\)"):
        machines.check("poweroff", [evil])


def refusals(machines: Machines, acted_on: Node, known: list[Node], protected: str = "vm") -> list[str]:
    action = Action("poweroff", "node_power.yml", (acted_on,), breaks=True, from_outside=True)
    return Guards(nodes=(protected,)).refusals(action, known, (), {acted_on.fqdn: machines.suspects(acted_on)})


@pytest.mark.parametrize(
    ("driver", "victim", "refused"),
    [
        pytest.param(IPMI, node("vm", VM), False, id="its BMC is known to be another"),
        pytest.param(IPMI, node("vm", last_seen="never"), True, id="nothing is known of it"),
        pytest.param(
            IpmiPower({"mac_to_bmc": {GHOST: bmc(3)}, "fqdn_to_bmc": {"vm": bmc(3)}}), node("vm"), True, id="it is"
        ),
        pytest.param(
            IpmiPower({"mac_to_bmc": {GHOST: bmc(3)}, "fqdn_to_bmc": {"vm": bmc(2)}}), node("vm"), False, id="it is not"
        ),
        pytest.param(LIBVIRT, node("vm", VM), False, id="its domain is another"),
        pytest.param(LIBVIRT, node("vm", last_seen="never"), True, id="its domain may be this"),
        pytest.param(REDFISH, node("vm", last_seen="never"), True, id="its system may be this"),
    ],
)
def test_the_machine_of_a_protected_node_is_protected(driver: PowerDriver, victim: Node, refused: bool) -> None:
    evil = node("evil", GHOST)
    machines = Machines([driver], (), [victim, evil])
    said = refusals(machines, evil, [victim, evil])
    assert (
        said
        == [
            "the machine of evil is, or may be, that of vm, which is protected by protected.nodes in the configuration "
            "(vm); say there which machine each has"
        ]
        * refused
    )


def test_a_machine_that_the_configuration_tells_is_not_suspected() -> None:
    victim, evil = node("vm", last_seen="never"), node("evil", GHOST)
    machines = Machines([IPMI], [node("evil", OWN)], [victim, evil])
    assert refusals(machines, evil, [victim, evil]) == []


def told_by(claims: dict[str, list[str]], silent: frozenset[str] = frozenset()) -> Any:
    """Return the answers of the three hosts of the fixture, with other MAC addresses for some."""

    def answer(action: Action, name: str) -> HostResult:
        address = next(each.ip for each in action.nodes if each.fqdn == name)
        if action.verb == "discover" and address in silent:
            return HostResult(name, Status.UNREACHABLE)
        if action.verb != "discover":
            return done(action, name)
        payload = answer_of(int(address[-1]))
        about: Any = payload["node"]
        cards = [
            {"name": f"eth{n}", "mac": mac, "addresses": [address]} for n, mac in enumerate(claims.get(address, ()))
        ]
        about["interfaces"] = cards or about["interfaces"]
        return HostResult(name, Status.OK, payload=payload)

    return answer


BY_MAC = {
    "power_management": {"driver": "ipmi", "mac_to_bmc": {f"52:54:00:00:00:0{n}": bmc(n) for n in (1, 2, 3)}},
    "protected": {"nodes": ["10.0.0.2"]},
}
LIE = {"10.0.0.3": ["52:54:00:00:00:02"]}


def verbs(runner: FakeRunner) -> list[str]:
    return [action.verb for action in runner.performed if action.verb != "discover"]


def test_a_cloud_does_not_power_off_by_a_lie() -> None:
    runner = FakeRunner(told_by(LIE))
    cloud = cloud_of(runner, **BY_MAC)
    with pytest.raises(PowerManagementError, match=r"claimed by node-2\.domain\.tld and node-3\.domain\.tld"):
        cloud.get_nodes(["10.0.0.3"]).poweroff()
    assert verbs(runner) == []
    hosts = cloud.inventory()["all"]["hosts"]
    assert [("os_faults_power" in hosts[f"node-{n}.domain.tld"]) for n in (1, 2, 3)] == [True, False, False]


def test_nor_by_a_lie_about_a_protected_node_that_never_answered() -> None:
    runner = FakeRunner(told_by(LIE, frozenset({"10.0.0.2"})))
    with pytest.raises(GuardRailError, match=r"machine of node-3\.domain\.tld is, or may be, that of 10\.0\.0\.2"):
        cloud_of(runner, **BY_MAC).get_nodes(["10.0.0.3"]).poweroff()
    assert verbs(runner) == []


def test_nor_by_a_lie_about_one_that_answered_before() -> None:
    cloud_of(FakeRunner(told_by({})), **BY_MAC).get_nodes()
    runner = FakeRunner(told_by(LIE, frozenset({"10.0.0.2"})))
    with pytest.raises(PowerManagementError, match=r"claimed by node-2\.domain\.tld and node-3\.domain\.tld"):
        cloud_of(runner, **BY_MAC).get_nodes(["10.0.0.3"]).poweroff()
    assert verbs(runner) == []


def test_only_who_acts_on_machines_is_told_their_passwords() -> None:
    inventories: list[Any] = []

    class Runner(FakeRunner):
        def run(self, action: Action, inventory: Any, watch: Any = None) -> Any:
            inventories.append((action.from_outside, "os_faults_power" in str(inventory)))
            return super().run(action, inventory, watch)

    cloud = cloud_of(Runner(told_by({})), power_management=BY_MAC["power_management"])
    cloud.get_nodes()[0:1].poweroff()
    cloud.get_service("memcached").restart()
    assert set(inventories) == {(False, False), (True, True)}


class Powered:
    """The three hosts of the fixture and their machines: one that is off is silent, and the third one may lie."""

    def __init__(self) -> None:
        self.off: set[str] = set()
        self.claims: dict[str, list[str]] = {}

    def __call__(self, action: Action, name: str) -> HostResult:
        address = next(each.ip for each in action.nodes if each.fqdn == name)
        if not action.from_outside:
            return (
                told_by(self.claims)(action, name) if address not in self.off else HostResult(name, Status.UNREACHABLE)
            )
        before = address in self.off
        if action.verb == "poweroff":
            self.off.add(address)
        elif action.verb == "poweron":
            self.off.discard(address)
        state = "off" if address in self.off else "on"
        return HostResult(name, Status.OK, changed=before != (state == "off"), payload={"power_state": state})


def test_a_lie_keeps_no_other_node_from_being_powered_on_again() -> None:
    """Of the one whose MAC address is claimed it is told why; with the configuration's word it is powered on."""
    hosts = Powered()
    power = {"power_management": BY_MAC["power_management"]}
    cloud_of(FakeRunner(hosts), **power).get_nodes(["10.0.0.1", "10.0.0.2"]).poweroff()
    hosts.claims = LIE
    result = cloud_of(FakeRunner(hosts), **power).heal(check=False)
    assert hosts.off == {"10.0.0.2"}
    why = result["node-2.domain.tld"].message
    assert (
        "could not be taken back: poweron: the MAC address 52:54:00:00:00:02 is claimed by node-2.domain.tld and" in why
    )
    listed = {
        "node_discover": {
            "driver": "node_list",
            "args": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2", "mac": "52:54:00:00:00:02"}, {"ip": "10.0.0.3"}],
        }
    }
    cloud_of(FakeRunner(hosts), **power, **listed).heal()
    assert hosts.off == set()

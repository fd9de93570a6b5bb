"""What is judged to be left of a fault, and what others have changed meanwhile."""

from __future__ import annotations

import pytest
from ansible.module_utils.os_faults.hold import snapshot
from ansible.module_utils.os_faults.hold.compare import (
    Memory,
    State,
    Verdict,
    again,
    compare,
    dump,
    load,
    only_addresses,
    only_processes,
    remember,
)
from ansible.module_utils.os_faults.hold.targets import Targets

UP = ["link eth1 = up", "qdisc of eth1 = noqueue", "route of IPv4: 10.1.0.0/24 dev eth1"]
DOWN = ["link eth1 = down", "qdisc of eth1 = noqueue"]
SLOW = ["link eth1 = up", "qdisc of eth1 = tbf", "route of IPv4: 10.1.0.0/24 dev eth1"]
SLOW_AND_DOWN = ["link eth1 = down", "qdisc of eth1 = tbf"]
MIB = 1024.0 * 1024


def state(*lines: str, **levels: float) -> State:
    return State(frozenset(lines), {name.replace("_", " "): level for name, level in levels.items()})


def down(*others: Memory) -> Memory:
    return remember(state(*UP), state(*DOWN), others)


def test_all_is_as_before() -> None:
    assert compare(down(), state(*UP), []) == Verdict([], [])


def test_what_the_injection_changed_must_be_as_before() -> None:
    assert compare(down(), state(*DOWN), []) == Verdict(
        ["- link eth1 = up", "- route of IPv4: 10.1.0.0/24 dev eth1", "+ link eth1 = down"], []
    )


def test_what_changed_later_was_not_us() -> None:
    now = state(UP[0], UP[2], "qdisc of eth1 = fq", "route of IPv4: 10.2.0.0/24 dev eth0")
    assert compare(down(), now, []) == Verdict(
        [], ["- qdisc of eth1 = noqueue", "+ qdisc of eth1 = fq", "+ route of IPv4: 10.2.0.0/24 dev eth0"]
    )


def test_the_earlier_of_two_faults_ends_first() -> None:
    slow = remember(state(*UP), state(*SLOW), [])
    both = remember(state(*SLOW), state(*SLOW_AND_DOWN), [slow])
    assert compare(slow, state(*DOWN), [both]) == Verdict([], [])
    assert compare(both, state(*UP), []) == Verdict([], [])


def test_the_later_of_two_faults_ends_first() -> None:
    slow = remember(state(*UP), state(*SLOW), [])
    both = remember(state(*SLOW), state(*SLOW_AND_DOWN), [slow])
    assert compare(both, state(*SLOW), [slow]) == Verdict([], [])
    assert compare(slow, state(*SLOW), []).left == ["- qdisc of eth1 = noqueue", "+ qdisc of eth1 = tbf"]


def test_two_faults_on_one_thing() -> None:
    first = remember(state("qdisc of eth1 = noqueue"), state("qdisc of eth1 = rate"), [])
    second = remember(state("qdisc of eth1 = rate"), state("qdisc of eth1 = rate delay"), [first])
    assert compare(first, state("qdisc of eth1 = delay"), [second]) == Verdict([], [])
    assert compare(second, state("qdisc of eth1 = noqueue"), []) == Verdict([], [])


def test_a_unit_that_fails_is_a_consequence_and_no_leftover() -> None:
    memory = remember(state("unit a.service = active"), state("unit a.service = failed"), [])
    assert compare(memory, state("unit a.service = failed"), []) == Verdict([], [])


def test_what_a_fault_does_not_act_on_was_changed_beside_it() -> None:
    before, after = state("qdisc of eth1 = a"), state("qdisc of eth1 = b", "stopped process 7: a")
    memory = remember(before, after, [], "traffic")
    assert compare(memory, state("qdisc of eth1 = a", "stopped process 7: a"), []) == Verdict([], [])
    assert compare(memory, after, []).left == ["- qdisc of eth1 = a", "+ qdisc of eth1 = b"]


def test_processes_that_others_stop_or_resume_meanwhile_are_not_ours() -> None:
    before, after = state("stopped process 7: a"), state("stopped process 8: b", "stopped process 9: c")
    memory = only_processes(remember(before, after, [], "processes"), {"8"})
    assert compare(memory, state("stopped process 9: c"), []) == Verdict([], [])
    assert compare(memory, after, []).left == ["+ stopped process 8: b"]


def test_a_fault_that_ends_while_another_is_injected_is_not_asked_for() -> None:
    slow = remember(state(*UP), state(*SLOW), [])
    memory = remember(state(*SLOW), state(*DOWN), [slow])
    assert compare(memory, state(*UP), []) == Verdict([], [])


def test_room_moves_a_little_by_itself() -> None:
    memory = remember(state(free_bytes_of_a=1000 * MIB), state(free_bytes_of_a=1 * MIB), [])
    assert compare(memory, state(free_bytes_of_a=950 * MIB), []).left == []
    assert compare(memory, state(free_bytes_of_a=1900 * MIB), []).left == []
    assert compare(memory, state(free_bytes_of_a=500 * MIB), []).left == [
        "free bytes of a were 1048576000, are 524288000"
    ]
    untouched = remember(state(free_bytes_of_a=1000 * MIB), state(free_bytes_of_a=990 * MIB), [])
    assert compare(untouched, state(free_bytes_of_a=1 * MIB), []).left == []


@pytest.mark.case("f06")
def test_a_level_that_others_move_meanwhile_is_told_and_is_no_leftover() -> None:
    """Such as an image in the cache while a disk was full, and the first step of NTP after a skew."""
    filled = remember(state(free_bytes_of_a=80000 * MIB), state(free_bytes_of_a=1 * MIB), [])
    assert compare(filled, state(free_bytes_of_a=62000 * MIB), []) == Verdict(
        [], ["free bytes of a were 83886080000, are 65011712000"]
    )
    skewed = remember(state(seconds=1000.0), state(seconds=1300.0), [])
    assert compare(skewed, state(seconds=1007.0), []) == Verdict([], ["seconds were 1000, are 1007"])
    assert compare(skewed, state(seconds=1300.0), []).left == ["seconds were 1000, are 1300"]


def test_a_second_injection_adds_to_the_first() -> None:
    memory = again(
        remember(state(), state("stopped process 7: a"), []),
        state("stopped process 7: a"),
        state("stopped process 7: a", "stopped process 8: a"),
    )
    assert compare(memory, state("stopped process 8: a"), []).left == ["+ stopped process 8: a"]


def test_what_is_written_is_read() -> None:
    memory = remember(state(*UP, free_bytes_of_a=1.0), state(*DOWN, free_bytes_of_a=0.5), [])
    assert load(dump(memory)) == memory


def test_what_is_torn_or_from_elsewhere_is_not() -> None:
    whole = dump(down())
    for told in (None, [], "x", {}, {**whole, "removed": "a"}, {**whole, "before": {"lines": []}}):
        assert load(told) is None


# ---- what somebody else makes while a fault is injected ------------------------------------------------------------

GUEST = [
    "link tap7 = up",
    "mtu of tap7 = 1500",
    "address: tap7 inet 10.9.0.1/24",
    "qdisc of tap7 = fq",
    "mount /mnt: a",
]
GUEST += ["route of IPv4: 10.9.0.0/24 dev tap7", "neighbour: 10.9.0.2 dev tap7 lladdr 52:54:00:00:00:01 PERMANENT"]


def test_a_guest_that_starts_while_an_interface_goes_down_is_not_ours() -> None:
    memory = remember(state(*UP), state(*DOWN, *GUEST), [], "interface", Targets(interfaces=frozenset({"eth1"})))
    assert compare(memory, state(*UP, *GUEST), []) == Verdict([], [])
    assert compare(memory, state(*DOWN, *GUEST), []).left == compare(down(), state(*DOWN), []).left


def test_a_guest_that_starts_while_a_disk_is_filled_is_not_ours() -> None:
    targets = Targets(room=frozenset({"/a"}))
    before, after = state(*UP, free_bytes_of_a=1000 * MIB), state(*UP, *GUEST, free_bytes_of_a=1 * MIB)
    memory = remember(before, after, [], "host", targets)
    assert compare(memory, state(*UP, *GUEST, free_bytes_of_a=1000 * MIB), []) == Verdict([], [])
    assert compare(memory, after, []).left == ["free bytes of a were 1048576000, are 1048576"]


def test_of_mounts_only_the_one_that_was_named_is_ours() -> None:
    after = state("mount /srv: ext4 ro", *GUEST)
    memory = remember(state(), after, [], "host", Targets(mounts=frozenset({"/srv"})))
    assert compare(memory, state(*GUEST), []) == Verdict([], [])
    assert compare(memory, after, []).left == ["+ mount /srv: ext4 ro"]


def test_the_vlans_on_an_interface_go_with_it() -> None:
    targets = Targets(interfaces=frozenset({"eth1", "eth1.7"}))
    memory = remember(state("link eth1.7 = up"), state("link eth1.7 = down"), [], "interface", targets)
    assert compare(memory, state("link eth1.7 = down"), []).left == ["- link eth1.7 = up", "+ link eth1.7 = down"]


@pytest.mark.parametrize(
    ("route", "excused"),
    [
        ("10.98.0.0/24 via 10.99.0.9 dev eth1", False),
        ("10.98.0.0/24 via 10.50.0.9 dev eth1", True),
        ("10.98.0.0/24 via 10.99.0.9 dev eth1 src 10.50.0.250", True),
        ("10.98.0.0/24 via 10.50.0.9 dev eth2", False),
        ("10.98.0.0/24 dev eth1 scope link", False),
    ],
)
def test_a_lost_address_excuses_the_routes_that_need_it(route: str, excused: bool) -> None:
    own, vip, route = "address: eth1 inet 10.99.0.1/24", "address: eth1 inet 10.50.0.250/24", f"route of IPv4: {route}"
    memory = only_addresses(remember(state(own, vip, route), state(own), [], "interface"), ())
    assert compare(memory, state(own), []).left == ([] if excused else [f"- {route}"])


RULES = "rules of nft in ip filter = 2 lines, sum 4a1f"
OURS = "rule of nft in inet osf_unplug: tcp dport 5000 drop"


def test_a_list_that_one_of_two_states_lacks_is_not_compared() -> None:
    full, cut = state(RULES, *UP), state(RULES, OURS, *UP)
    late = state(*UP)._replace(unread=("nft",), silent=("nft",))
    assert compare(remember(full, cut, []), late, []) == Verdict([], [], ("nft",))
    failed = late._replace(silent=())
    assert compare(remember(full, cut, []), failed, []) == Verdict([], [], ("nft",)), "a failure is told, too"
    assert compare(remember(failed, failed, []), failed, []) == Verdict([], []), "not one that was there before"
    assert compare(remember(late, cut, []), full, []) == Verdict([], [])
    assert remember(full, late, []).touched == frozenset()
    now = late._replace(lines=frozenset(DOWN))
    assert "+ link eth1 = down" in compare(remember(full, cut, []), now, []).drift, "the rest is"
    before = load(dump(remember(late, late, [])))
    assert before is not None
    assert compare(before, full, []) == Verdict([], []), "the record says so, too"


def test_a_command_that_does_not_end_or_fails_is_no_empty_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PATIENCE", 0.3)
    commands = {"a": ("sleep", "30"), "b": ("false",), "c": ("echo", "x"), "d": ("no-such-program",)}
    assert snapshot._ask(commands) == ({"c": "x\n"}, ["a", "b"], ["sleep"])

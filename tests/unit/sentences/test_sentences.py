"""Sentences: what they mean, and at which word those are refused that mean nothing."""

from __future__ import annotations

import pytest

from os_faults.errors import SentenceError
from os_faults.human import forms
from os_faults.sentences import Holder, Meaning, Peer, Where, understand

KEYSTONE = Holder("service", "keystone")
MYSQL = Holder("service", "mysql")
ALL = Where()
ONE = Where(count=1)


def named(*names: str, holder: Holder | None = None) -> Where:
    return Where(names=names, holder=holder)


UNDERSTOOD = {
    "restart keystone service": Meaning("restart", KEYSTONE),
    "Restart Keystone Service": Meaning("restart", Holder("service", "Keystone")),
    "  restart   keystone service ": Meaning("restart", KEYSTONE),
    "kill nova-api service on one node": Meaning("kill", Holder("service", "nova-api"), ONE),
    "kill nova-api service on random node": Meaning("kill", Holder("service", "nova-api"), ONE),
    "kill nova-api service on single node": Meaning("kill", Holder("service", "nova-api"), ONE),
    "kill nova-api service on some node": Meaning("kill", Holder("service", "nova-api"), ONE),
    "restart keystone service on N2.local node": Meaning("restart", KEYSTONE, named("N2.local")),
    "restart keystone service on n1.domain.tld": Meaning("restart", KEYSTONE, named("n1.domain.tld")),
    "restart keystone service on n1, n2 and n3 nodes": Meaning("restart", KEYSTONE, named("n1", "n2", "n3")),
    "restart keystone service on n1,n2 nodes": Meaning("restart", KEYSTONE, named("n1", "n2")),
    "restart keystone service on fd00::2": Meaning("restart", KEYSTONE, named("fd00::2")),
    "restart keystone service on all nodes": Meaning("restart", KEYSTONE),
    "restart keystone service on nodes": Meaning("restart", KEYSTONE),
    "restart keystone service on 2 nodes": Meaning("restart", KEYSTONE, Where(count=2)),
    "restart keystone service on one node with mysql service": Meaning("restart", KEYSTONE, Where(1, (), MYSQL)),
    "freeze keystone service for 5 seconds": Meaning("freeze", KEYSTONE, ALL, {"seconds": 5}),
    "freeze keystone service for 5 sec": Meaning("freeze", KEYSTONE, ALL, {"seconds": 5}),
    "freeze keystone service for 1 hour": Meaning("freeze", KEYSTONE, ALL, {"seconds": 3600}),
    "freeze keystone service on one node for 5 seconds": Meaning("freeze", KEYSTONE, ONE, {"seconds": 5}),
    "freeze keystone service for 5 seconds on one node": Meaning("freeze", KEYSTONE, ONE, {"seconds": 5}),
    "unplug mysql service for 2 minutes": Meaning("unplug", MYSQL, ALL, {"heal_after": 120}),
    "terminate mysql service with service_timeout 60": Meaning("terminate", MYSQL, ALL, {"service_timeout": "60"}),
    "unplug keystone service egress to mysql service": Meaning(
        "unplug", KEYSTONE, peer=Peer("service", "mysql", "egress")
    ),
    "plug keystone service ingress from mysql service on one node": Meaning(
        "plug", KEYSTONE, ONE, peer=Peer("service", "mysql", "ingress")
    ),
    "unplug mysql service with direction egress and ports tcp/4567 for 1 minute": Meaning(
        "unplug", MYSQL, ALL, {"direction": "egress", "ports": "tcp/4567", "heal_after": 60}
    ),
    "reboot nodes": Meaning("reboot"),
    "reboot all nodes": Meaning("reboot"),
    "reboot on all nodes": Meaning("reboot"),
    "reboot one node": Meaning("reboot", None, ONE),
    "reboot node-2.local node": Meaning("reboot", None, named("node-2.local")),
    "reset node-2.domain.tld": Meaning("reset", None, named("node-2.domain.tld")),
    "reboot one node with mysql service": Meaning("reboot", None, Where(1, (), MYSQL)),
    "poweroff compute-1 node with mysql service": Meaning("poweroff", None, named("compute-1", holder=MYSQL)),
    "reboot one node with wait no": Meaning("reboot", None, ONE, {"wait": "no"}),
    "stress cpu for 20 seconds on n2.local node": Meaning(
        "stress", None, named("n2.local"), {"target": "cpu", "duration": 20}
    ),
    "stress cpu for 10 seconds on nodes": Meaning("stress", None, ALL, {"target": "cpu", "duration": 10}),
    "stress Kernel for 10 seconds on all nodes with mysql service": Meaning(
        "stress", None, Where(holder=MYSQL), {"target": "kernel", "duration": 10}
    ),
    "stress disk nodes": Meaning("stress", None, ALL, {"target": "disk"}),
    "disconnect storage network on n2.local node": Meaning(
        "disable_network", None, named("n2.local"), {"network_name": "storage"}
    ),
    "connect Storage-Net network on nodes": Meaning("enable_network", None, ALL, {"network_name": "Storage-Net"}),
    "disconnect storage network on node with mysql service": Meaning(
        "disable_network", None, Where(holder=MYSQL), {"network_name": "storage"}
    ),
    "disable network storage network on one node with mysql service for 30 seconds": Meaning(
        "disable_network", None, Where(1, (), MYSQL), {"network_name": "storage", "heal_after": 30}
    ),
    "fill disk one node with path /var/lib and free 10M for 5 minutes": Meaning(
        "fill_disk", None, ONE, {"path": "/var/lib", "free": "10M", "heal_after": 300}
    ),
    "skew_clock nodes with mysql service with offset -30": Meaning(
        "skew_clock", None, Where(holder=MYSQL), {"offset": "-30"}
    ),
}

REFUSED = {
    "": (0, "a verb"),
    "inject some fault": (0, "a verb"),
    "please do not restart keystone service": (0, "a verb"),
    "restrat keystone service": (0, "did you mean 'restart'"),
    "start keystone": (2, "'service'"),
    "kill nova api service": (2, "'service'"),
    "restart service": (1, "the name of a service"),
    "restart keystone service for 5 seconds": (3, "'on'"),
    "freeze keystone service for 5s": (4, "a whole number above 0"),
    "freeze keystone service for 0 seconds": (4, "a whole number above 0"),
    "freeze keystone service for 5": (5, "'seconds'"),
    "freeze keystone service for 5 seconds for 6 seconds": (6, "the end of the sentence"),
    "restart keystone service on one of nodes": (5, "'node'"),
    "restart keystone service on node": (5, "before it 'one'"),
    "restart keystone service on 0 nodes": (4, "a number"),
    "restart keystone service on": (4, "a number"),
    "restart keystone service on n1,,n2 nodes": (4, "a number"),
    "unplug keystone service sideways to mysql service": (3, "'on'"),
    "unplug keystone service ingress to mysql service": (4, "'from'"),
    "unplug keystone service egress to mysql": (6, "'service'"),
    "kill keystone service egress to mysql service": (3, "'on'"),
    "reboot": (1, "'nodes'"),
    "reboot node": (2, "before it 'one'"),
    "reboot nodes with mysql": (3, "'NAME service'"),
    "reboot nodes for 5 seconds": (2, "the end of the sentence"),
    "stress nodes": (2, "with target cpu|memory"),
    "stress bogus for 10 seconds on nodes": (1, "'memory'"),
    "disconnect nodes": (2, "with network_name VALUE"),
    "disconnect storage on nodes": (1, "the name of a network and the word 'network'"),
    "fill_disk one node": (3, "with path VALUE"),
    "fill_disk one node with path /a and path /b": (7, "'free'"),
    "limit_cpu keystone service with percent many": (5, "a value of percent"),
    "start keystone service with heal_after 5": (4, "'service_timeout'"),
}


@pytest.mark.parametrize("sentence", UNDERSTOOD)
def test_understood(sentence: str) -> None:
    assert understand(sentence, forms()) == UNDERSTOOD[sentence]


@pytest.mark.parametrize("sentence", REFUSED)
def test_refused(sentence: str) -> None:
    place, expected = REFUSED[sentence]
    with pytest.raises(SentenceError) as refusal:
        understand(sentence, forms())
    assert (refusal.value.place, str(refusal.value)) == (place, str(refusal.value))
    assert expected in str(refusal.value)
    assert repr(sentence) in str(refusal.value)


def test_the_refusal_is_a_sentence() -> None:
    with pytest.raises(SentenceError) as refusal:
        understand("kill mysql service on one of nodes", forms())
    assert str(refusal.value) == (
        "'kill mysql service on one of nodes' is not understood, so nothing was touched: "
        "its word 6 is 'of' where 'node' was expected"
    )


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("in 3 seconds", "3 seconds"),
        ("in 2 min", "2 min"),
        ("at 12:30:00", "12:30:00"),
        ("at 2026-11-27T12:30:00+01:00", "2026-11-27T12:30:00+01:00"),
    ],
)
def test_a_sentence_may_have_a_start_time(words: str, at: str) -> None:
    assert understand(f"freeze keystone service for 10 seconds {words}", forms()).options == {"seconds": 10, "at": at}
    assert understand(f"partition 2 nodes {words} with others node-3", forms()).options == {
        "at": at,
        "others": "node-3",
    }


@pytest.mark.parametrize("words", ["at noon", "in 3", "in a second", "at 12:30 in 3 seconds"])
def test_a_wrong_start_time_is_refused(words: str) -> None:
    with pytest.raises(SentenceError, match="is not understood"):
        understand(f"freeze keystone service {words}", forms())


def test_a_verb_without_a_hold_has_no_start_time() -> None:
    with pytest.raises(SentenceError, match="its word 4 is 'in'"):
        understand("kill keystone service in 3 seconds", forms())

"""A cloud of three hosts behind the public fake runner."""

from __future__ import annotations

import os
from collections.abc import Callable

from os_faults import Cloud, HostResult, Status
from os_faults.actions import undone_verbs
from os_faults.config import load
from os_faults.config.state import state_dir
from os_faults.model import Action
from os_faults.testing import FakeRunner, done

ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
CONFIG = {
    "cloud_management": {"driver": "devstack", "address": ADDRESSES[0], "username": "root", "nodes": [*ADDRESSES[1:]]},
}


def answer_of(number: int) -> dict[str, object]:
    """Return what the host with this number says of itself; the first has keystone, all have memcached."""
    address = f"10.0.0.{number}"
    services: dict[str, object] = {"memcached": {"units": ["memcached.service"], "active": number != 2}}
    if number == 1:
        services["keystone"] = {"units": ["devstack@keystone.service"], "active": True}
    return {
        "node": {
            "fqdn": f"node-{number}.domain.tld",
            "hostname": f"node-{number}",
            "addresses": [address],
            "boot_id": f"boot-{number}",
            "interfaces": [{"name": "eth0", "mac": f"52:54:00:00:00:0{number}", "addresses": [address]}],
            "default_interface": "eth0",
        },
        "services": services,
    }


def hold_of(hold_id: str, since: float = 99.0) -> dict[str, object]:
    """Return what a host tells of a fault."""
    fault, _, subject = hold_id.partition("-")
    return {"id": hold_id, "fault": fault, "subject": subject, "state": "injected", "since": since, "until": 160.0}


def hosts(silent: tuple[str, ...] = (), holds: tuple[str, ...] = ()) -> Callable[[Action, str], HostResult]:
    """Return the answers of the three hosts; ``silent`` addresses can't be reached, each holds the fresh ``holds``."""

    def answer(action: Action, node: str) -> HostResult:
        address = next(host.ip for host in action.nodes if host.fqdn == node)
        if address in silent:
            return HostResult(node, Status.UNREACHABLE, message="No route to host")
        if action.verb == "discover":
            return HostResult(node, Status.OK, payload=answer_of(int(address[-1])))
        if action.playbook == "faults.yml":
            return HostResult(node, Status.OK, payload={"now": 100.0, "holds": [hold_of(each) for each in holds]})
        return done(action, node)

    return answer


def cloud_of(runner: FakeRunner, seed: int = 7, **config: object) -> Cloud:
    """Return a cloud that ``runner`` acts for, and that remembers as a real one does; ``config`` is added."""
    return Cloud(load({**CONFIG, **config}), runner=runner, seed=seed, state=state_dir(os.environ))


class Machines:
    """The machines below the three hosts: a host whose machine is off is silent, and power verbs work.

    Attributes:
        off: addresses of those that are off.
        broken: addresses of those whose management controller does not answer.
        holds: what each host that is on tells of its faults.
    """

    def __init__(self, *off: str) -> None:
        self.off = set(off)
        self.broken: set[str] = set()
        self.holds: tuple[str, ...] = ()

    def __call__(self, action: Action, node: str) -> HostResult:
        """Answer as host or as machine, whoever is asked."""
        address = next(host.ip for host in action.nodes if host.fqdn == node)
        if not action.from_outside:
            return hosts(tuple(self.off), self.holds)(action, node)
        if address in self.broken:
            return HostResult(node, Status.FAILED, message="the BMC does not answer")
        before = address in self.off
        if action.verb in ("poweroff", "shutdown"):
            self.off.add(address)
        elif action.verb == "poweron":
            self.off.discard(address)
        after = address in self.off
        states = {"previous_state": "off" if before else "on", "power_state": "off" if after else "on"}
        return HostResult(node, Status.OK, changed=before != after, payload=states)


class RememberingHosts:
    """The three hosts; each holds the faults that were injected on it, until their undo.

    Attributes:
        held: node → the ids of its faults.
    """

    def __init__(self) -> None:
        self.held: dict[str, set[str]] = {f"node-{number}.domain.tld": set() for number in (1, 2, 3)}

    def __call__(self, action: Action, node: str) -> HostResult:
        """Return the answer of a node."""
        held = self.held.get(node, set())
        answer = hosts(holds=tuple(sorted(held)))(action, node)
        held.update([f"{action.verb}-{action.hits}"] if action.undo else [])
        held.difference_update(f"{verb}-{action.hits}" for verb in undone_verbs(action))
        return answer

"""The division of nodes among workers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from os_faults.config import Worker
from os_faults.errors import ConfigError
from os_faults.model import Node


def divide(nodes: Iterable[Node], workers: Sequence[Worker]) -> dict[Worker, tuple[Node, ...]]:
    """Return worker → its nodes; workers without nodes are left out.

    A node goes to a worker that names it. A node that no worker names goes to a worker that names none. Of several
    workers, the one with the fewest nodes takes it.

    Args:
        nodes: the nodes of an action.
        workers: the workers.

    Raises:
        ConfigError: no worker takes a node.

    Example:
        >>> left, right = Worker("left"), Worker("right", nodes=("10.0.1.*",))
        >>> shares = divide([Node("a", "10.0.0.1"), Node("b", "10.0.1.1")], [left, right])
        >>> {worker.address: [node.fqdn for node in share] for worker, share in shares.items()}
        {'left': ['a'], 'right': ['b']}
    """
    shares: dict[Worker, list[Node]] = {worker: [] for worker in workers}
    for node in nodes:
        fit = [worker for worker in workers if _names(worker, node)] or [w for w in workers if not w.nodes]
        if not fit:
            raise ConfigError(
                f"no worker takes {node.fqdn} ({node.ip}): name it among the nodes of one, "
                "or have one without 'nodes', which takes what the others do not"
            )
        shares[min(fit, key=lambda worker: len(shares[worker]))].append(node)
    return {worker: tuple(share) for worker, share in shares.items() if share}


def _names(worker: Worker, node: Node) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in worker.nodes for name in (node.fqdn, node.ip))

"""The faults of nodes as verbs."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Unpack

from os_faults import actions
from os_faults.model import Result
from os_faults.model.duration import Duration, Time
from os_faults.model.start_time import At
from os_faults.node_set import NodeSet


class NodeFaults(NodeSet):
    """A set of nodes, and the faults that last on them, each with the verb that undoes it."""

    @abstractmethod
    def _do(self, verb: str, check: bool, **options: Any) -> Result:
        """Perform a verb on the nodes."""

    def oom(self, duration: Duration | None = None, *, check: bool = True, **call: Unpack[actions.PerCall]) -> Result:
        """Fill the memory of the nodes until the kernel's OOM killer acts.

        Args:
            duration: seconds after which the memory is freed, even if the OOM killer has not acted.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("oom", check, duration=duration, **call)

    def end_oom(self, *, check: bool = True) -> Result:
        """Free the memory that `oom` fills, if it still runs."""
        return self._do("end_oom", check)

    def stress(
        self, target: str, duration: Duration | None = None, *, check: bool = True, **call: Unpack[actions.PerCall]
    ) -> Result:
        """Put load on the nodes with stress-ng; return when the load runs.

        Args:
            target: ``cpu``, ``memory``, ``disk``, ``kernel`` or ``all``.
            duration: seconds that the load lasts.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("stress", check, target=target, duration=duration, **call)

    def end_stress(self, target: str, *, check: bool = True) -> Result:
        """End the load that `stress` put on the nodes."""
        return self._do("end_stress", check, target=target)

    def disable_network(
        self, network_name: str, heal_after: Time = None, *, check: bool = True, **call: Unpack[actions.PerCall]
    ) -> Result:
        """Take a network from the nodes. If it is the network of ssh, the nodes heal by themselves.

        Args:
            network_name: logical name (``management``); the configuration or the driver knows its interface.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("disable_network", check, network_name=network_name, heal_after=heal_after, **call)

    def enable_network(self, network_name: str, *, check: bool = True) -> Result:
        """Undo `disable_network`: the network gets its addresses and routes back."""
        return self._do("enable_network", check, network_name=network_name)

    def latency(
        self,
        network_name: str,
        milliseconds: int | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Delay the packets that the nodes send on a network.

        Args:
            network_name: logical name (``storage``); the configuration or the driver knows its interface.
            milliseconds: delay of each packet in milliseconds; 100 when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.
        """
        return self._do(
            "latency", check, network_name=network_name, milliseconds=milliseconds, heal_after=heal_after, **call
        )

    def end_latency(self, network_name: str, *, check: bool = True) -> Result:
        """End the delay of `latency`."""
        return self._do("end_latency", check, network_name=network_name)

    def loss(
        self,
        network_name: str,
        percent: float | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Drop a share of the packets that the nodes send on a network.

        Args:
            network_name: logical name (``storage``); the configuration or the driver knows its interface.
            percent: share of the packets, in percent; 10 when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("loss", check, network_name=network_name, percent=percent, heal_after=heal_after, **call)

    def end_loss(self, network_name: str, *, check: bool = True) -> Result:
        """End the loss of `loss`."""
        return self._do("end_loss", check, network_name=network_name)

    def bandwidth(
        self,
        network_name: str,
        rate: str | int | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Limit the rate at which the nodes send on a network.

        Args:
            network_name: logical name (``storage``); the configuration or the driver knows its interface.
            rate: bits per second: a number, or one with K, M, G or T (powers of 1000); ``1M`` when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("bandwidth", check, network_name=network_name, rate=rate, heal_after=heal_after, **call)

    def end_bandwidth(self, network_name: str, *, check: bool = True) -> Result:
        """End the limit of `bandwidth`."""
        return self._do("end_bandwidth", check, network_name=network_name)

    def fill_disk(
        self,
        path: str,
        free: str | int | None = None,
        heal_after: Time = None,
        *,
        check: bool = True,
        **call: Unpack[actions.PerCall],
    ) -> Result:
        """Fill a file system of the nodes.

        Args:
            path: a directory on the file system.
            free: bytes that stay free: a number, or one with K, M, G or T (powers of 1024); none when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("fill_disk", check, path=path, free=free, heal_after=heal_after, **call)

    def free_disk(self, path: str, *, check: bool = True) -> Result:
        """Free the space that `fill_disk` takes."""
        return self._do("free_disk", check, path=path)

    def read_only(
        self, path: str, heal_after: Time = None, *, check: bool = True, **call: Unpack[actions.PerCall]
    ) -> Result:
        """Make a directory of the nodes read-only: every write fails, except to files that are already open.

        Args:
            path: the directory, often the mount point of a file system.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("read_only", check, path=path, heal_after=heal_after, **call)

    def read_write(self, path: str, *, check: bool = True) -> Result:
        """Make a directory writable again after `read_only`."""
        return self._do("read_write", check, path=path)

    def partition(
        self, others: NodeSet, heal_after: Time = None, *, check: bool = True, **call: Unpack[actions.PerCall]
    ) -> Result:
        """Cut the nodes off from other nodes, in both directions; ssh from the controller still works.

        Args:
            others: the nodes on the other side; nothing is changed on them.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.

        Example:
            >>> nodes = cloud.get_nodes()
            >>> nodes[:1].partition(nodes[1:])
        """
        return self._do("partition", check, others=others, heal_after=heal_after, **call)

    def rejoin(self, others: NodeSet, *, check: bool = True) -> Result:
        """Undo `partition`: the nodes and the others reach each other again."""
        return self._do("rejoin", check, others=others)

    def dns_down(self, heal_after: Time = None, *, check: bool = True, **call: Unpack[actions.PerCall]) -> Result:
        """Drop the queries of the nodes to name servers, on other hosts or on themselves, so that they time out.

        Args:
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            check: raise when the verb did not succeed on every node.
        """
        return self._do("dns_down", check, heal_after=heal_after, **call)

    def dns_up(self, *, check: bool = True) -> Result:
        """Undo `dns_down`: the nodes reach name servers again."""
        return self._do("dns_up", check)

    def skew_clock(
        self,
        offset: int | None = None,
        heal_after: Time = None,
        *,
        limit: int | str | None = None,
        seconds: Duration | None = None,
        at: At | None = None,
        check: bool = True,
    ) -> Result:
        """Set the clock of the nodes wrong; time synchronization (NTP) is stopped until the undo.

        Args:
            offset: seconds by which the clock is set ahead, or back when below 0; 60 when None.
            heal_after: seconds until the nodes undo it themselves, or the word ``never``.
            limit: most nodes to break, see `PerCall`.
            seconds: the same as ``heal_after``, see `PerCall`.
            at: the start time, see `PerCall`.
            check: raise when the verb did not succeed on every node.
        """
        options = {"offset": offset, "heal_after": heal_after, "limit": limit, "seconds": seconds, "at": at}
        return self._do("skew_clock", check, **options)

    def unskew_clock(self, *, check: bool = True) -> Result:
        """Undo `skew_clock`: the clock shows the time that it would show without the fault."""
        return self._do("unskew_clock", check)

    disconnect = disable_network
    connect = enable_network

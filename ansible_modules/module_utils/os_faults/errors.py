"""What can go wrong on a host, as one tree: every message is a sentence for a person."""

from __future__ import annotations

from typing import Any


class HostError(Exception):
    """What was asked is not done; the message says why."""


class Refused(HostError):
    """Nothing was done: it would not be safe, or could not be taken back."""


class Failed(HostError):
    """It was tried, and not all is as it was asked to be.

    Args:
        message: why.
        payload: goes into the failure of the module.
    """

    def __init__(self, message: str, **payload: Any) -> None:
        super().__init__(message)
        self.payload = payload


class ServiceError(HostError):
    """The service can't be found on this host."""


class UnitError(HostError):
    """systemd has no such unit, or did not answer."""


class ClusterError(HostError):
    """The cluster has no such resource, or did not answer."""


class ContainerError(HostError):
    """There is no such container, or its engine did not answer."""


class PowerError(HostError):
    """The machine can't be switched as asked, or what controls it did not answer."""

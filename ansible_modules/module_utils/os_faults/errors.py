"""The exceptions on a host, as one tree. Every message is a sentence for a person."""

from __future__ import annotations

from typing import Any


class HostError(Exception):
    """The request was not fulfilled; the message has the reason."""


class Refused(HostError):
    """Nothing was changed: the change would be unsafe, or could not be undone."""


class Failed(HostError):
    """The attempt failed.

    Args:
        message: the reason.
        payload: keys for the failure of the module.
    """

    def __init__(self, message: str, **payload: Any) -> None:
        super().__init__(message)
        self.payload = payload


class ServiceError(HostError):
    """The service is not on this host."""


class UnitError(HostError):
    """systemd has no such unit, or did not answer."""


class ClusterError(HostError):
    """The cluster has no such resource, or did not answer."""


class ContainerError(HostError):
    """There is no such container, or its engine did not answer."""


class PowerError(HostError):
    """The power of the machine can't be changed, or its management did not answer."""

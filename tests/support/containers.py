"""Containers that are not there."""

from __future__ import annotations

import uuid

_REASONS = "neither podman nor docker is installed on this host|no container '{0}' on this host|does not answer"


def new_name() -> str:
    """Return the name of a container that no host has."""
    return f"osf-{uuid.uuid4().hex[:8]}"


def says_that_it_is_absent(name: str, message: str) -> bool:
    """Return whether a host said that it has no such container, whichever engine it has."""
    return any(each in message for each in (f"no container {name}", *_REASONS.format(name).split("|")))

"""Clouds of the guests, one for each way to their power."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostlab.guest import Guest
from hostlab.lab import Lab
from hostlab.machines import By, config, managements

from os_faults import connect


@pytest.fixture(scope="module")
def clouds(lab: Lab, artifacts: Path) -> Iterator[Callable[[str], By]]:
    """Makes the cloud of a driver when it is first asked for."""
    made: dict[str, By] = {}

    def cloud(driver: str) -> By:
        if driver not in made:
            made[driver] = By(driver, connect(config(lab, artifacts, managements(lab)[driver])))
        return made[driver]

    yield cloud
    for by in made.values():
        by.cloud.close()


@pytest.fixture(params=["libvirt", "ipmi", "redfish"])
def by(request: pytest.FixtureRequest, clouds: Callable[[str], By], guest_1: Guest, guest_2: Guest) -> By:
    return clouds(request.param)


@pytest.fixture
def by_libvirt(clouds: Callable[[str], By], guest_1: Guest, guest_2: Guest) -> By:
    return clouds("libvirt")

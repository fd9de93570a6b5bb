"""The core of the crash matrix on other kinds of hosts: a fault ends there too, whatever happens to its controller."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hostlab.crowd import AFTER, Crowd, Wish
from hostlab.fingerprint import Fingerprint
from hostlab.kinds import CORE, cloud_of, here, slowness
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.rows import ROWS
from hostlab.stage import at_once
from hostlab.waiting import wait_for

from os_faults import connect

LASTS, FAR = 60, 900


@pytest.fixture(scope="module")
def kinds(lab: Lab) -> Mapping[str, Host]:
    return here(lab)


@pytest.fixture
def config(kinds: Mapping[str, Host], node_3: Host, universal_config: dict[str, Any], tmp_path: Path) -> Iterator[Path]:
    """Yield the path of the configuration of their cloud. What killed controllers have left is swept afterwards."""
    path = tmp_path / "os-faults.json"
    path.write_text(json.dumps(cloud_of([*kinds.values(), node_3], universal_config)), encoding="utf-8")
    yield path
    with connect(config_filename=path) as cloud:
        cloud.heal()


@pytest.fixture
def before(kinds: Mapping[str, Host]) -> dict[str, Fingerprint]:
    return dict(zip(kinds, at_once(Host.fingerprint, kinds.values()), strict=True))


def inject(stack: ExitStack, config: Path, kinds: Mapping[str, Host], seconds: int) -> list[Crowd]:
    """Let a controller for each host inject the core faults, and wait until they show there."""
    crowds = []
    for name, host in kinds.items():
        directory = config.parent / name
        directory.mkdir()
        (directory / config.name).write_text(config.read_text(encoding="utf-8"), encoding="utf-8")
        wish = Wish(dict.fromkeys(CORE, host.fqdn), seconds, pause=AFTER)
        crowds.append(Crowd(directory / config.name, wish))
        stack.callback(crowds[-1].close)

    def shown(host: Host) -> bool:
        found = host.fingerprint()
        return all(ROWS[verb].shown(found) for verb in CORE)

    at_once(lambda host: wait_for(lambda: shown(host), f"all faults are on {host.name}", seconds, 0.5), kinds.values())
    return crowds


def test_killed_and_systemd_executed_anew(
    kinds: Mapping[str, Host], config: Path, before: dict[str, Fingerprint]
) -> None:
    lasts = LASTS * slowness(kinds)
    with ExitStack() as stack:
        for crowd in inject(stack, config, kinds, lasts):
            crowd.signal(signal.SIGKILL)
            crowd.end()
    injected = time.monotonic()
    at_once(lambda host: host.sh("systemctl daemon-reload && systemctl daemon-reexec"), kinds.values())
    assert all(len(host.holds()) == len(CORE) for host in kinds.values()), "they ended with their controller"
    within = lasts + 30 * slowness(kinds) - (time.monotonic() - injected)
    at_once(lambda name: kinds[name].await_fingerprint(before[name], within), kinds)


def test_rebooted(kinds: Mapping[str, Host], config: Path, before: dict[str, Fingerprint]) -> None:
    with ExitStack() as stack:
        for crowd in inject(stack, config, kinds, FAR):
            crowd.signal(signal.SIGKILL)
            crowd.end()
    boots = dict(zip(kinds, at_once(Host.boot_id, kinds.values()), strict=True))
    at_once(lambda host: host.sh("systemctl --no-block reboot", check=False), kinds.values())
    at_once(lambda name: kinds[name].await_boot(boots[name], 90 * slowness(kinds)), kinds)
    at_once(lambda name: kinds[name].await_fingerprint(before[name], 60 * slowness(kinds)), kinds)

"""Every verb on every kind of host: it works and the host is as before, or it is refused in one sentence."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hostlab.kinds import TRIALS, HostMatrix, cloud_of, here, is_a_sentence, slowness
from hostlab.lab import Lab
from hostlab.observer import Host
from hostlab.stage import MOUNT, UNMOUNT, at_once

from os_faults import Cloud, connect
from os_faults.actions import undoing

SECONDS = 600
_ABOUT = """
. /etc/os-release; echo "$PRETTY_NAME"
uname -r; systemctl --version | sed -n '1s/systemd \\([0-9]*\\).*/\\1/p'; python3 -V | cut -d ' ' -f 2
stat -fc %T /sys/fs/cgroup
"""
_FACTS = ("system", "kernel", "systemd", "Python", "control groups")


@pytest.fixture(scope="module")
def kinds(lab: Lab) -> Mapping[str, Host]:
    return here(lab)


@pytest.fixture(scope="module")
def cloud(universal_config: dict[str, Any], kinds: Mapping[str, Host], node_3: Host) -> Iterator[Cloud]:
    at_once(lambda host: host.sh(MOUNT), kinds.values())
    with connect(cloud_of([*kinds.values(), node_3], universal_config)) as cloud:
        yield cloud
        cloud.heal()
    at_once(lambda host: host.sh(UNMOUNT), kinds.values())


@pytest.fixture(scope="module")
def matrix(kinds: Mapping[str, Host]) -> Iterator[HostMatrix]:
    matrix = HostMatrix(
        {name: dict(zip(_FACTS, host.sh(_ABOUT).splitlines(), strict=True)) for name, host in kinds.items()}
    )
    yield matrix
    print("\n" + "\n".join(matrix.table()))
    if path := os.environ.get("OS_FAULTS_HOST_MATRIX_TO"):
        text = json.dumps(matrix.record(), indent=1, ensure_ascii=False)
        Path(path).write_text(text + "\n", encoding="utf-8")


@pytest.mark.parametrize("verb", TRIALS)
def test_every_verb(verb: str, cloud: Cloud, kinds: Mapping[str, Host], matrix: HostMatrix) -> None:
    trial = TRIALS[verb]
    before = dict(zip(kinds, at_once(Host.fingerprint, kinds.values()), strict=True))
    action = trial.row.action(cloud, verb, cloud.get_nodes([host.fqdn for host in kinds.values()]), SECONDS)
    printed = dict(zip(kinds, at_once(lambda host: host.sh(trial.changes or "true"), kinds.values()), strict=True))
    result = cloud.perform(action, check=False)
    found = dict(zip(kinds, at_once(Host.fingerprint, kinds.values()), strict=True))
    wrong = {}
    for name, host in kinds.items():
        answer = result[host.fqdn]
        if answer.ok:
            if trial.row.section and not trial.row.shown(found[name]):
                wrong[name] = "it does not show on the host"
            if not trial.row.section and not trial.changes:
                wrong[name] = "it is no longer refused, so its trial must say what it does"
            if trial.changes and host.sh(trial.changes) == printed[name]:
                wrong[name] = "it has changed nothing"
            matrix.saw(verb, name, "works")
        elif trial.refused and re.search(trial.refused, answer.message) and is_a_sentence(answer.message):
            matrix.saw(verb, name, f"refused: {answer.message}")
        else:
            wrong[name] = answer.message
    if action.undo:
        undone = cloud.perform(undoing(action), check=False)
        wrong |= {name: undone[host.fqdn].message for name, host in kinds.items() if not undone[host.fqdn].ok}
    assert not wrong
    at_once(lambda name: kinds[name].await_fingerprint(before[name], 60 * slowness(kinds)), kinds)


def test_every_cell_was_seen(matrix: HostMatrix) -> None:
    assert matrix.missing() == []

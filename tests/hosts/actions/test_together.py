"""Several verbs by one playbook run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hostlab.evidence import Evidence
from hostlab.observer import Host
from hostlab.subject import issues_token, keystone, memcached, mysql
from hostlab.waiting import wait_for

from os_faults import Cloud, PartlyDone, human_api


def runs(artifacts: Path) -> set[Path]:
    return set(artifacts.iterdir()) if artifacts.is_dir() else set()


def test_verbs_of_a_block_are_one_run(
    cloud: Cloud, artifacts: Path, node_1: Host, node_2: Host, node_3: Host, evidence: Evidence
) -> None:
    web, cache, database = keystone(node_1), memcached(node_3), mysql(node_2)
    old_web, old_cache = web.processes(), cache.processes()
    cloud.get_nodes()
    before = runs(artifacts)
    with cloud.together() as several:
        cloud.get_service("keystone").restart(cloud.get_nodes(fqdns=[node_1.fqdn]))
        cloud.get_service("memcached").kill(cloud.get_nodes(fqdns=[node_3.fqdn]))
        cloud.get_service("mysql").freeze(cloud.get_nodes(fqdns=[node_2.fqdn]))
        assert web.processes() == old_web
    try:
        assert not old_web & web.processes()
        assert not old_cache & cache.processes()
        assert database.frozen()
        told = [json.loads((run / "os_faults.json").read_text()) for run in runs(artifacts) - before]
        (parts,) = [run["parts"] for run in told if run["verb"] not in ("discover", "list")]
        assert [(part["verb"], list(part["results"])) for part in parts] == [
            ("restart", [node_1.fqdn]),
            ("kill", [node_3.fqdn]),
            ("freeze", [node_2.fqdn]),
        ]
        assert set(several.results[0][node_1.fqdn].payload["pids_before"]) == {process.pid for process in old_web}
        (fault,) = cloud.faults()
        assert (fault.node, fault.verb) == (node_2.fqdn, "freeze")
    finally:
        cloud.heal()
    assert not database.frozen()
    wait_for(lambda: issues_token(node_1), "keystone issues a token", 60)
    wait_for(cache.answers, "memcached answers", 60)
    evidence.seen("restart", "keystone restarted, memcached killed, mysql frozen by one run")


BROKEN = "/run/systemd/system/memcached.service.d"


def test_a_node_that_fails_is_told_and_the_others_go_on(cloud: Cloud, node_1: Host, node_3: Host) -> None:
    web = keystone(node_1)
    old = web.processes()
    cloud.get_nodes()
    broken = f"mkdir -p {BROKEN}; printf '[Service]\\nExecStartPre=/bin/false\\n' > {BROKEN}/osf.conf"
    node_3.sh(f"{broken}; systemctl daemon-reload")
    try:
        with pytest.raises(PartlyDone, match=rf"restart memcached service: {node_3.fqdn} failed: .* did not start"):
            human_api(
                cloud,
                [
                    f"restart memcached service on {node_1.fqdn},{node_3.fqdn} nodes",
                    f"restart keystone service on {node_1.fqdn} node",
                ],
            )
    finally:
        node_3.sh(f"rm -r {BROKEN}; systemctl daemon-reload; systemctl reset-failed; systemctl start memcached")
    assert not old & web.processes()
    wait_for(lambda: issues_token(node_1), "keystone issues a token", 60)
    wait_for(memcached(node_3).answers, "memcached answers", 60)


def test_an_interruption_takes_all_back(cloud: Cloud, node_2: Host, node_3: Host) -> None:
    database, cache = mysql(node_2), memcached(node_3)

    class Interruption(Exception):
        """Of the caller, when the second fault is there."""

    def watch(event: dict[str, object]) -> None:
        data = event["event_data"]
        assert isinstance(data, dict)
        if event["event"] == "runner_on_ok" and data.get("task_action") == "osf_hold" and data["host"] == node_3.fqdn:
            cloud.watch = None
            assert database.frozen()
            assert cache.frozen()
            raise Interruption

    freezes = [
        cloud.get_service("mysql").action("freeze", cloud.get_nodes(fqdns=[node_2.fqdn])),
        cloud.get_service("memcached").action("freeze", cloud.get_nodes(fqdns=[node_3.fqdn])),
    ]
    cloud.watch = watch
    with pytest.raises(Interruption):
        cloud.perform_all(freezes)
    assert not database.frozen()
    assert not cache.frozen()
    assert cloud.faults() == []

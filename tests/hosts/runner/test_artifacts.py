"""Every run leaves a private directory: ansible-runner's own layout, with os_faults.json beside."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hostlab.observer import Host

from os_faults import AnsibleExecutionException, Result, connect


@pytest.fixture
def runs(config: dict[str, Any], tmp_path: Path) -> Path:
    config["artifacts_dir"] = str(tmp_path / "runs")
    return tmp_path / "runs"


def record_of(result: Result) -> dict[str, Any]:
    assert result.artifacts is not None
    record: dict[str, Any] = json.loads((Path(result.artifacts) / "os_faults.json").read_text(encoding="utf-8"))
    return record


def test_a_run(config: dict[str, Any], runs: Path, node_1: Host, node_3: Host) -> None:
    with connect(config, seed=4711) as cloud:
        nodes = cloud.get_nodes(fqdns=[node_1.fqdn, node_3.fqdn])
        began = len(list(runs.iterdir()))
        result = cloud.get_service("memcached").restart(nodes)
        assert len(list(runs.iterdir())) == began + 1
    record = record_of(result)
    assert record["verb"] == "restart"
    assert record["nodes"] == [node_1.fqdn, node_3.fqdn]
    assert record["arguments"] == {"service": "memcached", "service_action": "restart"}
    assert record["seed"] == 4711
    assert record["status"] == "done"
    assert abs(datetime.fromisoformat(record["started"]).timestamp() - result.started) < 1
    assert record["seconds"] == pytest.approx(result.seconds, abs=0.1)
    for name in nodes.get_fqdns():
        assert record["results"][name]["status"] == "ok"
        assert record["results"][name]["changed"] is True
        assert record["results"][name]["payload"]["pids_after"] == list(result[name].payload["pids_after"])

    run = Path(str(result.artifacts))
    (artifacts,) = (run / "artifacts").iterdir()
    assert {path.name for path in artifacts.iterdir()} >= {"job_events", "stdout", "rc", "status", "command"}
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").iterdir()]
    assert {event["event_data"].get("host") for event in events if event["event"] == "runner_on_ok"} >= set(
        nodes.get_fqdns()
    )
    assert (artifacts / "status").read_text(encoding="utf-8") == "successful"


def test_a_failed_run(config: dict[str, Any], runs: Path, node_3: Host) -> None:
    with connect(config) as cloud, pytest.raises(AnsibleExecutionException) as failure:
        cloud.get_nodes(fqdns=[node_3.fqdn]).run_task({"ansible.builtin.command": {"argv": ["sh", "-c", "exit 7"]}})
    record = record_of(failure.value.result)
    assert record["status"] == "failed"
    assert record["results"][node_3.fqdn]["status"] == "failed"
    assert record["results"][node_3.fqdn]["rc"] == 7
    assert Path(str(failure.value.result.artifacts)).parent == runs


def test_modes(artifacts: Path, cloud: Any) -> None:
    """Of all the runs of this session."""
    cloud.get_nodes()
    open_to_others = [
        f"{path} {path.stat().st_mode & 0o777:o}" for path in artifacts.rglob("*") if path.stat().st_mode & 0o077
    ]
    assert artifacts.stat().st_mode & 0o077 == 0
    assert open_to_others == []

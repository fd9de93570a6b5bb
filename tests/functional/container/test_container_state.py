"""container_state.yml on a host without the container."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.containers import new_name, says_that_it_is_absent
from support.held_service import Service, state

pytestmark = pytest.mark.functional


@pytest.mark.parametrize("verb", ["start", "terminate", "restart", "kill"])
def test_a_host_that_does_not_have_it_says_so(play, verb):
    name = new_name()
    failed = play("container_state.yml", container=name, container_action=verb)
    (why,) = failed.failures.values()
    assert says_that_it_is_absent(name, why), why


BROKEN = """\
#!/bin/sh
echo 'Error: database graph driver "overlay" does not match our graph driver "vfs"' >&2
exit 125
"""
WORKING = """\
#!/bin/sh
status=running; grep -q ") Z " "/proc/$(cat '{pid}')/stat" && status=exited
echo "$1 $2" >>'{asked}'
case "$1 $2" in
"ps --all") echo {name};;
"ps --filter") [ "$status" = exited ] || echo {name};;
"container inspect") [ "$3" = {name} ] || exit 1
    pid=0; [ "$status" = exited ] || pid=$(cat '{pid}')
    echo '[{{"Name": "/{name}", "State": {{"Status": "'"$status"'", "Pid": '"$pid"'}}}}]';;
"kill --signal") kill -"$3" "$(cat '{pid}')";;
*) exit 2;;
esac
"""


@pytest.fixture
def engines(tmp_path: Path, service: Service) -> tuple[Path, str]:
    """Return a directory with a podman that is broken and a docker that has one container, and its name."""
    commands, name = tmp_path / "commands", new_name()
    commands.mkdir()
    docker = WORKING.format(name=name, pid=service.pidfile, asked=commands / "asked")
    for command, script in (("podman", BROKEN), ("docker", docker)):
        (commands / command).write_text(script)
        (commands / command).chmod(0o755)
    return commands, name


@pytest.mark.case("f16")
def test_an_engine_that_is_broken_is_named_and_does_not_hide_the_other(play, engines, service):
    commands, name = engines
    service_too = {"driver": "container", "container": name}
    known = {
        "os_faults_services": {"web": service_too},
        "os_faults_containers": {"api": {"engine": "auto", "container": name}},
    }
    found = play("discover_devstack.yml", inventory=known, commands=commands).result
    assert found["containers"] == {"api": {"engine": "docker", "active": True}}
    assert found["services"] == {"web": {"units": [name], "active": True}}
    assert sorted((commands / "asked").read_text().splitlines()) == ["ps --all", "ps --filter"], "each is asked once"
    assert [note for note in found["notes"] if note.startswith("podman does not answer: Error: database graph driver")]
    done = play("container_state.yml", commands=commands, container=name, container_action="kill")
    assert done.failures == {}
    assert state(service.process.pid) == "Z", "the container of docker was killed"

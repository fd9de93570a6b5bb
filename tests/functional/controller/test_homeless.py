"""A user whose home is missing, read-only, empty, not named, or who has no name himself."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator

import pytest
from support import commands
from support.lone_host import HEAL, HOLD, SERVICE, LoneHost, lone_host
from support.other_user import BIN, STRANGER, call, private_mounts

pytestmark = [pytest.mark.functional, private_mounts]

HOMES = {
    "missing": {"HOME": "/nowhere-at-all"},
    "read-only": {"HOME": "/proc"},
    "not named": {},
    "empty": {"HOME": ""},
    "relative": {"HOME": "home"},
}


@pytest.fixture(scope="module")
def host() -> Iterator[LoneHost]:
    with lone_host() as host:
        yield host


@pytest.mark.case("f17")
@pytest.mark.parametrize("home", HOMES.values(), ids=HOMES)
def test_what_looks_and_heals_goes_on_and_what_breaks_is_refused(host: LoneHost, home: dict[str, str]) -> None:
    """Of an uid without an account, as in a container that runs with any number."""
    every = (("nodes",), ("verify",), ("services",), ("containers",), ("faults",), HEAL)
    breaks = [("inject", verb, SERVICE, "--yes") for verb in ("freeze", "kill")]
    program = commands.argv(host.config, [*every, *breaks])
    (*looks, freeze, kill) = commands.read(call(BIN / "python", *program, cwd=host.directory, env=home, uid=STRANGER))
    for done in looks:
        assert done.went_on, done
        assert "unexpected" not in done.stderr
    assert "can't keep the artifacts" in looks[0].stderr
    for done in (freeze, kill):
        assert done.returncode == 2, done
        assert "nothing was" in done.stderr
    assert host.state == "S"
    assert {path.name for path in host.directory.iterdir()} == {"cloud.json", "it.pid"}, "nor does it settle here"


@pytest.mark.parametrize("home", [HOMES["missing"], HOMES["not named"]], ids=["missing", "not named"])
def test_a_fault_of_a_user_is_healed_when_his_home_is_gone(home: dict[str, str]) -> None:
    """By another process, which has no home, of a fault that was made when there was one."""
    with lone_host(uid=STRANGER) as host:
        own = host.directory / "home"
        own.mkdir()
        os.chown(own, STRANGER, STRANGER)
        words = ("inject", "freeze", SERVICE, "--seconds", "300", "--yes")
        begin = call(BIN / "os-faults", "-c", host.config, *words, cwd=own, env={"HOME": str(own)}, uid=STRANGER)
        assert (begin.returncode, host.state) == (0, "T"), begin.stderr
        shutil.rmtree(own)
        program = commands.argv(host.config, [("faults",), HEAL])
        done = call(BIN / "python", *program, cwd=host.directory, env=home, uid=STRANGER)
        listed, healed = commands.read(done)
        assert HOLD in listed.stdout, listed
        assert healed.returncode == 0, healed
        assert f"took back {HOLD}" in healed.stdout
        assert host.state == "S"


TASK = """\
import os_faults, sys
config = {"cloud_management": {"driver": "universal", "nodes": ["localhost"], "connection": "local",
                               "python_interpreter": sys.executable}, "artifacts_dir": sys.argv[1]}
with os_faults.connect(config) as cloud:
    (host,) = cloud.get_nodes().run_task({"copy": {"content": "it", "dest": sys.argv[2]}}).values()
    print(host.changed)
"""


@pytest.mark.parametrize("home", [{"HOME": "/nowhere-at-all"}, {}], ids=["missing", "not named"])
def test_a_task_that_needs_temporary_files_finds_a_place(host: LoneHost, home: dict[str, str]) -> None:
    ours = host.directory / "ours"
    ours.mkdir(exist_ok=True)
    ours.chmod(0o1777)
    target = ours / f"copied-{len(home)}"
    done = call(BIN / "python", "-c", TASK, ours / "runs", target, cwd=host.directory, env=home, uid=STRANGER)
    assert done.stdout == "True\n", done.stderr
    assert target.read_text() == "it"


def test_with_a_place_for_records_all_goes_on(host: LoneHost) -> None:
    place = host.directory / "place"
    place.mkdir()
    place.chmod(0o1777)
    service = {"driver": "process", "grep": "no-such-program-anywhere"}
    cloud = json.loads(host.config.read_text())
    config = host.directory / "other.json"
    config.write_text(json.dumps({**cloud, "services": {"none": service}}))
    env = {"HOME": "/nowhere-at-all", "XDG_STATE_HOME": str(place)}
    done = call(BIN / "os-faults", "-c", config, "nodes", cwd=host.directory, env=env, uid=STRANGER)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(place.glob("os-faults/runs/*")), "here are the artifacts"
    assert list(place.glob("os-faults/clouds/*.json")), "and what is known of the nodes"


PLUGIN = """\
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        open({canary!r}, "w").close()
        return {{"failed": True, "msg": "the plugin in the home"}}
"""


def test_plugins_in_the_home_do_not_come_before_ours(host: LoneHost) -> None:
    home = host.directory / "home"
    plugins = home / ".ansible" / "plugins" / "action"
    plugins.mkdir(parents=True)
    canary = host.directory / "canary"
    for name in ("osf_node_info", "osf_holds_info", "normal", "command"):
        (plugins / f"{name}.py").write_text(PLUGIN.format(canary=str(canary)))
    done = call(BIN / "os-faults", "-c", host.config, "faults", cwd=host.directory, env={"HOME": str(home)})
    assert done.returncode == 0, done.stderr
    assert not canary.exists()

"""Lasting faults on real processes of this machine: what they do, when they end, and that nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from os_faults import resources

pytestmark = pytest.mark.functional

SERVER = """
import os, socket, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
listener = socket.create_server(("127.0.0.1", 0))
open("pids", "w").write(f"{child.pid} {listener.getsockname()[1]}")
time.sleep(600)
"""

WITH_SYSTEMD = os.geteuid() == 0 and Path("/run/systemd/system").is_dir()


def until(check: Callable[[], Any], seconds: float = 10) -> Any:
    """Return what `check` says as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return answer


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


class Service:
    """A process with a child, and a pid file."""

    def __init__(self, directory: Path) -> None:
        self.name = f"web-{uuid.uuid4().hex[:8]}"
        self.hold = f"freeze-{self.name}"
        self.pidfile = directory / "web.pid"
        self.process = subprocess.Popen([sys.executable, "-c", SERVER], cwd=directory)
        self.pidfile.write_text(f"{self.process.pid}\n")
        pids = directory / "pids"
        self.child, self.port = map(int, until(lambda: pids.exists() and pids.read_text().split()))

    @property
    def directory(self) -> Path | None:
        return directory_of(self.hold)

    @property
    def inventory(self) -> dict[str, Any]:
        return {"os_faults_services": {self.name: {"driver": "process", "pidfile": str(self.pidfile)}}}

    @property
    def states(self) -> str:
        return state(self.process.pid) + state(self.child)

    def end(self) -> None:
        for pid in (self.process.pid, self.child):
            os.kill(pid, signal.SIGKILL)
        self.process.wait()


def directory_of(hold: str) -> Path | None:
    """The directory of a hold, wherever this user's holds are on this machine; None when there is none."""
    own = [Path(os.environ["XDG_RUNTIME_DIR"]) / "os-faults", Path(f"/tmp/os-faults-{os.geteuid()}")]
    return next((root / hold for root in [*own, Path("/run/os-faults")] if (root / hold).is_dir()), None)


@pytest.fixture(autouse=True)
def runtime_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user without root keeps holds, so that they are not mixed with others of this machine."""
    directory = tmp_path_factory.mktemp("runtime")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    return directory


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    if service.directory:
        subprocess.run(["sh", str(service.directory / "undo.sh")], check=False)
    service.end()


@pytest.fixture
def freeze(play, service: Service):
    """Freeze the service, or what the verb says."""

    def do(verb: str = "freeze", **more: Any):
        return play(
            "service_freeze.yml", inventory=service.inventory, service=service.name, service_action=verb, **more
        )

    return do


@pytest.fixture
def listed(play, service: Service):
    """The entry of the service's fault in the list of faults, None when there is none."""

    def look() -> dict[str, Any] | None:
        return next((hold for hold in play("faults.yml").result["holds"] if hold["id"] == service.hold), None)

    return look


# ---- freeze: what every hold promises --------------------------------------------------------------------------------


def test_freeze_stops_all_processes_until_unfreeze(freeze, listed, service):
    before = time.time()
    done = freeze(seconds=60)
    assert done.failures == {}
    assert done.result["changed"]
    assert (done.result["id"], done.result["state"]) == (service.hold, "injected")
    assert before < done.result["since"] < time.time()
    assert done.result["until"] == pytest.approx(done.result["since"] + 60)
    assert not done.result["cuts_path"]
    assert service.states == "TT"

    entry = listed()
    assert (entry["fault"], entry["subject"], entry["state"]) == ("freeze", service.name, "injected")
    assert entry["guarded"]
    directory = service.directory
    assert entry["directory"] == str(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert json.loads((directory / "record.json").read_text())["format"] == 1
    assert (directory / "record.json").stat().st_mode & 0o777 == 0o600
    assert "undo.sh" in (directory.parent / "README").read_text()

    again = freeze("unfreeze")
    assert again.result["changed"]
    assert again.result["state"] == "absent"
    assert "T" not in service.states
    assert not directory.exists()

    nothing = freeze("unfreeze")
    assert not nothing.result["changed"]
    assert listed() is None


def test_nothing_is_left_when_the_last_hold_has_ended(freeze, runtime_directory):
    freeze(seconds=60)
    freeze("unfreeze")
    assert list(runtime_directory.iterdir()) == []


def test_check_mode_tells_and_touches_nothing(freeze, play, service):
    assert freeze(seconds=60, check=True).result["changed"]
    assert "T" not in service.states
    assert service.directory is None

    freeze(seconds=60)
    assert freeze(seconds=90, check=True).result["extended"]
    assert freeze("unfreeze", check=True).result["changed"]
    assert service.hold in play("heal.yml", check=True).result["undone"]
    assert play("faults.yml", check=True).result["holds"]
    assert service.states == "TT"


def test_a_hold_ends_by_itself(freeze, service):
    freeze(seconds=3)
    until(lambda: "T" not in service.states, 15)
    until(lambda: service.directory is None)


def test_making_it_again_injects_again_and_the_later_end_wins(freeze, service):
    first = freeze(seconds=60).result
    second = freeze(seconds=30).result
    assert not second["changed"]
    assert second["until"] == first["until"]

    os.kill(service.child, signal.SIGCONT)
    third = freeze(seconds=30).result
    assert third["changed"]
    assert not third["extended"]
    assert service.states == "TT"

    fourth = freeze(seconds=120).result
    assert fourth["changed"]
    assert fourth["extended"]
    assert fourth["until"] > first["until"] + 50
    assert freeze(seconds=30).result["until"] == fourth["until"]


def test_a_frozen_service_that_is_about_to_go_on_stays_frozen(freeze, service):
    first = freeze(seconds=10)
    time.sleep(max(0, first.result["until"] - time.time() - 3))
    freeze(seconds=60)
    time.sleep(max(0, first.result["until"] - time.time() + 3))
    assert service.states == "TT"


@pytest.mark.skipif(WITH_SYSTEMD, reason="here a unit carries the hold; tests/hosts ends units")
def test_term_to_the_watchdog_is_the_undo(freeze, service):
    freeze(seconds=60)
    os.kill(int((service.directory / "watchdog.pid").read_text()), signal.SIGTERM)
    until(lambda: "T" not in service.states)
    until(lambda: service.directory is None)


@pytest.mark.skipif(WITH_SYSTEMD, reason="here a unit carries the hold; tests/hosts ends units")
def test_a_hold_whose_watchdog_was_killed_is_listed_and_healed(freeze, listed, play, service):
    freeze(seconds=60)
    os.kill(int((service.directory / "watchdog.pid").read_text()), signal.SIGKILL)
    assert not listed()["guarded"]
    assert service.states == "TT"

    assert play("heal.yml", fault_ids=[service.hold]).result["undone"] == [service.hold]
    assert "T" not in service.states
    assert not play("heal.yml", fault_ids=[service.hold]).result["changed"]


def test_never_must_be_spelled_out(freeze, listed):
    assert freeze(heal_after="never").result["until"] is None
    assert listed()["until"] is None
    message = "the end of a fault must be a number of seconds above 0 or the word never, got: {}"
    assert freeze(heal_after="0").failures == {"here": message.format("0")}
    assert freeze(heal_after="soon").failures == {"here": message.format("soon")}


def test_a_service_that_does_not_run_is_refused(freeze, service):
    service.pidfile.write_text("4194305\n")
    assert freeze().failures == {"here": f"{service.name} is not running on this host, so there is nothing to freeze"}
    assert service.directory is None


def test_a_failed_undo_is_told_stays_listed_and_can_be_repeated(freeze, listed, play, service):
    freeze(seconds=60)
    script = service.directory / "unfreeze.sh"
    right = script.read_text()
    script.write_text("echo the disk is on fire; exit 7\n")

    failed = freeze("unfreeze")
    assert failed.result["undo_failed"]
    assert f"could not take back {service.hold}: the disk is on fire" in failed.failures["here"]
    assert listed()["state"] == "undo_failed"
    healed = play("heal.yml", fault_ids=[service.hold])
    assert healed.result["undo_failed"]
    assert healed.result["failed_holds"][0]["id"] == service.hold
    assert "the disk is on fire" in healed.result["failed_holds"][0]["why"]

    script.write_text(right)
    assert play("heal.yml", fault_ids=[service.hold]).result["undone"] == [service.hold]
    assert "T" not in service.states


def test_the_undo_script_alone_heals_too(freeze, service):
    freeze(seconds=60)
    watchdog = service.directory / "watchdog.pid"
    carrier = Path("/proc", watchdog.read_text().strip(), "cmdline") if watchdog.exists() else None
    subprocess.run(["sh", str(service.directory / "undo.sh")], check=True)
    assert "T" not in service.states
    assert service.directory is None
    until(lambda: carrier is None or not carrier.exists() or not carrier.read_text())


@pytest.mark.skipif(WITH_SYSTEMD, reason="there /run/os-faults is used")
def test_a_directory_that_others_can_write_to_is_refused(freeze, runtime_directory, service):
    (runtime_directory / "os-faults").mkdir()
    (runtime_directory / "os-faults").chmod(0o777)
    message = f"{runtime_directory}/os-faults is not a directory that belongs to this user alone, so no fault is made"
    assert freeze().failures == {"here": message}
    assert "T" not in service.states


def test_a_hold_of_an_earlier_boot_is_not_listed(freeze, listed, service):
    freeze(seconds=60)
    record = service.directory / "record.json"
    record.write_text(json.dumps(dict(json.loads(record.read_text()), boot_id="another")))
    assert listed() is None


# ---- the other verbs, as far as they go without root -----------------------------------------------------------------


@pytest.mark.skipif(WITH_SYSTEMD, reason="here it would cut; tests/hosts does")
def test_a_network_is_not_cut_where_nothing_could_undo_it(play, service):
    arguments = {"inventory": service.inventory, "service": service.name}
    why = "cuts a network and needs systemd and root on the host to carry its undo"
    unplug = play("service_port.yml", service_action="unplug", **arguments)
    assert unplug.failures == {"here": f"unplug {service.name} {why}"}
    disable = play("node_network.yml", node_action="disable_network", network_name="lo")
    assert disable.failures == {"here": f"disable_network lo {why}"}
    assert directory_of(f"unplug-{service.name}") is None
    assert not play("service_port.yml", service_action="plug", **arguments).result["changed"]


def test_an_unknown_network_is_refused_with_those_that_are_known(play):
    refused = play(
        "node_network.yml",
        inventory={"os_faults_networks": {"management": "lo", "storage": "no-such-0"}},
        node_action="disable_network",
        network_name="storrage",
        check=True,
    )
    assert refused.failures == {"here": "network 'storrage' is not known; known: management, storage"}
    assert not play("node_network.yml", node_action="enable_network", network_name="lo", check=True).result["changed"]


@pytest.mark.skipif(WITH_SYSTEMD, reason="here it would run out of memory; tests/hosts does")
def test_oom_needs_a_host_that_protects_its_sshd(play):
    refused = play("node_oom.yml", node_action="oom", duration=5)
    assert refused.failures == {"here": "running a host out of memory needs systemd and root on it"}
    assert play("node_oom.yml", node_action="oom", check=True).result["changed"]
    assert not play("node_oom.yml", node_action="end_oom").result["changed"]


def test_stress_runs_until_it_is_ended_or_says_what_is_missing(play):
    done = play("node_stress.yml", node_action="stress", target="cpu", duration=60)
    if shutil.which("stress-ng", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        assert done.failures == {"here": "stress-ng is not installed on this host"}
        return
    assert done.result["state"] == "injected"
    assert play("node_stress.yml", node_action="end_stress", target="cpu").result["changed"]
    assert directory_of("stress-cpu") is None


@pytest.mark.parametrize(
    ("playbook", "arguments", "message"),
    [
        ("node_stress.yml", {"node_action": "stress", "target": "gpu"}, "value of target must be one of:"),
        ("node_stress.yml", {"node_action": "stress"}, "missing required arguments: target"),
        ("node_oom.yml", {"node_action": "oom", "duration": "long"}, "'duration' is of type"),
        ("node_network.yml", {"node_action": "cut", "network_name": "x"}, "value of node_action must be one of:"),
        ("service_port.yml", {"service_action": "unplug"}, "missing required arguments: service"),
        ("service_freeze.yml", {"service": "x", "service_action": "melt"}, "value of service_action must be one of:"),
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_done(play, playbook, arguments, message):
    refused = play(playbook, **arguments)
    assert refused.rc != 0
    assert message in refused.failures["here"]


# ---- holds made by hand ----------------------------------------------------------------------------------------------


@pytest.fixture
def hold(tmp_path: Path):
    """Run the module osf_hold alone, with these options, and return its answer."""

    def run(**options: Any) -> dict[str, Any]:
        book = tmp_path / "hold.yml"
        task = {"osf_hold": {"fault": "test", "subject": tmp_path.name, "seconds": "60", **options}}
        book.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(book)],
            env={
                **os.environ,
                "ANSIBLE_LIBRARY": str(resources.modules_dir()),
                "ANSIBLE_MODULE_UTILS": str(resources.modules_dir() / "module_utils"),
                "ANSIBLE_STDOUT_CALLBACK": "minimal",
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "ANSIBLE_NOCOLOR": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "[WARNING]" not in done.stdout + done.stderr, done.stderr
        status, _, answer = done.stdout.partition("=> ")
        return {**json.loads(answer), "failed": "FAILED" in status}

    return run


def test_what_the_scripts_say_comes_back(hold, tmp_path):
    script = "echo note: mind the gap; echo fact: depth=3; echo something else; touch done"
    answer = hold(inject=[["sh", "in.sh"]], undo=[["rm", "-f", "done"]], files={"in.sh": script})
    assert answer["notes"] == ["mind the gap"]
    assert answer["facts"] == {"depth": "3"}
    assert hold(state="injected")["state"] == "injected"
    assert hold(state="absent")["changed"]
    assert hold(state="injected")["state"] == "absent"


def test_an_injection_that_fails_half_way_is_taken_back(hold, tmp_path):
    mark = tmp_path / "mark"
    script = f"touch {mark}; echo starting >&2; echo no luck today >&2; exit 4"
    answer = hold(inject=[["sh", "in.sh"]], undo=[["rm", "-f", str(mark)]], files={"in.sh": script})
    assert answer["failed"]
    assert answer["msg"] == "no luck today"
    assert not answer["refused"]
    assert not mark.exists()
    assert directory_of(answer["id"]) is None


def test_an_injection_that_fails_and_can_not_be_taken_back_says_so(hold, tmp_path):
    answer = hold(inject=[["false"]], undo=[["sh", "-c", "test -e ../please"]])
    assert answer["undo_failed"]
    directory = directory_of(answer["id"])
    (directory.parent / "please").touch()
    assert hold(state="absent")["changed"]
    (directory.parent / "please").unlink()


def test_an_injection_that_takes_too_long_is_taken_back(hold, tmp_path):
    mark = tmp_path / "mark"
    answer = hold(inject=[["touch", str(mark)], ["sleep", "30"]], undo=[["rm", str(mark)]], start_timeout=1)
    assert answer["failed"]
    assert "did not end" in answer["msg"]
    assert not mark.exists()


def test_a_momentary_fault_leaves_nothing(hold, tmp_path):
    mark = tmp_path / "mark"
    answer = hold(inject=[["touch", str(mark)]], undo=[["rm", str(mark)]], momentary=True)
    assert answer["changed"]
    assert answer["state"] == "absent"
    assert not mark.exists()
    assert directory_of(answer["id"]) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"id": "a;b", "undo": [["true"]]}, "the id 'a;b' is not plain"),
        ({"id": "../x", "undo": [["true"]]}, "the id '../x' is not plain"),
        ({"files": {"../x": ""}, "undo": [["true"]]}, "a hold can't have a file named '../x'"),
        ({"files": {"undo.sh": ""}, "undo": [["true"]]}, "a hold can't have a file named 'undo.sh'"),
        ({"targets": ["unit=$(reboot)"], "undo": [["true"]]}, "which is not a plain name"),
        ({"inject": [["true"]]}, "a hold without an undo is not allowed"),
    ],
)
def test_what_is_not_plain_is_refused(hold, options, message):
    answer = hold(**options)
    assert answer["failed"]
    assert message in answer["msg"]


# ---- at a moment -----------------------------------------------------------------------------------------------------


def stopped_at(service: Service, seconds: float) -> float:
    """Return when the service was seen to be stopped, seconds since the epoch."""
    until(lambda: service.states == "TT", seconds)
    return time.time()


def test_a_fault_begins_at_its_moment_and_not_before(freeze, service):
    moment = time.time() + 8
    with ThreadPoolExecutor() as threads:
        seen = threads.submit(stopped_at, service, 60)
        done = freeze(seconds=30, at=moment)
    assert done.failures == {}
    answer = done.result
    assert moment <= seen.result() < moment + answer["late"] + answer["took"] + 1  # it looks at every process here
    assert (answer["state"], answer["changed"], answer["at"]) == ("injected", True, pytest.approx(moment))
    assert 0 <= answer["late"] < 1
    assert answer["took"] >= 0
    assert abs(answer["clock_ahead"]) <= answer["clock_within"] + 0.05
    assert not answer["moved"]
    assert answer["until"] == pytest.approx(moment + 30, abs=0.1)
    assert service.directory
    assert freeze("unfreeze").result["changed"]
    assert (service.states, service.directory) == ("SS", None)


def test_a_delay_is_one_moment_for_all(freeze, service):
    begin = time.time()
    answer = freeze(seconds=30, at=8).result
    assert begin + 8 < answer["at"] < begin + 30
    assert answer["state"] == "injected"
    assert service.states == "TT"


def test_what_waits_for_its_moment_is_listed_and_can_be_taken_back(freeze, listed, service):
    with ThreadPoolExecutor() as threads:
        running = threads.submit(freeze, seconds=30, at=20)
        armed = until(listed, 20)
        assert (armed["state"], armed["guarded"]) == ("armed", True)
        assert armed["since"] > time.time()
        again = freeze(seconds=30)
        assert "is armed on this host and begins at" in again.failures["here"]
        assert freeze("unfreeze").result["changed"]
        assert service.directory is None
        done = running.result()
    assert done.rc != 0
    assert service.states == "SS"


def test_a_moment_that_has_passed_hurts_nobody(freeze, service):
    done = freeze(seconds=30, at=time.time() - 2)
    assert "the moment had passed by" in done.failures["here"]
    assert "so nothing was done" in done.failures["here"]
    assert (service.states, service.directory) == ("SS", None)


def test_one_host_that_is_not_armed_keeps_all_from_beginning(freeze, service):
    """Two names for this machine: the second to be armed finds the first one's fault."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    done = freeze(seconds=30, at=15, hosts={"one": local, "two": local})
    assert set(done.failures) == {"one", "two"}
    (refused,) = (host for host, why in done.failures.items() if "can't begin at a moment" in why or "is armed" in why)
    (other,) = set(done.failures) - {refused}
    assert done.failures[other] == (
        "taken back here, as a fault with a moment is made on every node or on none: it could not be armed on "
        + refused
    )
    assert (service.states, service.directory) == ("SS", None)


def test_who_is_not_told_that_all_are_armed_begins_nothing(freeze, service, monkeypatch, tmp_path):
    """The controller dies between arming and telling."""
    playbooks = tmp_path / "playbooks"
    shutil.copytree(resources.playbooks_dir(), playbooks)
    (playbooks / "tasks" / "hold" / "release.yml").write_text("---\n- ansible.builtin.meta: end_play\n")
    monkeypatch.setattr(resources, "playbooks_dir", lambda: playbooks)
    moment = time.time() + 10
    assert freeze(seconds=30, at=moment).result["state"] == "armed"
    until(lambda: service.directory is None, 30)
    assert time.time() >= moment
    assert service.states == "SS"


def test_a_fault_that_fails_at_its_moment_is_taken_back_and_told(freeze, service):
    with ThreadPoolExecutor() as threads:
        running = threads.submit(freeze, seconds=30, at=15)
        until(lambda: service.directory and (service.directory / "moment").exists(), 20)
        (service.directory / "freeze.sh").write_text("echo 'it will not freeze' >&2; exit 1\n")
        done = running.result()
    assert done.failures["here"] == "it will not freeze"
    assert (service.states, service.directory) == ("SS", None)


def test_what_takes_no_moment_says_so(play, service):
    done = play("service_state.yml", inventory=service.inventory, service=service.name, service_action="kill", at=3)
    assert "kill takes no at" in done.failures["here"]
    assert service.states == "SS"


@pytest.mark.parametrize("wrong", ["soon", "-3"])
def test_a_moment_that_is_none_is_refused(freeze, service, wrong):
    assert (
        f"value of at must be a number of seconds, from now or since the epoch, got: {wrong}"
        in (freeze(at=wrong).failures["here"])
    )
    assert service.states == "SS"

"""Run the bundled playbooks by real Ansible against this machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ansible_runner.interface import init_runner
from support import left_faults
from support.held_service import Service
from support.ready_ansible import ReadyAnsible

from os_faults import resources

_PATH = (str(Path(sys.executable).parent), "/usr/sbin", "/usr/bin", "/sbin", "/bin")
Run = Callable[..., "Play"]
HERE = Path(__file__).parent
#: Path of a file of tests → name of the first that runs playbooks on each line of Ansible, or else on one of them.
FIRST = pytest.StashKey[dict[Path, str]]()


@pytest.hookimpl(tryfirst=True)  # before tests are deselected
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Mark what runs with one line of Ansible only; the hosts' tests run with the other.

    With each line run, of every file, what is marked `each_line`. Where nothing is: every test about runs themselves,
    with the first of its parameters, and else the first test that runs a playbook.
    """
    session.stash[FIRST] = first = first_of_each(items)
    marked = {item.path for item in items if item.get_closest_marker("each_line")}
    seen: set[str] = set()
    for item in items:
        if not item.path.is_relative_to(HERE):
            continue
        name = item.nodeid.partition("[")[0]
        about_runs = item.path.parent.name == "runner" and name not in seen
        seen.add(name)
        chosen = about_runs or first.get(item.path) == item.name
        if not (item.get_closest_marker("each_line") if item.path in marked else chosen):
            item.add_marker(pytest.mark.once)


def first_of_each(items: Sequence[pytest.Item]) -> dict[Path, str]:
    """Return path of a file → name of its first test that uses ``play``."""
    plays = [item for item in items if "play" in getattr(item, "fixturenames", ())]
    return {item.path: item.name for item in reversed(plays)}


@pytest.fixture(scope="session", autouse=True)
def marked_run() -> Iterator[None]:
    with left_faults.marked_run():
        yield


@pytest.fixture(autouse=True)
def no_fault_is_left(marked_run: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail the test that leaves a fault of this machine, and take the fault back, as the next test would list it."""

    def own() -> Iterator[Path]:
        return tmp_path_factory.getbasetemp().glob("*/os-faults")

    before = left_faults.faults_of_this_machine(own())
    yield
    left = left_faults.left_since(before, own())
    left_faults.take_back(left)
    assert not left, "this test has left faults of this machine"


@dataclass
class Play:
    """What one run of a playbook did."""

    rc: int
    stdout: str
    events: list[Mapping[str, Any]] = field(repr=False)

    def results(self, action: str = "osf_") -> dict[str, Mapping[str, Any]]:
        """Return the last result of each host of a task whose action starts with ``action``."""
        found = {}
        for event in self.events:
            data = event["event_data"]
            done = str(data.get("task_action", ""))
            if "res" in data and done.startswith(action) and done != "osf_arguments":  # it looks at the arguments only
                found[data["host"]] = data["res"]
        return found

    @property
    def result(self) -> Mapping[str, Any]:
        """The result of our own module on the only host."""
        (only,) = self.results().values()
        return only

    @property
    def failures(self) -> dict[str, str]:
        """Host → why its task failed."""
        failed = ("runner_on_failed", "runner_on_unreachable")
        return {e["event_data"]["host"]: e["event_data"]["res"]["msg"] for e in self.events if e["event"] in failed}


@pytest.fixture(scope="session")
def ready_ansible() -> Iterator[ReadyAnsible]:
    with tempfile.TemporaryDirectory(prefix="ready-", dir="/tmp") as directory:  # a socket's path is short
        ready = ReadyAnsible(Path(directory))
        yield ready
        ready.close()


@pytest.fixture
def play(request: pytest.FixtureRequest, tmp_path: Path, ready_ansible: ReadyAnsible) -> Run:
    """Run a bundled playbook: ``play("service_state.yml", service="web", service_action="start")``.

    Keywords are the playbook's arguments, but for ``hosts`` (name → variables; default: one local host), ``inventory``
    (variables of all hosts), ``limit``, ``check``, ``diff``, and ``commands`` (a directory that comes first on the
    PATH). No warning and no deprecation of Ansible is let through.

    The first test of each file that uses it sends modules as bare Ansible does, the others in packed form, as
    os_faults does: that takes a third of the time.
    """
    packed = request.node.name != request.session.stash[FIRST][request.path]
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    numbers = count()  # runs may begin at the same time

    def run(
        playbook: str,
        *,
        hosts: Mapping[str, Mapping[str, Any]] | None = None,
        inventory: Mapping[str, Any] | None = None,
        check: bool = False,
        diff: bool = False,
        commands: Path | None = None,
        limit: str | None = "all",
        **arguments: Any,
    ) -> Play:
        private = tmp_path / f"run-{next(numbers)}"
        private.mkdir()
        events: list[Mapping[str, Any]] = []
        done = init_runner(
            private_data_dir=str(private),
            playbook=str(resources.playbook(playbook)),
            inventory={
                "all": {"hosts": {"here": {}} if hosts is None else dict(hosts), "vars": {**local, **(inventory or {})}}
            },
            extravars=arguments,
            cmdline=" ".join(["--check"] * check + ["--diff"] * diff) or None,
            limit=limit,
            envvars={"PATH": ":".join([*([str(commands)] if commands else []), *_PATH]), "ANSIBLE_NOCOLOR": "1"},
            event_handler=lambda event: events.append(event) or True,
            cancel_callback=lambda: False,
            fact_cache_type="",
            settings={"suppress_ansible_output": True, "pexpect_timeout": 0.5},
        )
        done.config.env = ready_ansible.before(done.config.env, packed=packed)
        done.run()
        with done.stdout as file:
            stdout = file.read()
        assert "[WARNING]" not in stdout, stdout
        assert "[DEPRECATION" not in stdout, stdout
        return Play(done.rc, stdout, events)

    return run


@pytest.fixture
def runtime_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user without root keeps holds, so that they are not mixed with others of this machine.

    It is the same for one test after the other, and their environment with it, unless one has left something there.
    """
    used = tmp_path_factory.getbasetemp().glob("runtime*")
    empty = (path for path in used if not path.is_symlink() and not any(path.iterdir()))
    directory = next(empty, None) or tmp_path_factory.mktemp("runtime")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    return directory


@pytest.fixture
def service(tmp_path: Path, runtime_directory: Path) -> Iterator[Service]:
    """A service of its own, which is not frozen any more afterwards."""
    service = Service(tmp_path)
    yield service
    if service.directory:
        subprocess.run(["sh", str(service.directory / "undo.sh")], check=False)
    service.end()


@pytest.fixture
def freeze(play: Run, service: Service) -> Run:
    """Freeze the service, or what the verb says."""

    def do(verb: str = "freeze", **more: Any) -> Play:
        return play(
            "service_freeze.yml", inventory=service.inventory, service=service.name, service_action=verb, **more
        )

    return do


@pytest.fixture
def listed(play: Run, service: Service) -> Callable[[], Mapping[str, Any] | None]:
    """The entry of the service's fault in the list of faults, None when there is none."""

    def look() -> Mapping[str, Any] | None:
        return next((hold for hold in play("faults.yml").result["holds"] if hold["id"] == service.hold), None)

    return look

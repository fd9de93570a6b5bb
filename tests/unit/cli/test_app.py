"""The command itself: help, global options, errors, signals, completion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.cli_fixture import CommandLine, command_line
from support.cloud_fixture import CONFIG, hosts

from os_faults.cli import inject_fault, main
from os_faults.cli.progress import Progress
from os_faults.cli.session import Session
from os_faults.model import Action, HostResult
from os_faults.testing import FakeRunner
from os_faults.version import get_version

pytestmark = pytest.mark.usefixtures("state_home")


@pytest.fixture
def call(tmp_path: Path) -> CommandLine:
    return command_line(tmp_path)


def os_faults(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("os-faults")), *words],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command_and_exit_code(call: CommandLine) -> None:
    told = call("--help").stdout
    for word in main.commands:
        assert f"\n  {word} " in told
    for code in (0, 1, 2, 3, 4, 5, 130):
        assert f"\n    {code} " in told


def test_help_is_quick_as_it_imports_nothing_heavy() -> None:
    code = "import sys, os_faults.cli; print([name for name in sys.modules if name in %r])"
    heavy = ["yaml", "rich", "jsonschema", "ansible_runner", "os_faults.cloud", "importlib.metadata"]
    done = subprocess.run([sys.executable, "-c", code % heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    begin = time.monotonic()
    assert os_faults("--help").returncode == 0
    assert time.monotonic() - begin < 5  # on a busy machine; a quarter of a second on a quiet one


def test_version(call: CommandLine) -> None:
    assert call("--version").stdout == f"os-faults {get_version()}\n"


def test_global_options_also_stand_after_the_command(call: CommandLine) -> None:
    assert json.loads(call("nodes", "--output", "json").stdout)["schema"] == 1
    session = Session(parts={"runner": call.runner})
    done = CliRunner().invoke(main, ["nodes", "-c", str(call.config)], obj=session)
    assert done.exit_code == 0, done.stderr
    wrong = call("nodes", "--output", "xml")
    assert (wrong.exit_code, wrong.stdout) == (2, "")


def test_the_artifacts_directory_is_the_one_that_is_asked_for(
    call: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from os_faults import cloud

    seen = []
    original = cloud.Cloud.__init__

    def spy(self, config, **others):  # type: ignore[no-untyped-def]
        seen.append(config.artifacts_dir)
        original(self, config, **others)

    monkeypatch.setattr(cloud.Cloud, "__init__", spy)
    assert call("--artifacts-dir", "runs", "nodes").exit_code == 0
    assert seen == [Path.cwd() / "runs"]


def test_a_wrong_configuration_is_one_line(call: CommandLine) -> None:
    call.config.write_text(json.dumps(CONFIG).replace('"address"', '"adress"'))
    done = call("nodes")
    assert done.exit_code == 2
    assert "did you mean 'address'" in done.stderr
    assert "Traceback" not in done.stderr
    assert call.json("nodes")["error"]["type"] == "ConfigError"
    assert call.runner.performed == []


def test_config_and_cloud_exclude_each_other(call: CommandLine) -> None:
    done = call("--cloud", "staging", "nodes")
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


def test_a_traceback_is_for_debugging(call: CommandLine) -> None:
    assert "Traceback" in call("--log-level", "debug", "inject", "kill", "nobody").stderr


def test_a_defect_is_one_line_too(tmp_path: Path) -> None:
    def answer(action: Action, node: str) -> HostResult:
        raise ZeroDivisionError("of the test")

    call = command_line(tmp_path, answer)
    done = call("nodes")
    assert done.exit_code == 1
    assert done.stderr == "os-faults: unexpected ZeroDivisionError: of the test (--log-level debug shows where)\n"
    assert "Traceback" in call("--log-level", "debug", "nodes").stderr


def test_logs_are_on_stderr(call: CommandLine) -> None:
    done = call("--log-level", "info", "--seed", "5", "nodes")
    assert "seed 5" in done.stderr
    assert "seed" not in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_undoes_what_runs_and_ends(tmp_path: Path, number: signal.Signals, code: int) -> None:
    good = hosts(holds=("freeze-keystone",))
    handlers = signal.getsignal(number)

    def answer(action: Action, node: str) -> HostResult:
        if action.verb == "freeze":
            signal.raise_signal(number)
        return good(action, node)

    call = command_line(tmp_path, answer)
    done = call("inject", "freeze", "keystone")
    assert done.exit_code == code
    assert number.name in done.stderr
    assert call.verbs == ["freeze", "list", "heal"]
    assert list(call.runner.performed[-1].known["os_faults_ids_of"].values()) == [["freeze-keystone"]]
    assert signal.getsignal(number) == handlers


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_closes_does_not_stop_the_undo(tmp_path: Path, second: signal.Signals) -> None:
    good = hosts(holds=("freeze-keystone",))

    def answer(action: Action, node: str) -> HostResult:
        if action.verb in ("freeze", "heal"):
            signal.raise_signal(second)
        return good(action, node)

    call = command_line(tmp_path, answer)
    done = call("inject", "freeze", "keystone")
    assert done.exit_code == 128 + second
    assert "another Ctrl-C" in done.stderr
    assert call.verbs == ["freeze", "list", "heal"]


@pytest.mark.parametrize(
    ("at", "told"),
    [("list", "node-1.domain.tld: may hold freeze keystone service; "), ("heal", "node-1.domain.tld: holds freeze-")],
)
def test_a_second_ctrl_c_tells_what_is_left(tmp_path: Path, at: str, told: str) -> None:
    good = hosts(holds=("freeze-keystone",))

    def answer(action: Action, node: str) -> HostResult:
        if action.verb in ("freeze", at):
            signal.raise_signal(signal.SIGINT)
        return good(action, node)

    done = command_line(tmp_path, answer)("inject", "freeze", "keystone", "--seconds", "60")
    assert done.exit_code == 130
    assert told in done.stderr
    assert "the node takes it back by itself at " in done.stderr
    assert done.stderr.splitlines()[-1] == "os-faults: interrupted by SIGINT"


def test_a_fault_without_an_end_is_told_to_have_none(tmp_path: Path) -> None:
    def answer(action: Action, node: str) -> HostResult:
        if action.verb in ("freeze", "list"):
            signal.raise_signal(signal.SIGINT)
        return hosts()(action, node)

    done = command_line(tmp_path, answer)("inject", "freeze", "keystone", "--heal-after", "never")
    assert "node-1.domain.tld: may hold freeze keystone service; only 'os-faults heal' takes it back" in done.stderr


def test_an_undo_that_fails_after_a_signal_is_the_exit_code_5(tmp_path: Path) -> None:
    good = hosts(holds=("freeze-keystone",))

    def answer(action: Action, node: str) -> HostResult:
        if action.verb == "freeze":
            signal.raise_signal(signal.SIGINT)
        if action.verb == "heal":
            return hosts(silent=("10.0.0.1",))(action, node)
        return good(action, node)

    done = command_line(tmp_path, answer)("inject", "freeze", "keystone")
    assert done.exit_code == 5
    assert "No route to host" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(call: CommandLine, shell: str) -> None:
    done = call("completion", shell)
    assert done.exit_code == 0
    assert "_OS_FAULTS_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "want"),
    [
        ("os-faults inj", "inject"),
        ("os-faults inject resta", "restart"),
        ("os-faults inject stress c", "cpu"),
        ("os-faults inject freeze keystone --sec", "--seconds"),
        ("os-faults --output js", "json"),
    ],
)
def test_what_is_completed(words: str, want: str) -> None:
    count = len(words.split()) - 1
    done = os_faults(_OS_FAULTS_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(count))
    assert done.returncode == 0, done.stderr
    assert f"plain,{want}" in done.stdout.splitlines()


def completed(line: str, **environ: str) -> list[str]:
    """Return what bash is offered at the end of a command line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    done = os_faults(_OS_FAULTS_COMPLETE="bash_complete", **words, **environ)
    assert (done.returncode, done.stderr) == (0, "")
    return [offered.removeprefix("plain,") for offered in done.stdout.split()]


def test_services_are_completed_from_the_configuration(call: CommandLine) -> None:
    assert "keystone" in completed(f"os-faults -c {call.config} inject restart key")
    assert "keystone" in completed(f"os-faults inject --config {call.config} kill key")
    assert completed("os-faults -c /no/such/file inject restart key") == []
    assert completed("os-faults inject restart key") == []


def test_the_container_of_a_service_is_completed_as_a_container(call: CommandLine) -> None:
    services = {"web": {"driver": "container", "args": {"container": "web_1"}}}
    call.config.write_text(json.dumps({**CONFIG, "services": services}))
    assert completed(f"os-faults -c {call.config} inject container pause we") == ["web_1"]


def test_nodes_are_completed_from_the_last_discovery(call: CommandLine) -> None:
    line = f"os-faults -c {call.config} inject reboot --on "
    assert completed(line) == ["all", "one"], "no node is asked"
    assert call("nodes").exit_code == 0
    assert completed(line + "n") == ["node-1.domain.tld", "node-2.domain.tld", "node-3.domain.tld"]
    assert completed(line + "node-2.domain.tld,") == [
        f"node-2.domain.tld,node-{number}.domain.tld" for number in (1, 3)
    ]


def test_progress_tells_whom_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Console:
        """Takes the line without showing it."""

        def status(self, _text: object) -> Console:
            return self

        def start(self) -> None: ...

        def stop(self) -> None: ...

        def update(self, _text: object) -> None: ...

    now = 100.0
    monkeypatch.setattr("os_faults.cli.progress.time.monotonic", lambda: now)
    progress = Progress(Console())  # type: ignore[arg-type]
    progress({"event": "run_start", "event_data": {"action": "terminate keystone service", "nodes": list("abcde")}})
    progress({"event": "playbook_on_start"})
    now += 12
    progress({"event": "playbook_on_task_start", "event_data": {"name": "Look"}})
    progress({"event": "runner_on_unreachable", "event_data": {"host": "e"}})
    progress({"event": "playbook_on_task_start", "event_data": {"name": "Stop it"}})
    for host in ("a", "b"):
        progress({"event": "runner_on_start", "event_data": {"host": host}})
    progress({"event": "playbook_on_task_start", "event_data": {"name": "Stop it"}})  # of another worker
    progress({"event": "runner_on_ok", "event_data": {"host": "a"}})
    assert progress.line() == "Stop it: 2/5 nodes, 1 failed, 12 s, waiting for b"
    progress({"event": "runner_on_failed", "event_data": {"host": "b"}})
    assert progress.line() == "Stop it: 3/5 nodes, 2 failed, 12 s"
    progress({"event": "playbook_on_stats"})


def test_without_words_there_is_help() -> None:
    done = os_faults()
    assert "Usage: os-faults" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    script = f"{Path(sys.executable).with_name('os-faults')} playbooks | true"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr


def test_a_fake_runner_never_meets_ansible(call: CommandLine) -> None:
    assert isinstance(call.runner, FakeRunner)
    call("inject", "restart", "keystone")
    assert call.verbs == ["restart"]


@pytest.mark.case("u17")
def test_networks_nodes_and_faults_are_completed_from_what_is_known(tmp_path: Path) -> None:
    def answer(action: Action, node: str) -> HostResult:
        told = hosts()(action, node)
        return replace(told, payload={"id": "freeze-keystone"}) if action.verb == "freeze" else told

    call = command_line(tmp_path, answer)
    line = f"os-faults -c {call.config} "
    assert completed(f"{line}inject disable_network man") == []
    call("inject", "freeze", "keystone")
    assert completed(f"{line}inject disable_network man") == ["management"]
    assert completed(f"{line}heal --fault-ids fre") == ["freeze-keystone"]
    assert completed(f"{line}inject partition node-1") == ["node-1.domain.tld"]
    assert completed(f"{line}inject partition node-1.domain.tld,node-2") == ["node-1.domain.tld,node-2.domain.tld"]
    assert completed(f"{line}inject unplug keystone --other mem") == ["memcached"]


@pytest.mark.case("u17")
def test_clouds_with_a_block_are_completed(tmp_path: Path) -> None:
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text("clouds: {mine: {os_faults: {}}, other: {}, many: {os_faults: {}}}")
    assert completed("os-faults --cloud m", OS_CLIENT_CONFIG_FILE=str(clouds)) == ["many", "mine"]


@pytest.mark.case("u17")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("resta", ["restart"]),
        ("restart keysto", ["keystone"]),
        ("restart keystone s", ["service"]),
        ("freeze keystone service f", ["for"]),
        ("freeze keystone service for 5 m", ["min", "minute", "minutes"]),
        ("reboot node-2", ["node-2.domain.tld"]),
        ("nonsense and more ", []),
    ],
)
def test_sentences_are_completed(call: CommandLine, typed: str, offered: list[str]) -> None:
    call("nodes")
    line = f"os-inject-fault -c {call.config} {typed}"
    done = CliRunner().invoke(
        inject_fault,
        env={"_X_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)},
        complete_var="_X_COMPLETE",
        prog_name="os-inject-fault",
    )
    assert [each.removeprefix("plain,") for each in done.stdout.split()] == offered


@pytest.mark.case("u15")
def test_the_help_of_sentences_cuts_no_name() -> None:
    shown = CliRunner().invoke(inject_fault, ["--help"], terminal_width=80).stdout
    assert len(shown.splitlines()) < 70
    assert not [line for line in shown.splitlines() if line.endswith("-")]
    assert "os-faults services" in shown

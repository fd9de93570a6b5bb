"""The runner that uses ansible-runner.

Each run has a new private directory in ansible-runner's own layout, with ``os_faults.json`` beside its artifacts.
The run has its own thread. So the signal handlers and the terminal of the host application stay unchanged, and Ctrl-C
stops the run at once.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from os_faults import resources
from os_faults.actions.answers import MAX_CHARACTERS
from os_faults.actions.batch import combined
from os_faults.actions.template_marks import marked
from os_faults.ansible import artifacts, events, meter, no_log
from os_faults.ansible.jump_errors import with_jump_hosts
from os_faults.ansible.meter import Meter
from os_faults.ansible.private_directory import PrivateDirectory
from os_faults.ansible.protocol import Event, Run, Watcher
from os_faults.ansible.run import LocalRun
from os_faults.ansible.warm import WarmStart
from os_faults.ansible.workers import SharedRun
from os_faults.config import SshConfig, Worker
from os_faults.errors import AnsibleExecutionException, ArgumentError, ConfigError, OSFError, RunTimeout
from os_faults.model import Action, Result
from os_faults.model.start_time import is_delay
from os_faults.system import files, process
from os_faults.system.text import is_text

LOG = logging.getLogger(__name__)


#: Only these variables of the caller reach the run; others, which may be secrets, would stay in its artifacts.
_PASSED = ("PATH", "HOME", "USER", "LOGNAME", "TZ", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "VIRTUAL_ENV")
#: And these variables of ansible-runner.
_MADE = (
    "ANSIBLE_CALLBACK_PLUGINS",
    "ANSIBLE_HOST_KEY_CHECKING",
    "ANSIBLE_INVENTORY_ENABLED",
    "ANSIBLE_RETRY_FILES_ENABLED",
    "ANSIBLE_STDOUT_CALLBACK",
    "AWX_ISOLATED_DATA_DIR",
    "MAX_EVENT_RES",
    "RUNNER_OMIT_EVENTS",
    "RUNNER_ONLY_FAILED_EVENTS",
)
#: Their expected values, before ansible-runner is loaded; a wrong value only makes the first run restart the server.
_EXPECTED = MappingProxyType(
    {
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_INVENTORY_ENABLED": "yaml",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_STDOUT_CALLBACK": "awx_display",
        "MAX_EVENT_RES": str(MAX_CHARACTERS),
        "RUNNER_OMIT_EVENTS": "False",
        "RUNNER_ONLY_FAILED_EVENTS": "False",
    }
)


class AnsibleRunner:
    """Runs actions by ansible-runner.

    Args:
        ssh: connection settings.
        artifacts_dir: directory for the directories of runs.
        about: further facts for the record of every run (seed, version).
        workers: machines that do the runs; this machine when empty.
    """

    def __init__(
        self, ssh: SshConfig, artifacts_dir: Path, about: Mapping[str, Any], workers: Sequence[Worker] = ()
    ) -> None:
        self._ssh = ssh
        self._workers = workers
        self._private = PrivateDirectory(ssh)
        modules = resources.modules_dir(), resources.module_utils_dir()
        self._warm = WarmStart(self._private.path / "warm", modules, resources.playbooks_dir())
        self._artifacts_dir = artifacts_dir
        self._warned = ""
        self._about = dict(about)
        self._warm_up()

    def _warm_up(self) -> None:
        """Load Ansible in the background, before the first verb of the caller."""
        spec = find_spec("ansible_runner")
        if spec is not None and spec.origin is not None:
            callbacks = Path(spec.origin).with_name("display_callback") / "callback"
            env = {**os.environ, **_EXPECTED, "ANSIBLE_CALLBACK_PLUGINS": str(callbacks)}
            self._warm.before(self._environment(env))

    def prepare(self, action: Action, inventory: Mapping[str, Any]) -> tuple[Path, list[str]]:
        """Write inventory, arguments and (for ad-hoc tasks) the play; return the run's directory and its command.

        The command is a complete line: it can be pasted and run by hand.

        If the artifacts can't be written, an action that only reads or undoes writes them to the private directory.

        Raises:
            ArgumentError: an argument is a template, which Ansible would evaluate.
            ConfigError: the directory can't be written, and the action must leave a record; or the current directory
                of this program is gone.
            OSFError: the private directory can't be written either.
        """
        for part in action.parts or (action,):
            for sentence in marked(part.variables, f"{part}: argument"):
                raise ArgumentError(sentence)
        files.absolute(os.curdir)  # ansible-runner needs an existing current directory
        try:
            return self._write(self._artifacts_dir, action, inventory)
        except OSError as error:
            if error.errno is None:
                raise  # an error of a signal handler, such as TimeoutError
            sentence = f"can't keep the artifacts of a run in {self._artifacts_dir}: {error.strerror}"
            if artifacts.must_be_recorded(action):
                raise ConfigError(
                    f"{action}: {sentence}, so nothing was touched; artifacts_dir (--artifacts-dir) may name another"
                ) from error
        # Discovery and heal must always work.
        if sentence != self._warned:
            LOG.warning("%s; they go with this session", sentence)
            self._warned = sentence
        try:
            return self._write(self._private.path / "runs", action, inventory)
        except OSError as error:
            raise OSFError(f"{action}: can't write to {self._private.path} either: {error.strerror}") from error

    def _write(self, base: Path, action: Action, inventory: Mapping[str, Any]) -> tuple[Path, list[str]]:
        directory = artifacts.made(base, action)
        # ansible-runner would create this file readable for everybody; an existing file keeps its mode.
        (directory / "artifacts" / artifacts.IDENT / "stderr").touch(mode=0o600)
        artifacts.write_json(directory / "inventory" / "hosts.json", inventory)
        if action.variables and not action.parts:
            artifacts.write_json(directory / "env" / "extravars", action.variables)
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(directory / "inventory")]
        command += ["-e", f"@{directory / 'env' / 'extravars'}"] if (directory / "env" / "extravars").exists() else []
        command += ["--check"] if action.check_mode else []
        command += ["--limit", "all"]  # the inventory has exactly the nodes that are meant
        return directory, [*command, str(self._playbook(action, directory))]

    def run(self, action: Action, inventory: Mapping[str, Any], watch: Watcher | None = None) -> Result:
        """Run ``action`` and return the result of each node.

        Args:
            action: the action; its ``timeout`` bounds the run.
            inventory: Ansible's inventory of exactly the action's nodes.
            watch: called with every event during the run, in the caller's thread. The first event is ours,
                ``run_start``; its ``event_data`` has the ``action`` (text) and its ``nodes`` (names).

        Raises:
            RunTimeout: the run was stopped at its deadline.
            KeyboardInterrupt: passed on after the run was stopped.
        """
        if action.parts and self._is_shared(action):
            return self._one_by_one(action, inventory, watch)
        directory, command = self.prepare(action, inventory)
        run: Run
        if self._is_shared(action):
            run = self._share(action, inventory, directory)
        else:
            run = LocalRun(self._configure(action, directory, command[-1]))
        try:
            return self._follow(run, action, directory, watch)
        finally:
            _censor(directory, action)

    def _follow(self, run: Run, action: Action, directory: Path, watch: Watcher | None) -> Result:
        forks = run.forks
        started = time.time()
        begin = time.monotonic()
        measured = Meter()
        try:
            with process.default_sigchld(), measured:
                if watch is not None:
                    watch(_start_of(action))
                run.follow(watch)
        except BaseException as interruption:
            run.stop()
            passed = time.monotonic() - begin
            why = f"interrupted: {interruption!r}"
            result = Result(action, {}, str(directory), started, passed, why, measured.cost(forks))
            self._record(result, run.shares)
            raise
        seconds = time.monotonic() - begin
        cost = measured.cost(forks)
        error = f"the run was stopped after {action.timeout:g} s" if run.timed_out else run.error()
        result = run.report(Result(action, {}, str(directory), started, seconds, error, cost))
        result = with_jump_hosts(result, self._private.path)
        if run.timed_out and action.harmless:
            result = events.with_silent(result)  # a node that hangs must not prevent the healing of others
        if error or not all(host.answered for host in result.hosts.values()):
            run.clear()
        self._record(result, run.shares)
        LOG.info(
            "%s took %.1f s; on this machine %.1f s of processor time and %d MB; %d hosts at a time",
            *(action, seconds, cost.cpu_seconds, cost.memory_mb, forks),
        )
        if run.timed_out and not action.harmless:
            raise RunTimeout(f"{action} did not end within {action.timeout:g} s and was stopped", result)
        if run.crash:
            raise AnsibleExecutionException(f"{action}: ansible-runner failed: {run.crash}", result) from run.crash
        return result

    def _one_by_one(self, action: Action, inventory: Mapping[str, Any], watch: Watcher | None) -> Result:
        """Run each part of an action separately: in one run, workers would not wait for each other between parts."""
        parts = tuple(self.run(part, inventory, watch) for part in action.parts)
        return Result(action, combined(parts), started=parts[0].started, parts=parts)

    @property
    def control_dir(self) -> str:
        """The directory for the sockets of shared connections to jump hosts; they end with the runner."""
        return str(self._private.path)

    def secret_path(self, value: str) -> str:
        """Return the path of a file (0600) with ``value``; it is removed with the runner."""
        return self._private.secret_path(value)

    def forget_connections(self) -> None:
        """Close the ssh connections that stay open between runs."""
        self._private.forget_connections()

    def close(self) -> None:
        """Remove the private directory with its sockets and secrets; the artifacts stay."""
        self._warm.close()
        self._private.close()

    def _playbook(self, action: Action, directory: Path) -> Path:
        if action.playbook:
            return resources.playbook(action.playbook)
        path = directory / "project" / "main.yml"
        artifacts.write(path, yaml.safe_dump(_plays(action.parts or (action,)), sort_keys=False))
        return path

    def _is_shared(self, action: Action) -> bool:
        """Return whether workers do the run; an action from outside or with a local connection runs here."""
        return bool(self._workers) and not action.from_outside and all(n.auth.connection == "ssh" for n in action.nodes)

    def _share(self, action: Action, inventory: Mapping[str, Any], directory: Path) -> SharedRun:
        return SharedRun(
            self._workers,
            action,
            inventory,
            self._ssh,
            self._private.secrets,
            self.control_dir,
            directory / "artifacts" / artifacts.IDENT,
            self._private.tmp,
            _arguments_of(action),
        )

    def _configure(self, action: Action, directory: Path, playbook: str) -> Any:
        from ansible_runner import RunnerConfig  # costs a quarter of a second

        config = RunnerConfig(
            str(directory),
            playbook=playbook,
            ident=artifacts.IDENT,
            project_dir=str(Path(playbook).parent),
            forks=meter.forks(len(action.nodes), meter.cores(), meter.free_mb()),
            quiet=True,
            **_arguments_of(action),
        )
        config.prepare()
        config.env = self._warm.before(self._environment(config.env))
        return config

    def _environment(self, env: Mapping[str, str]) -> dict[str, str]:
        known = filter(is_text, env.get("PATH", os.defpath).split(os.pathsep))
        path = os.pathsep.join([str(Path(sys.executable).parent), *known])
        # ansible-runner writes them in UTF-8, and a local connection puts its temporary files into the home directory.
        passed = {name: env[name] for name in (*_PASSED, *_MADE) if is_text(env.get(name))}
        home = passed.get("HOME", "")
        return {
            **passed,
            "HOME": home if os.path.isabs(home) and os.path.isdir(home) else str(self._private.tmp),
            "PATH": path,
            "TMPDIR": str(self._private.tmp),
            "ANSIBLE_CONFIG": str(self._private.ansible_cfg),
            # Ansible requires UTF-8, and programs read the messages of ssh and systemctl.
            "LC_ALL": "C.UTF-8",
        }

    def _record(self, result: Result, shares: Mapping[str, list[str]]) -> None:
        """Record the result of a run. The run has already happened, so an error here is only logged."""
        try:
            artifacts.record(result, {**self._about, "workers": dict(shares)})
        except (OSError, RecursionError) as error:
            LOG.warning("can't record the result of %s in its artifacts: %s", result.action, error)


def _arguments_of(action: Action) -> dict[str, Any]:
    """Return the common arguments of ansible-runner, for runs here and on workers."""
    return {
        "cmdline": "--check" if action.check_mode else None,
        "skip_tags": _skipped_tags(action),
        "fact_cache_type": "",
        "timeout": max(1, round(action.timeout)),
        "settings": {"pexpect_timeout": 0.2, "suppress_ansible_output": True},
        "envvars": {
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "ANSIBLE_INVENTORY_ENABLED": "yaml",
            "MAX_EVENT_RES": str(MAX_CHARACTERS),
            # Not the values of an outer job of ansible-runner or AWX that calls os_faults.
            "ANSIBLE_CALLBACK_PLUGINS": "",
            "AWX_LIB_DIRECTORY": "",
        },
    }


def _skipped_tags(action: Action) -> str | None:
    """Return the tags of tasks that have nothing to do: each task would cost a process for every node.

    Python has checked the arguments already, with the same messages. In a run that is only prepared, a delay is not yet
    a time; the playbook converts it.
    """
    at = action.arguments.get("at")
    if at is None:
        return "arguments,os_faults_print,os_faults_start_time"
    return None if is_delay(at) else "arguments,os_faults_print"


def _start_of(action: Action) -> Event:
    """Return our own first event of a run, with its action and its nodes."""
    return {"event": "run_start", "event_data": {"action": str(action), "nodes": [node.fqdn for node in action.nodes]}}


def _censor(directory: Path, action: Action) -> None:
    """Remove the arguments of tasks with ``no_log`` from the artifacts: the play, and Ansible's quotations of it."""
    parts = action.parts or (action,)
    if not any(no_log.is_set(part.tasks) for part in parts):
        return
    play = directory / "project" / "main.yml"
    play.unlink(missing_ok=True)
    left = (replace(part, tasks=tuple(map(no_log.censored, part.tasks))) for part in parts)
    with suppress(OSError):  # the disk may be full; the censored play is only for people
        artifacts.write(play, yaml.safe_dump(_plays(left), sort_keys=False))
    artifacts.rewrite_output(directory, no_log.without_excerpts)


def _plays(parts: Iterable[Action]) -> list[dict[str, Any]]:
    return [_imported(part) if part.playbook else part.play() for part in parts]


def _imported(part: Action) -> dict[str, Any]:
    """Return the play that imports a bundled playbook, for some of the run's nodes."""
    return {
        "name": str(part),
        "ansible.builtin.import_playbook": str(resources.playbook(part.playbook)),
        "vars": {**part.variables, "os_faults_hosts": [node.fqdn for node in part.nodes]},
    }

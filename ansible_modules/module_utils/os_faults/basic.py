"""A small `AnsibleModule` for packed modules, which come to the host without Ansible's library.

Ansible sends about fifty files of its library with every module, and compiling them takes a host a quarter of a second
of CPU time. A packed module (see ``os_faults/ansible/warm/packing.py``) contains this file instead. It behaves like the
original for the modules of os_faults: it accepts and refuses the same arguments, runs commands in the same way, and
ends with an answer of the same form.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import syslog
import time
from typing import Any, Mapping, NoReturn, Sequence

ARGUMENTS: dict[str, Any] = {}
"""Arguments of the module, and Ansible's settings, whose names start with ``_ansible_``."""

_TRUE = ("y", "yes", "on", "1", "true", "t", 1, 1.0, True)
_FALSE = ("n", "no", "off", "0", "false", "f", 0, 0.0, False)
_SETTING = "_ansible_"
_LINGER = 1.0
"""Seconds of wait for output after the end of a command, as its children may hold the output open."""


class Invalid(Exception):
    """An argument is not valid; the message is a sentence."""


class AnsibleModule:
    """A running module: its arguments, its commands, and its end by an answer or a failure.

    Args:
        argument_spec: name → ``type``, ``elements``, ``choices``, ``default``, ``required``, as in Ansible.
        supports_check_mode: true for every module of os_faults.
        mutually_exclusive: groups of arguments of which one at most may be given.
        required_one_of: groups of arguments of which one at least must be given.
        required_if: ``[argument, value, [arguments that this value requires]]``.
    """

    def __init__(
        self,
        argument_spec: Mapping[str, Mapping[str, Any]],
        supports_check_mode: bool = False,
        mutually_exclusive: Sequence[Sequence[str]] = (),
        required_one_of: Sequence[Sequence[str]] = (),
        required_if: Sequence[Sequence[Any]] = (),
    ) -> None:
        settings = {name: value for name, value in ARGUMENTS.items() if name.startswith(_SETTING)}
        given = {name: value for name, value in ARGUMENTS.items() if name not in settings}
        self._name = settings.get("_ansible_module_name", "os_faults")
        self.check_mode = bool(settings.get("_ansible_check_mode"))
        self.run_command_environ_update: Mapping[str, str] = {}
        self.params = given
        try:
            self.params = check(argument_spec, given, mutually_exclusive, required_one_of, required_if)
        except Invalid as error:
            self.fail_json(msg=str(error))
        self._facility = settings.get("_ansible_syslog_facility", "LOG_USER")
        if not settings.get("_ansible_no_log"):
            self.log("Invoked")

    def log(self, msg: str, log_args: Any = None) -> None:
        """Write a line to the log of the host.

        Args:
            msg: the line.
            log_args: not used; Ansible's journal fields.
        """
        facility = getattr(syslog, self._facility, syslog.LOG_USER)
        syslog.openlog("ansible-" + self._name.rpartition(".")[2], 0, facility)
        syslog.syslog(syslog.LOG_INFO, msg)

    def exit_json(self, **answer: Any) -> NoReturn:
        """End with an answer."""
        self._end(dict(answer, changed=bool(answer.get("changed"))), 0)

    def fail_json(self, msg: str, **answer: Any) -> NoReturn:
        """End with a failure.

        Args:
            msg: the reason, in a sentence.
            answer: other keys of the answer.
        """
        self._end(dict(answer, msg=msg, failed=True), 1)

    def _end(self, answer: Mapping[str, Any], code: int) -> NoReturn:
        print("\n" + json.dumps(answer))
        sys.exit(code)

    def run_command(
        self, args: Sequence[str], environ_update: Mapping[str, str] = {}, cwd: str | None = None
    ) -> tuple[int, str, str]:
        """Run a command to its end and return its exit code, output and errors.

        Args:
            args: the program and its arguments; no shell is involved.
            environ_update: environment variables to set.
            cwd: the directory to run in.
        """
        env = {**os.environ, **self.run_command_environ_update, **environ_update}
        try:
            process = subprocess.Popen(
                [str(arg) for arg in args],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=env,
                cwd=cwd,
            )
        except OSError as error:
            self.fail_json(msg=f"can't run {args[0]}: {error.strerror}", rc=error.errno, cmd=" ".join(args))
        with process:
            out, err = _listen(process)
        return process.returncode, out, err


def _listen(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Return standard output and standard error of a process, even if its daemon holds them open after its end."""
    heard: dict[Any, list[bytes]] = {process.stdout: [], process.stderr: []}
    ended = None
    with selectors.DefaultSelector() as streams:
        for stream in heard:
            streams.register(stream, selectors.EVENT_READ)
        while streams.get_map():
            ready = streams.select(0.1)
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                if data:
                    heard[key.fileobj].append(data)
                else:
                    streams.unregister(key.fileobj)
            if ended is None and process.poll() is not None:
                ended = time.monotonic()
            if not ready and ended is not None and time.monotonic() - ended > _LINGER:
                break
    texts = [b"".join(parts).decode("utf-8", "surrogateescape") for parts in heard.values()]
    return texts[0], texts[1]


def check(
    spec: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Any],
    mutually_exclusive: Sequence[Sequence[str]] = (),
    required_one_of: Sequence[Sequence[str]] = (),
    required_if: Sequence[Sequence[Any]] = (),
) -> dict[str, Any]:
    """Return the arguments in their types, with their defaults.

    Args:
        spec: the argument spec; for it and the rules see `AnsibleModule`.
        given: the arguments.
        mutually_exclusive: see `AnsibleModule`.
        required_one_of: see `AnsibleModule`.
        required_if: see `AnsibleModule`.

    Raises:
        Invalid: an argument is unknown, missing, of a wrong type, or excluded by another.

    Example:
        >>> check({"timeout": {"type": "int", "default": 300}}, {"timeout": "20"})
        {'timeout': 20}
    """
    unknown = sorted(set(given) - set(spec))
    if unknown:
        raise Invalid(f"Unsupported parameters: {', '.join(unknown)}. Supported: {', '.join(sorted(spec))}")
    there = {name for name, value in given.items() if value is not None}
    for group in mutually_exclusive:
        if len(there.intersection(group)) > 1:
            raise Invalid("parameters are mutually exclusive: " + "|".join(group))
    missing = sorted(name for name, about in spec.items() if about.get("required") and name not in there)
    if missing:
        raise Invalid("missing required arguments: " + ", ".join(missing))
    values = {name: _convert(name, about, given.get(name)) for name, about in spec.items()}
    for group in required_one_of:
        if not there.intersection(group):
            raise Invalid("one of the following is required: " + ", ".join(group))
    for name, value, wanted in required_if:
        lacking = [other for other in wanted if values.get(other) is None]
        if values.get(name) == value and lacking:
            raise Invalid(f"{name} is {value} but all of the following are missing: {', '.join(lacking)}")
    return values


def _convert(name: str, about: Mapping[str, Any], value: Any) -> Any:
    if value is None:
        return about.get("default")
    value = _CONVERSIONS[about.get("type", "str")](name, value)
    if "elements" in about:
        value = [_CONVERSIONS[about["elements"]](name, each) for each in value]
    for each in value if isinstance(value, list) else [value]:
        if each not in about.get("choices", [each]):
            raise Invalid(f"value of {name} must be one of: {', '.join(about['choices'])}, got: {each}")
    return value


def _wrong(name: str, value: Any, kind: str) -> Invalid:
    return Invalid(f"argument '{name}' is of type {type(value)} and we were unable to convert to {kind}")


def _to_str(_name: str, value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _to_path(name: str, value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(_to_str(name, value)))


def _to_int(name: str, value: Any) -> int:
    number = _to_float(name, value, "int")
    if isinstance(value, bool) or not number.is_integer():
        raise _wrong(name, value, "int")
    return value if isinstance(value, int) else int(number)


def _to_float(name: str, value: Any, kind: str = "float") -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise _wrong(name, value, kind) from None


def _to_bool(name: str, value: Any) -> bool:
    plain = value.lower().strip() if isinstance(value, str) else value
    if plain not in _TRUE + _FALSE:
        raise _wrong(name, value, "bool")
    return plain in _TRUE


def _to_list(name: str, value: Any) -> list[Any]:
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    if not isinstance(value, list):
        raise _wrong(name, value, "list")
    return value


def _to_dict(name: str, value: Any) -> dict[str, Any]:
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raise _wrong(name, value, "dict") from None
    if not isinstance(value, dict):
        raise _wrong(name, value, "dict")
    return value


_CONVERSIONS = {
    "bool": _to_bool,
    "dict": _to_dict,
    "float": _to_float,
    "int": _to_int,
    "list": _to_list,
    "path": _to_path,
    "str": _to_str,
}

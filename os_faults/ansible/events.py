"""Events of ansible-runner → one `HostResult` for each node.

A node's status is that of the whole run on it. Its message and payload come from one task: the failed one, else the
last of ours (``osf_*``), else the last that was not skipped. The statistics of the run show whether a failure counts:
in its event, a rescued failure looks like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from os_faults.actions import answers
from os_faults.actions.batch import combined
from os_faults.ansible import ssh_errors
from os_faults.model import Action, HostResult, Result, Status
from os_faults.system.text import without_colours

Event = Mapping[str, Any]

_STATUSES = {
    "runner_on_ok": Status.OK,
    "runner_on_failed": Status.FAILED,
    "runner_on_unreachable": Status.UNREACHABLE,
    "runner_on_skipped": Status.SKIPPED,
}
_FIELDS = frozenset({"changed", "failed", "msg", "rc", "skipped", "stderr", "stdout", "unreachable"})
"""Keys of a module's answer that have their own field in `HostResult`, or are part of its status."""
_NOISE = frozenset({"censored", "deprecations", "exception", "invocation", "timedout", "warnings"})

_MAX_MESSAGE = 4000
_LOST = "the run ended without a result for this node: nobody knows what was done there"

_SEVERITY = re.compile(r"^(\[(ERROR|WARNING)\]: |ERROR! )")
_PREFIXES = re.compile(r"^(Task failed: |Action failed: |Validation of arguments failed:\s*)+")
_BARE = re.compile(r"(the command exited with a )?non-zero return code\.?", re.IGNORECASE)
_NO_ANSWER = re.compile(r"MODULE FAILURE|Module result deserialization failed")
_UNUSABLE = re.compile(f"{_NO_ANSWER.pattern}|Task result omitted|Refusing to deserialize")
"""Ansible's messages for a module without a usable answer."""


@dataclass(frozen=True)
class _Outcome:
    """The outcome of one task on one host."""

    status: Status
    task: str
    ours: bool
    answer: Mapping[str, Any]
    unfit: bool = False


def with_events(result: Result, events: Sequence[Event], suspects: Set[str] = frozenset()) -> Result:
    """Return a result with the nodes of a run's events; for a merged action, also with its parts.

    A node without events counts as failed, unless no node has events: then the run as a whole failed, and its error has
    the reason.

    Args:
        result: the result, without nodes yet.
        events: the events of the run, in order.
        suspects: the nodes that tried to speak for others; their answers do not count.
    """
    action = result.action
    events = genuine(events)
    if not action.parts:
        hosts = results(events, action, suspects)
        missing = _missing(action, hosts, result.error or _why(hosts) or _LOST)
        return replace(result, hosts={**missing, **hosts} if hosts or _worked_on(events) else hosts)
    parts: list[Result] = []
    plays = _plays(events)
    not_begun: list[list[Event]] = [[] for _ in action.parts[len(plays) :]]
    for part, play in zip(action.parts, plays + not_begun, strict=True):
        hosts = results(play, part, suspects)
        missing = _left_out(part, hosts, parts, result.error, begun=bool(play))
        parts.append(replace(result, action=part, hosts={**missing, **hosts}))
    return replace(result, hosts=combined(parts), parts=tuple(parts))


def with_silent(result: Result) -> Result:
    """Return a result where nodes without events failed for the reason of the whole run."""
    return replace(result, hosts={**_missing(result.action, result.hosts, result.error), **result.hosts})


def genuine(events: Sequence[Event]) -> Sequence[Event]:
    """Return the events of Ansible's callback.

    The callback gives all events of a run the same random identity. The first event, the start of the run, has it
    before any host is asked, so output of a host in the form of an event can't have it.
    """
    first = next((event for event in events if event.get("event") == "playbook_on_start"), None)
    run = _identity(first or {})
    return [event for event in events if _identity(event) == run] if run else events


def _identity(event: Event) -> Any:
    data = event.get("event_data")
    return data.get("playbook_uuid") if isinstance(data, Mapping) else None


def _worked_on(events: Iterable[Event]) -> bool:
    """Return whether the statistics have a host: then the run did something, even without events of tasks."""
    last: Mapping[str, Any] = next(
        (event["event_data"] for event in events if event.get("event") == "playbook_on_stats"), {}
    )
    return bool(last.get("processed"))


def _plays(events: Iterable[Event]) -> list[list[Event]]:
    """Return the events of each play that began, without the statistics, which cover all plays."""
    plays: list[list[Event]] = []
    for event in events:
        if event.get("event") == "playbook_on_play_start":
            plays.append([])
        elif plays and event.get("event") != "playbook_on_stats":
            plays[-1].append(event)
    return plays


def _why(hosts: Mapping[str, HostResult]) -> str:
    return next((host.message for host in hosts.values() if not host.ok), "")


def _missing(action: Action, hosts: Mapping[str, HostResult], why: str) -> dict[str, HostResult]:
    return {
        node.fqdn: HostResult(node.fqdn, Status.FAILED, message=why, answered=False)
        for node in action.nodes
        if node.fqdn not in hosts
    }


def _left_out(
    part: Action, hosts: Mapping[str, HostResult], before: Iterable[Result], error: str, *, begun: bool
) -> dict[str, HostResult]:
    """Return the results of the nodes that have none for a part; Ansible leaves out nodes that have failed before.

    Those nodes are known to have done nothing for it, and so are all nodes if the part has not ``begun``.
    """
    failed = {host.node: earlier.action for earlier in before for host in earlier.failures}
    why = error or _why(hosts)
    for earlier in failed.values():
        why = why or f"not begun, as {earlier} failed"
    missing = _missing(part, hosts, why or _LOST)
    return {
        name: replace(host, message=f"left out, as it failed at {failed[name]}", answered=True)
        if name in failed
        else replace(host, answered=not begun)
        for name, host in missing.items()
    }


def results(events: Iterable[Event], action: Action, suspects: Set[str] = frozenset()) -> dict[str, HostResult]:
    """Return the result of a run on each node.

    Args:
        events: the run's events in order, as ansible-runner passes them to an event handler.
        action: the action; only its nodes are in the result.
        suspects: see `with_events`.

    Returns:
        Name of the node → its result. A node without events is missing.
    """
    outcomes: dict[str, list[_Outcome]] = {node.fqdn: [] for node in action.nodes}
    statistics: Mapping[str, Any] | None = None
    for event in events:
        data = event.get("event_data") or {}
        if event.get("event") == "playbook_on_stats":
            statistics = data
        elif event.get("event") in _STATUSES and data.get("host") in outcomes:
            outcomes[data["host"]].append(_outcome(event["event"], data, data["host"] in suspects))
    keys = {node.fqdn: node.auth.private_key_file for node in action.nodes}
    return {node: _result(node, each, statistics, keys[node]) for node, each in outcomes.items() if each}


def recap(stdout: str) -> str:
    """Return why a run has no task events, from the output of ``ansible-playbook``; "" when there is no output.

    Example:
        >>> recap("[ERROR]: the playbook: x.yml could not be found")
        'the playbook: x.yml could not be found'
    """
    lines = [line.strip() for line in without_colours(stdout).splitlines()]
    for marker in ("[ERROR]: ", "ERROR! ", "[WARNING]: Could not match", "skipping: "):
        for number, line in enumerate(lines):
            if line.startswith(marker):
                return _SEVERITY.sub("", _block(lines[number:]))
    return next((line for line in reversed(lines) if line), "")


def _block(lines: list[str]) -> str:
    """Return a message of several lines, up to Ansible's quotation of the playbook."""
    end = next((i for i, line in enumerate(lines) if not line or line.startswith("Origin: ")), len(lines))
    return " ".join(lines[:end])


def _outcome(kind: str, data: Mapping[str, Any], is_suspect: bool) -> _Outcome:
    status = Status.IGNORED if kind == "runner_on_failed" and data.get("ignore_errors") else _STATUSES[kind]
    task, module = str(data.get("task", "")), str(data.get("task_action", "")).rpartition(".")[2]
    ours = module.startswith("osf_")
    try:
        if is_suspect:
            raise answers.Unfit("the node tried to speak for others in it")
        # A skipped task has no answer.
        answer = answers.read(module, data["res"], succeeded=status is Status.OK) if "res" in data else {}
    except answers.Unfit as error:
        return _Outcome(Status.FAILED, task, ours, {"msg": f"its answer can't be used: {error}"}, unfit=True)
    return _Outcome(status, task, ours, answer)


def _result(node: str, outcomes: list[_Outcome], statistics: Mapping[str, Any] | None, key: str | None) -> HostResult:
    status, outcome = _verdict(node, outcomes, statistics)
    answer = outcome.answer
    died = status is Status.FAILED and bool("timedout" in answer or _UNUSABLE.search(_text(answer.get("msg"))))
    return HostResult(
        node=node,
        status=status,
        changed=any(bool(each.answer.get("changed")) for each in outcomes),
        message=_message(answer, status, key),
        stdout=_text(answer.get("stdout")),
        stderr=_text(answer.get("stderr")),
        rc=answer["rc"] if isinstance(answer.get("rc"), int) else None,
        payload=_payload(answer),
        task=outcome.task,
        answered=not (status is Status.UNREACHABLE or outcome.unfit or died),
    )


def _verdict(node: str, outcomes: list[_Outcome], statistics: Mapping[str, Any] | None) -> tuple[Status, _Outcome]:
    """Return the node's status, and the outcome that represents it."""
    for status, counter in ((Status.UNREACHABLE, "dark"), (Status.FAILED, "failures")):
        such = [outcome for outcome in outcomes if outcome.status is status]
        counts = outcomes[-1].status is status if statistics is None else bool(statistics.get(counter, {}).get(node))
        if such and counts:
            return status, such[-1]
    if unfit := [outcome for outcome in outcomes if outcome.unfit]:  # Ansible accepted the answer
        return Status.FAILED, unfit[-1]
    done = [outcome for outcome in outcomes if outcome.status in (Status.OK, Status.IGNORED)]
    forgiven = [outcome for outcome in outcomes if outcome.status in (Status.UNREACHABLE, Status.FAILED)]
    speaker = ([o for o in done if o.ours] or done or forgiven or outcomes)[-1]
    return Status.IGNORED if speaker in forgiven else speaker.status, speaker


def _payload(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return a module's answer without the fields of `HostResult`; for a loop, also the answer of each item."""
    payload = {
        key: value
        for key, value in answer.items()
        if key not in _NOISE and not key.startswith("_ansible_") and key not in _FIELDS
    }
    if _is_loop(answer):
        payload["results"] = [
            {key: value for key, value in item.items() if key not in _NOISE and not key.startswith("_ansible_")}
            for item in answer["results"]
        ]
    return payload


def _message(answer: Mapping[str, Any], status: Status, key: str | None) -> str:
    """Return a message on one line: a second line could be mistaken for a message of ours, or of another host."""
    message = "; ".join(_whole_message(answer, status, key).splitlines())
    return message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}… ({len(message)} characters)"


def _whole_message(answer: Mapping[str, Any], status: Status, key: str | None) -> str:
    """Return the module's own message; a message of Ansible is made readable."""
    items = answer["results"] if _is_loop(answer) else []
    if status is Status.UNREACHABLE:
        return ssh_errors.reason(_PREFIXES.sub("", _text((items[0] if items else answer).get("msg"))), key)
    if status not in (Status.FAILED, Status.IGNORED):
        return "" if items else _text(answer.get("msg"))
    reasons = [f"{item.get('_ansible_item_label')}: {_why_failed(item)}" for item in items if "exception" in item]
    return "; ".join(reasons) or _why_failed(answer)


def _why_failed(answer: Mapping[str, Any]) -> str:
    if isinstance(late := answer.get("timedout"), Mapping):
        return f"it did not answer within {late.get('period')} s, and nobody knows how far it came"
    message = "; ".join(_PREFIXES.sub("", _text(answer.get("msg"))).splitlines())
    rc = f" (exit code {answer['rc']})" if "rc" in answer else ""
    if _NO_ANSWER.search(message):
        last = _last_line(answer.get("module_stderr")) or _last_line(answer.get("module_stdout"))
        return f"the module ended without an answer: {last or 'it printed nothing'}{rc}"
    last = _last_line(answer.get("stderr")) or _last_line(answer.get("stdout"))
    if not message or _BARE.fullmatch(message):
        return f"{last or _text(answer.get('censored')) or 'it printed nothing'}{rc}"
    if message == "Error executing command.":
        return f"can't execute {answer.get('cmd')!r}{rc}"
    return message


def _is_loop(answer: Mapping[str, Any]) -> bool:
    items = answer.get("results")
    return (
        isinstance(items, list)
        and bool(items)
        and all(isinstance(item, Mapping) and "ansible_loop_var" in item for item in items)
    )


def _last_line(text: Any) -> str:
    return next((line.strip() for line in reversed(_text(text).splitlines()) if line.strip()), "")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)

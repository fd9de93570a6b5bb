"""What the answers of a Redfish service mean: its reason in words, whether to ask again, and when.

The standard puts reasons into ``error.@Message.ExtendedInfo``. Services also have them at the top level, beside a
property, as a mapping instead of a list, in capitals, or as the name of a message without its text.
"""

from __future__ import annotations

import email.utils
import re
from typing import Any, Iterator, Mapping
from urllib.parse import urlsplit

from ansible.module_utils.os_faults.power import again

MAX_REASON = 400
"""Characters of a reason that are shown: a service may send anything."""

BUSY_STATUS = frozenset({409, 423, 425, 429, 503})
"""HTTP: conflict with the present state, locked, too early, too many requests, unavailable."""

BUSY_MESSAGES = (
    "ServiceTemporarilyUnavailable",
    "ServiceInUnknownState",
    "ServiceShuttingDown",
    "SessionLimitExceeded",
    "CreateLimitReachedForResource",
    "InsufficientResources",
    "ResourceExhaustion",
    "ResourceInUse",
    "ResourceInStandby",
    "InvalidOperationForSystemState",
    "UnableToModifyDuringSystemPOST",
    "ResetInProgress",
    "RAC0218",  # Dell: the maximum number of user sessions is reached
    "SYS518",  # Dell: the iDRAC is not ready
)
"""How names of messages end that tell of a passing state."""

BUSY_WORDS = re.compile(r"not ready|\bbusy\b|in progress|try again|retry|temporarily|in transition", re.IGNORECASE)
"""Words of a passing state, for services that have names of their own."""

GENERAL = re.compile(r"GeneralError|ExtendedInfo|Success", re.IGNORECASE)
"""Names of messages that tell nothing."""

SEE_ELSEWHERE = re.compile(r"general error has occurred|see .*extendedinfo|completed successfully", re.IGNORECASE)
"""Texts of messages that tell nothing."""

SAVED = "@Message.ExtendedInfo"

TASK_ENDS_BADLY = frozenset({"Exception", "Killed", "Cancelled", "Interrupted"})
TASK_ENDS = TASK_ENDS_BADLY | {"Completed"}
"""States of a task that has ended."""


def reason(body: Any) -> str:
    """Return the reasons that a service gives in the body of an answer, as one text; empty when it gives none.

    >>> reason({"error": {"@Message.ExtendedInfo": [{"Message": "Server is already powered ON."}]}})
    'Server is already powered ON'
    >>> reason({"Messages": [{"MessageID": "iLO.0.10.InvalidOperation", "MessageArgs": ["Power is off"]}]})
    'Invalid Operation (Power is off)'
    """
    found = dict.fromkeys(filter(None, map(_text, _messages(body))))
    if not found and isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        found = dict.fromkeys([_text(body["error"])])
    text = "; ".join(part for part in found if part)
    plain = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return plain if len(plain) <= MAX_REASON else f"{plain[:MAX_REASON]} …"


def kind_of(status: int, body: Any) -> str:
    """Return the kind of trouble of an answer with an error, by its HTTP status and its messages.

    >>> kind_of(503, None), kind_of(500, None), kind_of(400, None)
    ('busy', 'lost', 'refused')
    """
    if status in BUSY_STATUS:
        return again.BUSY
    if status in (401, 403):
        return again.DENIED
    names = [_name(message) for message in _messages(body)]
    if any(name.endswith(BUSY_MESSAGES) for name in names):
        return again.BUSY
    if status < 500 and BUSY_WORDS.search(reason(body)):
        return again.BUSY
    return again.LOST if status == 408 or status >= 500 else again.REFUSED


def seconds_of(headers: Mapping[str, str]) -> float:
    """Return how many seconds the service asks to be left alone (Retry-After); 0 when it does not.

    A date is compared with the date of the answer itself, as the clock of a service may be wrong.

    >>> seconds_of({"Retry-After": "30"})
    30.0
    >>> date = "Mon, 02 Nov 2026 10:00:"
    >>> seconds_of({"Retry-After": f"{date}45 GMT", "Date": f"{date}40 GMT"})
    5.0
    """
    told = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", told):
        return float(told)
    try:
        until, now = (email.utils.parsedate_to_datetime(headers[key]) for key in ("Retry-After", "Date"))
        return max(0.0, (until - now).total_seconds())
    except (KeyError, TypeError, ValueError, OverflowError):
        return 0.0


def task_of(headers: Mapping[str, str], body: Any) -> str:
    """Return the path of the task that an answer tells of; empty when there is none.

    The path is always one of the service itself: no other is given the password.

    >>> task_of({"Location": "https://elsewhere/redfish/v1/TaskService/Tasks/1"}, None)
    '/redfish/v1/TaskService/Tasks/1'
    """
    told = headers.get("Location") or (body.get("@odata.id") if isinstance(body, Mapping) else "")
    place = urlsplit(str(told or ""))
    path = "/" + place.path.lstrip("/") + (f"?{place.query}" if place.query else "")
    return path if place.path else ""


def failed_task(status: int, body: Any) -> str | None:
    """Return why a task has failed; empty when it has ended well or is gone, None while it runs.

    Args:
        status: HTTP status of the task's monitor.
        body: its answer.

    >>> failed_task(202, None)
    >>> failed_task(200, {"TaskState": "Exception", "Messages": [{"Message": "No power supply."}]})
    'No power supply'
    """
    task = body if isinstance(body, Mapping) else {}
    state = str(task.get("TaskState", ""))
    if state in TASK_ENDS_BADLY or (state == "Completed" and task.get("TaskStatus") == "Critical"):
        return reason(task) or f"its task ended as {state}"
    if status >= 400:
        return "" if status in (404, 410) else reason(task) or f"its task ended with HTTP status {status:d}"
    return None if status == 202 or (state and state not in TASK_ENDS) else ""


def _messages(body: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the messages of an answer, wherever its maker puts them; a hostile one may have any form."""
    if not isinstance(body, Mapping):
        return
    places = [body.get("error"), body]
    for place in (place for place in places if isinstance(place, Mapping)):
        for key, value in place.items():
            if str(key).endswith(SAVED) or str(key).lower() == "messages":
                items = [value] if isinstance(value, Mapping) else value if isinstance(value, list) else []
                yield from (item for item in items if isinstance(item, Mapping))


def _text(message: Mapping[str, Any]) -> str:
    """Return the text of a message with its arguments filled in, or else its name in words; empty when it has none."""
    lowered = {str(key).lower(): value for key, value in message.items()}
    args = [str(arg) for arg in lowered.get("messageargs") or []] if _is_list(lowered.get("messageargs")) else []
    text = str(lowered.get("message") or "")
    if text and not SEE_ELSEWHERE.search(text):
        text = re.sub(r"%([1-9])", lambda found: _argument(args, int(found[1]), found[0]), text).strip().rstrip(".")
        properties = lowered.get("relatedproperties")
        names = [str(name).lstrip("#/") for name in properties] if _is_list(properties) else []
        return f"{text} ({', '.join(names)})" if names else text
    name = _name(message)
    if not name or GENERAL.search(name):
        return ""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return f"{words} ({', '.join(args)})" if args else words


def _argument(args: list[str], number: int, otherwise: str) -> str:
    return args[number - 1] if number <= len(args) else otherwise


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _name(message: Mapping[str, Any]) -> str:
    """Return the last part of a message's identity, which its maker also calls MessageID or code."""
    lowered = {str(key).lower(): value for key, value in message.items()}
    return str(lowered.get("messageid") or lowered.get("code") or "").rpartition(".")[2]

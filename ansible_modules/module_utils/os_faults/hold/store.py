"""Find and read the holds of this host. Nothing here changes them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from typing import Any, Mapping, NamedTuple

from ansible.module_utils.os_faults.hold import identity
from ansible.module_utils.os_faults.host import clock, paths, session
from ansible.module_utils.os_faults.host.files import read_text

SYSTEM_ROOT = "/run/os-faults"

LASTING_ROOT = "/var/lib/os-faults"
"""Root's directory for records of changes that outlive a reboot, as their undo must."""

NO_CARRIER = "none"
"""The carrier in the record of a recorded change."""

LOCK = ".lock"
"""Suffix of the lock file beside a root."""

_PLAIN_PATH = r"/[A-Za-z0-9_./-]+"
_TEXTS = ("fault", "subject", "by", "boot_id", "carrier")
_TIMES = ("since", "until")


class Hold(NamedTuple):
    """A hold of this host: its directory and its record."""

    directory: str
    record: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["id"])

    def path(self, name: str) -> str:
        """Return the path of a file of the hold."""
        return os.path.join(self.directory, name)

    def text(self, name: str) -> str:
        """Return the content of a file of the hold; "" if there is none."""
        return read_text(self.path(name))

    @property
    def exists(self) -> bool:
        """Whether the directory exists. A successful undo removes it."""
        return os.path.isdir(self.directory)


def boot_id() -> str:
    """Return the id of this boot. A fault of an earlier boot no longer exists."""
    return read_text("/proc/sys/kernel/random/boot_id").strip()


def has_systemd() -> bool:
    """Return whether this process may start units of the host's systemd."""
    return os.geteuid() == 0 and os.path.isdir("/run/systemd/system")


def roots() -> list[str]:
    """Return the directories for holds of this user; a new hold is made in the first.

    logind removes the runtime directory of a user with the last session, so a hold over ssh is not made there: the hold
    outlives the session.
    """
    lasting = [LASTING_ROOT] if os.geteuid() == 0 else []
    if has_systemd():
        return [SYSTEM_ROOT, *lasting]
    usual = [SYSTEM_ROOT] if os.geteuid() == 0 else _own_roots()
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if re.fullmatch(_PLAIN_PATH, runtime) and paths.is_ours(runtime):
        own = os.path.join(runtime, "os-faults")
        usual = [usual[0], own, *usual[1:]] if session.connection() else [own, *usual]
    return [*sorted(usual, key=_is_taken), *lasting]


def _own_roots() -> list[str]:
    """Return the roots of a user who is not root: one in ``/tmp``, which anybody may have created, and one in the home.

    Several hosts may share the home, so the name there has the boot id.
    """
    home = os.path.expanduser("~")
    below_home = [os.path.join(home, ".os-faults-" + boot_id())] if re.fullmatch(_PLAIN_PATH, home) else []
    return [f"/tmp/os-faults-{os.geteuid():d}", *below_home]


def _is_taken(root: str) -> bool:
    """Return whether a root, or its lock, belongs to another user."""
    for path in (root, root + LOCK):
        with contextlib.suppress(OSError):
            if os.lstat(path).st_uid != os.geteuid():
                return True
    return False


def who() -> str:
    """Return the default owner of a new fault: the user and the address of the session."""
    name = os.environ.get("SUDO_USER", "") or paths.user_of(os.geteuid())
    connection = session.connection()
    return f"{name}@{connection.client if connection else os.uname().nodename}"


def find_all() -> list[Hold]:
    """Return every hold on this host, the latest first."""
    holds = []
    for root in roots():
        if not trusted(root):
            continue
        for name in sorted(os.listdir(root)):
            hold = _read(os.path.join(root, name)) if identity.is_plain(name) else None
            if hold:
                holds.append(hold)
    return sorted(holds, key=lambda hold: -float(hold.record["since"]))


def find(hold_id: str) -> Hold | None:
    """Return the hold with this id; None if there is none."""
    for root in roots():
        if trusted(root):
            hold = _read(os.path.join(root, hold_id))
            if hold:
                return hold
    return None


def directory_for(hold_id: str, lasting: bool = False) -> tuple[str, str]:
    """Return the directory of a new hold, and its root; the root of a lasting one outlives a reboot."""
    root = LASTING_ROOT if lasting else roots()[0]
    return os.path.join(root, hold_id), root


def is_of_this_boot(hold: Hold) -> bool:
    """Return whether a hold was made during this boot. A recorded change always counts."""
    return hold.record.get("carrier") == NO_CARRIER or hold.record.get("boot_id") == boot_id()


def _read(directory: str) -> Hold | None:
    """Read a hold. A directory without a readable record is a hold as well, as it may have an undo."""
    if not os.path.isdir(directory):
        return None
    record: Any = None
    with contextlib.suppress(ValueError):
        record = json.loads(read_text(os.path.join(directory, "record.json")))
    name = os.path.basename(directory)
    fault, _, subject = name.partition("-")
    unknown = {
        "fault": fault,
        "subject": subject,
        "since": 0.0,
        "until": None,
        "by": "",
        "boot_id": boot_id(),
        "carrier": "systemd" if has_systemd() else "watchdog",
    }
    told = _well_typed(record) if isinstance(record, dict) else {}
    began = hundredths(read_text(os.path.join(directory, "began")))
    return Hold(directory, _since_it_began({**unknown, **told, "id": name}, began))


def hundredths(text: str) -> float | None:
    r"""Return the seconds that a script has written as hundredths; None when it has written none.

    >>> hundredths("1234\n"), hundredths("")
    (12.34, None)
    """
    return int(text) / 100 if re.fullmatch("[0-9]{1,12}\n?", text) else None


def _since_it_began(record: dict[str, Any], began: float | None) -> dict[str, Any]:
    """Return a record whose times count from when its injection had ended, and not from when the record was written.

    Args:
        record: of a hold; its ``uptime`` is when it was written, in seconds since boot.
        began: when the injection had ended, in the same way; None when it has not, or the hold is of an older version.

    >>> _since_it_began({"since": 100.0, "until": 160.0, "uptime": 7.0}, 7.5)
    {'since': 100.5, 'until': 160.5}
    """
    written = record.pop("uptime", None)
    if began is None or not isinstance(written, (float, int)):
        return record
    return {**record, **{name: record[name] and round(record[name] + began - written, 3) for name in _TIMES}}


def _well_typed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without the entries of a wrong type."""
    good = dict(record)
    for name in _TEXTS:
        if type(good.get(name)) is not str:
            good.pop(name, None)
    for name in (*_TIMES, "uptime"):
        value: Any = good.get(name)
        if type(value) not in (float, int) or not 0 <= value < clock.LAST:
            good.pop(name, None)
    return good


def trusted(root: str) -> bool:
    """Return whether a root is a directory of this user that no other user can write to or replace."""
    try:
        info = os.lstat(root)
    except OSError:
        return False
    own = stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o022
    return own and paths.is_ours(root)

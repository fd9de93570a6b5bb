"""The directories of the holds of this host: where they are, how one is made, read and removed."""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import pwd
import re
import shutil
import stat
import tempfile
import time
from typing import Any, Iterator, Mapping, NamedTuple

from ansible.module_utils import osf_clock
from ansible.module_utils import osf_hold_plan as plan
from ansible.module_utils import osf_session as session

SYSTEM_ROOT = "/run/os-faults"

LASTING_ROOT = "/var/lib/os-faults"
"""Where root keeps the record of a change that outlives a reboot: so must its undo."""

_LOCK = ".lock"

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_./-]+")


class Hold(NamedTuple):
    """A hold that is on this host: its directory and the record in it."""

    directory: str
    record: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["id"])

    def path(self, name: str) -> str:
        """Return the path of a file of the hold."""
        return os.path.join(self.directory, name)

    def text(self, name: str) -> str:
        """Return the content of a file of the hold, "" when there is none."""
        return read_text(self.path(name))

    @property
    def exists(self) -> bool:
        """Whether the directory is still there. When it is gone the undo has said that it is done."""
        return os.path.isdir(self.directory)


def read_text(path: str) -> str:
    """Return the content of a small file, "" when it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def boot_id() -> str:
    """Return the identity of this boot: a record of an earlier one tells of a fault that is gone."""
    return read_text("/proc/sys/kernel/random/boot_id").strip()


def has_systemd() -> bool:
    """Whether this process may start units of the host's systemd."""
    return os.geteuid() == 0 and os.path.isdir("/run/systemd/system")


def roots() -> list[str]:
    """Return the directories that can have holds of this user; a new hold goes into the first.

    Logind removes a user's runtime directory with the last session, so it is not used for a hold that is
    made over ssh: the hold outlives the session.
    """
    lasting = [LASTING_ROOT] if os.geteuid() == 0 else []
    if has_systemd():
        return [SYSTEM_ROOT, *lasting]
    fallback = SYSTEM_ROOT if os.geteuid() == 0 else "/tmp/os-faults-{:d}".format(os.geteuid())
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if not (_PLAIN_PATH.fullmatch(runtime) and os.path.isdir(runtime)):
        return [fallback, *lasting]
    own = os.path.join(runtime, "os-faults")
    return [*([fallback, own] if session.connection() else [own, fallback]), *lasting]


def of_others() -> list[str]:
    """Return a sentence for each user whose holds on this host this one can neither see nor take back."""
    found = []
    for path in [SYSTEM_ROOT, LASTING_ROOT, *sorted(glob.glob("/tmp/os-faults-*[0-9]"))]:
        with contextlib.suppress(OSError):
            info = os.lstat(path)
            if stat.S_ISDIR(info.st_mode) and info.st_uid != os.geteuid():
                user = _name_of(info.st_uid)
                found.append("{} holds faults of {}; only {} can list and heal them".format(path, user, user))
    return found


def who() -> str:
    """Return who asks for a fault, as well as the host can know: the user, and where the session comes from."""
    name = os.environ.get("SUDO_USER", "") or _name_of(os.geteuid())
    connection = session.connection()
    return "{}@{}".format(name, connection.client if connection else os.uname().nodename)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@contextlib.contextmanager
def locked(seconds: float = 30.0) -> Iterator[str]:
    """Keep other modules of this user from making or taking back a hold meanwhile; yield why that failed, or "".

    It matters after an interrupted run: the module that makes a fault may still be at work when its undo comes. But an
    undo goes on without the lock: it must not fail because a disk is full.
    The lock is a file beside the root, which itself goes with the last hold. It is removed while it is held, so
    whoever gets a file that has been removed meanwhile tries again.
    """
    path = roots()[0] + _LOCK
    descriptor, trouble = _acquire(path, time.monotonic() + seconds)
    try:
        yield trouble
    finally:
        if descriptor is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.close(descriptor)


def wait_until_settled(seconds: float = 10.0) -> None:
    """Wait while somebody makes or takes back a hold, but not for ever."""
    if os.path.exists(roots()[0] + _LOCK):
        with locked(seconds):
            pass


def _acquire(path: str, deadline: float) -> tuple[int | None, str]:
    """Return the descriptor of the lock file, or why it can't be had."""
    try:
        descriptor = _lock(path)
        while descriptor is None and time.monotonic() < deadline:
            time.sleep(0.05)
            descriptor = _lock(path)
    except OSError as error:
        return None, "can't lock the faults of this host: {}".format(error)
    busy = "another fault is being made or taken back on this host, and does not come to an end"
    return descriptor, busy if descriptor is None else ""


def _lock(path: str) -> int | None:
    """Return the descriptor of the lock file when it is ours now, None when somebody else has it.

    Raises:
        OSError: the file can't be made, or belongs to another user.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    taken = False
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise PermissionError("{} belongs to another user".format(path))
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken = os.stat(path).st_ino == os.fstat(descriptor).st_ino
    finally:
        if not taken:
            os.close(descriptor)
    return descriptor if taken else None


def find_all() -> list[Hold]:
    """Return every hold on this host, the latest first."""
    holds = []
    for root in roots():
        if not _trusted(root):
            continue
        for name in sorted(os.listdir(root)):
            hold = None if name.startswith(".") else _read(os.path.join(root, name))
            if hold:
                holds.append(hold)
    return sorted(holds, key=lambda hold: -float(hold.record["since"]))


def find(hold_id: str) -> Hold | None:
    """Return the hold with this id, None when there is none."""
    for root in roots():
        if _trusted(root):
            hold = _read(os.path.join(root, hold_id))
            if hold:
                return hold
    return None


def directory_for(hold_id: str, lasting: bool = False) -> tuple[str, str]:
    """Return the directory a new hold gets, and the root that it is in; a lasting one is there after a reboot."""
    root = LASTING_ROOT if lasting else roots()[0]
    return os.path.join(root, hold_id), root


def create(record: Mapping[str, Any], files: Mapping[str, str], readme: str, lasting: bool = False) -> Hold:
    """Write a hold's directory so that it is there whole or not at all; a lasting one is on the disk then.

    Raises:
        plan.Refused: the root is not a directory of ours alone.
        OSError: the files can't be written.
    """
    directory, root = directory_for(str(record["id"]), lasting)
    for _attempt in range(5):
        _make_root(root)
        try:
            temporary = tempfile.mkdtemp(prefix=".new-", dir=root)
        except FileNotFoundError:  # the last hold has just been undone and took the root with it
            continue
        try:
            for name, content in files.items():
                _write_new(os.path.join(temporary, name), content)
            _write_new(os.path.join(temporary, "record.json"), _dump(record))
            os.rename(temporary, directory)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        _write_readme(root, readme)
        if lasting:
            _flush(directory)
        return Hold(directory, dict(record))
    raise plan.Refused("could not make a directory in {}: it was removed again and again".format(root))


def replace(hold: Hold, name: str, content: str) -> None:
    """Write a file of a hold anew, so that a reader sees the old text or the new one."""
    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=hold.directory)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
    os.rename(temporary, hold.path(name))


def set_end(hold: Hold, until: float | None) -> Hold:
    """Move the end of a hold; its waiter sees the new one when it wakes at the old."""
    record = dict(hold.record, until=until)
    replace(hold, "record.json", _dump(record))
    replace(hold, "deadline", plan.deadline_line(until, osf_clock.now(), osf_clock.uptime()))
    return Hold(hold.directory, record)


def discard(hold: Hold) -> None:
    """Remove a hold's directory without its undo, and the root when it was the last one."""
    root = os.path.dirname(hold.directory)
    shutil.rmtree(hold.directory, ignore_errors=True)
    if all(not os.path.isdir(os.path.join(root, name)) for name in os.listdir(root)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(root, "README"))
        with contextlib.suppress(OSError):  # somebody is making a new one
            os.rmdir(root)


def is_of_this_boot(hold: Hold) -> bool:
    """Whether the host has not been booted since. A recorded change without a carrier counts always."""
    return hold.record.get("carrier") == "none" or hold.record.get("boot_id") == boot_id()


def _dump(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=2, sort_keys=True) + "\n"


def _read(directory: str) -> Hold | None:
    """Read a hold. A directory without a readable record is a hold too: its undo is what counts."""
    if not os.path.isdir(directory):
        return None
    record: dict[str, Any] = {}
    with contextlib.suppress(ValueError):
        record = json.loads(read_text(os.path.join(directory, "record.json")))
    if not isinstance(record, dict):
        record = {}
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
    return Hold(directory, {**unknown, **_well_typed(record), "id": name})


def _well_typed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without the entries that are not what they should be: better unknown than trusted."""
    types = {**dict.fromkeys(("fault", "subject", "by", "boot_id", "carrier"), str), "since": float, "until": float}
    good = dict(record)
    for name, wanted in types.items():
        if type(good.get(name)) not in ((float, int) if wanted is float else (wanted,)):
            good.pop(name, None)
    return good


def _trusted(root: str) -> bool:
    """Whether a root is a real directory that belongs to us and that nobody else can write to."""
    try:
        info = os.lstat(root)
    except OSError:
        return False
    return stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() and not info.st_mode & 0o022


def _make_root(root: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(root, 0o700)
    if not _trusted(root):
        raise plan.Refused("{} is not a directory that belongs to this user alone, so no fault is made".format(root))


def _write_new(path: str, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)


def _flush(directory: str) -> None:
    """Put a directory on the disk, with what is in it and its way there: the host may lose its power at once."""
    root = os.path.dirname(directory)
    for path in [*glob.glob(os.path.join(directory, "*")), directory, root, os.path.dirname(root)]:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_readme(root: str, text: str) -> None:
    with contextlib.suppress(OSError):  # it is there, or the root has just gone with the last undo
        _write_new(os.path.join(root, "README"), text)

"""Create, change and remove the directory of a hold, safely for concurrent readers."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import tempfile
from typing import Any, Mapping

from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.hold import plan, store
from ansible.module_utils.os_faults.host import clock


def create(record: Mapping[str, Any], files: Mapping[str, str], readme: str, lasting: bool = False) -> store.Hold:
    """Create the directory of a hold completely or not at all; a lasting one is flushed to disk.

    Raises:
        Refused: the root belongs to another user, or others can write to it; or the files can't be written.
    """
    directory, root = store.directory_for(str(record["id"]), lasting)
    try:
        return _create(directory, root, record, files, readme, lasting)
    except OSError as error:
        with contextlib.suppress(OSError):  # other faults are in it
            os.rmdir(root)
        raise errors.Refused(
            f"the undo of the fault can't be kept in {root}, so none was made: {error.strerror}"
        ) from error


def _create(
    directory: str, root: str, record: Mapping[str, Any], files: Mapping[str, str], readme: str, lasting: bool
) -> store.Hold:
    for _attempt in range(5):
        _make_root(root)
        try:
            temporary = tempfile.mkdtemp(prefix=".new-", dir=root)
        except FileNotFoundError:  # the undo of the last hold has just removed the root
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
        return store.Hold(directory, dict(record))
    raise errors.Refused(f"could not make a directory in {root}: it was removed again and again")


def replace(hold: store.Hold, name: str, content: str) -> None:
    """Replace a file of a hold atomically."""
    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=hold.directory)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
    os.rename(temporary, hold.path(name))


def set_end(hold: store.Hold, until: float | None) -> store.Hold:
    """Move the end of a hold; ``wait.sh`` reads the new end at the old one."""
    record = dict(hold.record, until=until)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(hold.path("lasts"))  # an injection that has not ended yet moves the end no more
    replace(hold, "record.json", _dump(record))
    replace(hold, "deadline", plan.deadline_line(until, clock.now(), clock.uptime()))
    return store.Hold(hold.directory, record)


def discard(hold: store.Hold) -> None:
    """Remove the directory of a hold without its undo, and the root if it was the last hold."""
    root = os.path.dirname(hold.directory)
    shutil.rmtree(hold.directory, ignore_errors=True)
    if all(not os.path.isdir(os.path.join(root, name)) for name in os.listdir(root)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(root, "README"))
        with contextlib.suppress(OSError):  # another process is making a new one
            os.rmdir(root)


def _dump(record: Mapping[str, Any]) -> str:
    return json.dumps(record, indent=2, sort_keys=True) + "\n"


def _make_root(root: str) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(root, 0o700)
    if not store.trusted(root):
        raise errors.Refused(f"{root} is not a directory that belongs to this user alone, so no fault is made")


def _write_new(path: str, content: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)


def _flush(directory: str) -> None:
    """Flush a directory, its files and its parents to disk, as the host may lose its power at once."""
    root = os.path.dirname(directory)
    for path in [*glob.glob(os.path.join(directory, "*")), directory, root, os.path.dirname(root)]:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_readme(root: str, text: str) -> None:
    with contextlib.suppress(OSError):  # it exists, or the last undo has just removed the root
        _write_new(os.path.join(root, "README"), text)

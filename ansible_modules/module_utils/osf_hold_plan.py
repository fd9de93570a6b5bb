"""What a hold is, as plain values: its identity, its record, its scripts and the rules about its end.

A hold is a lasting fault on a host: a directory with a record and the scripts that inject the fault, wait
for its end and take it back. Nothing in this file touches the host; it only decides and renders text.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from typing import Any, Mapping, NamedTuple, Sequence

from ansible.module_utils.osf_hold_moment import LATE, Moment

FORMAT = 1
"""Version of ``record.json``. A newer os_faults must still be able to undo what an older one left."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TARGET = re.compile(r"[a-z]+=[A-Za-z0-9_.:@/\\,+-]+")

OWN_FILES = frozenset(
    (
        *("record.json", "inject.sh", "begin.sh", "wait.sh", "undo.sh", "watchdog.sh", "watchdog.pid", "targets"),
        *("deadline", "state", "answer", "inject.out", "inject.err", "undo.log", "before.json", "touched.json"),
        *("moment", "begun", "released"),
    )
)
"""Names in a hold's directory that a fault's own files must not take."""


class Refused(Exception):
    """The hold is not made; the text is a sentence for a person."""


class Plan(NamedTuple):
    """A hold as it is asked for.

    Attributes:
        id: its identity on the host; same verb and subject give the same id.
        fault: the verb (``freeze``).
        subject: what it is done to (``keystone``).
        seconds: when it ends by itself, counted from its begin; None for never.
        inject, undo: commands as argument lists, run in the hold's directory.
        files: name → content of the fault's own files (scripts, rules).
        targets: ``word=value`` lines that tell the scripts what to act on.
        undo_timeout: bound of each undo command in seconds.
        start_timeout: bound of the whole injection in seconds.
        by: who asked, for people.
        acts_on: what kind of thing it changes, as `osf_hold` calls it.
        prepare: commands that come before those of ``inject``, and change nothing outside of the hold's directory.
        check: commands that come last when it is prepared for a moment, and refuse what could not be done then.
        moment: when it begins; None for at once. Until then it is only prepared.
        momentary: whether it is over when its injection has ended.
    """

    id: str
    fault: str
    subject: str
    seconds: int | None
    inject: Sequence[Sequence[str]]
    undo: Sequence[Sequence[str]]
    files: Mapping[str, str]
    targets: Sequence[str]
    undo_timeout: int
    start_timeout: int
    by: str
    acts_on: str = "host"
    prepare: Sequence[Sequence[str]] = ()
    check: Sequence[Sequence[str]] = ()
    moment: Moment | None = None
    momentary: bool = False


class Said(NamedTuple):
    """What an inject script told through its standard output, one ``word: text`` a line."""

    notes: list[str]
    changed: bool
    facts: dict[str, str]
    rc: int | None


def hold_id(fault: str, subject: str) -> str:
    """Return the identity of a fault: plain characters only, as it names a unit and a directory.

    A long subject is cut short, with a sum of all of it at the end.

    >>> hold_id("freeze", "devstack@keystone")
    'freeze-devstack-keystone'
    >>> hold_id("partition", ",".join("node-{}".format(number) for number in range(20)))
    'partition-node-0-node-1-node-2-node-3-node-4-node-5-node-6-node-7-node-8-node-9-node-10-nod-ba061985'
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", "{}-{}".format(fault, subject)).strip("-.")
    if len(plain) <= 100:
        return plain
    return "{}-{}".format(plain[:91], hashlib.sha256(subject.encode()).hexdigest()[:8])


def checked_id(hold_id: str) -> str:
    """Return an id when it can only be a name, and no path.

    Raises:
        Refused: it is not plain.
    """
    if not _ID.fullmatch(hold_id):
        raise Refused("the id {!r} is not plain: only letters, digits, '_', '.' and '-' are allowed".format(hold_id))
    return hold_id


def check(plan: Plan) -> None:
    """Refuse a plan whose names could be read as anything but names.

    Raises:
        Refused: a name, a file name or a target is not plain.
    """
    checked_id(plan.id)
    for name in plan.files:
        if not _FILE.fullmatch(name) or name in OWN_FILES:
            raise Refused("a hold can't have a file named {!r}".format(name))
    for target in plan.targets:
        if not _TARGET.fullmatch(target):
            raise Refused("the host reported {!r}, which is not a plain name".format(target))
    for command in [*plan.prepare, *plan.check, *plan.inject, *plan.undo]:
        if not command:
            raise Refused("a command of a hold is empty")
    if not plan.undo:
        raise Refused("a hold without an undo is not allowed")


def new_record(plan: Plan, now: float, boot_id: str, carrier: str) -> dict[str, Any]:
    """Return the content of ``record.json``; ``carrier`` is ``systemd``, ``watchdog`` or ``none``."""
    since = now if plan.moment is None else plan.moment.since
    return {
        "format": FORMAT,
        "id": plan.id,
        "fault": plan.fault,
        "subject": plan.subject,
        "since": round(since, 3),
        "until": None if plan.seconds is None else round(since + plan.seconds, 3),
        "moment": None if plan.moment is None else plan.moment._asdict(),
        "momentary": plan.momentary,
        "by": plan.by,
        "boot_id": boot_id,
        "carrier": carrier,
        "inject": [list(command) for command in [*plan.prepare, *plan.inject]],
        "undo": [list(command) for command in plan.undo],
    }


def later_end(old: float | None, new: float | None) -> float | None:
    """Return the later of two ends, where None is never.

    >>> later_end(10, 20), later_end(None, 20)
    (20, None)
    """
    return None if old is None or new is None else max(old, new)


def about_to_end(until: float | None, now: float) -> bool:
    """Whether a hold may be ending while its end is moved; it is then better made anew.

    >>> about_to_end(100.0, 99.0), about_to_end(100.0, 90.0), about_to_end(None, 90.0)
    (True, False, False)
    """
    return until is not None and until - now < 2


def deadline_line(until: float | None, now: float, uptime: float) -> str:
    r"""Return an end given in wall-clock time as the host's uptime, which no clock change can move.

    The first line is in whole seconds, and all that older waiters read. The second one tells by how many hundredths of
    a second the end is earlier than that.

    >>> deadline_line(100.75, 90.0, 5.0), deadline_line(None, 90.0, 5.0)
    ('16\n25\n', 'never\n')
    """
    if until is None:
        return "never\n"
    hundredths = round((uptime + until - now) * 100)
    whole = -(-hundredths // 100)
    return "{:d}\n{:d}\n".format(whole, whole * 100 - hundredths)


def merged_targets(old: str, new: Sequence[str]) -> str:
    """Return the old target lines and the new ones: an undo must still reach what was hit first."""
    lines = [line for line in old.splitlines() if line]
    return "".join(line + "\n" for line in lines + [line for line in new if line not in lines])


def parse_said(text: str) -> Said:
    """Read what an inject script said: ``note: …``, ``changed: …``, ``fact: name=value``, ``exit: 3``."""
    notes, facts, changed, code = [], {}, False, None
    for line in text.splitlines():
        word, _, rest = line.partition(": ")
        if word == "note":
            notes.append(rest)
        elif word == "changed":
            changed = True
        elif word == "fact" and "=" in rest:
            name, _, value = rest.partition("=")
            facts[name] = value
        elif word == "exit" and rest.isdigit():
            code = int(rest)
    return Said(notes, changed, facts, code)


def since_begun(text: str) -> tuple[float | None, float | None, str]:
    r"""Return when an injection at a moment began and ended, in seconds since boot, and what it said meanwhile.

    >>> since_begun("exit: 0\nbegan: 1234\nchanged: frozen\nexit: 0\nended: 1240\n")
    (12.34, 12.4, 'changed: frozen\nexit: 0\nended: 1240\n')
    >>> since_begun("exit: 0\n")
    (None, None, '')
    """
    began = re.search(r"^began: ([0-9]+)\n", text, re.MULTILINE)
    if began is None:
        return None, None, ""
    rest = text[began.end() :]
    ended = re.search(r"^ended: ([0-9]+)\n", rest, re.MULTILINE)
    return int(began.group(1)) / 100, int(ended.group(1)) / 100 if ended else None, rest


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def few(lines: Sequence[str], limit: int = 12) -> list[str]:
    """Return lines for a person to read; of too many the first, and how many there are more.

    >>> few(["a", "b", "c"], limit=2)
    ['a', 'b', '... and 1 more']
    """
    more = len(lines) - limit
    return [*lines[:limit], "... and {:d} more".format(more)] if more > 0 else list(lines)


def _commands(word: str, commands: Sequence[Sequence[str]]) -> str:
    lines = (word + " " + " ".join(shlex.quote(part) for part in command) for command in commands)
    return "\n".join("    " + line for line in lines)


_HEAD = """#!/bin/sh
# os-faults: {what} {id}. Made by os_faults; see the README one directory up.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
"""

_INJECT = (
    _HEAD
    + """cd {dir} || exit 1
exec 3>&2 </dev/null >>inject.out 2>>inject.err
if [ -r answer ]; then
    # The fault cuts the path of the module that asked for it: let it go, then let its answer travel.
    read -r pid <answer
    rm -f answer
    tenths=0
    while [ -d "/proc/$pid" ] && [ "$tenths" -lt 50 ]; do
        sleep 0.1
        tenths=$((tenths + 1))
    done
    sleep 0.5
fi
run() {{
    "$@" && return
    rc=$?
    echo "exit: $rc"
    tail -n 5 inject.err >&3
    exit "$rc"
}}
# `arm` only prepares the fault, `begin` makes what was prepared; without a word it is both.
if [ "${{1-}}" != begin ]; then
    : prepare
{prepare}
fi
if [ "${{1-}}" = arm ]; then
    : check
{check}
fi
if [ "${{1-}}" != arm ]; then
    : inject
{commands}
    echo injected >state
fi
echo "exit: 0"
"""
)

_BEGIN = (
    _HEAD
    + """# Waits until the host's uptime is what `moment` says, in hundredths of a second, and makes what was prepared,
# if the controller has said until then (`released`) that all other hosts are prepared too. Else it has not begun.
cd {dir} || exit 0
sleeper=
trap '[ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null; exit 0' TERM INT HUP
look() {{
    read -r now _ </proc/uptime
    now=$((${{now%.*}} * 100 + 1${{now#*.}} - 100)) # the 1 keeps 08 from being an octal number
}}
pause() {{
    part=$(($1 % 100 + 100))
    sleep "$(($1 / 100)).${{part#1}}" &
    sleeper=$!
    wait "$sleeper"
}}
read -r wanted <moment
while look && left=$((wanted - now)) && [ "$left" -gt 0 ]; do
    # A long sleep may end late, so it ends early and a short one follows; what is left then is waited for awake.
    if [ "$left" -gt 6000 ]; then
        pause 6000
    elif [ "$left" -gt 30 ]; then
        pause $((left - 25))
    elif [ "$left" -gt 4 ]; then
        pause $((left - 3))
    fi
done
if [ ! -e released ]; then
    echo "not every node was armed until the moment, so nothing was begun" >>inject.err
    exit 0
fi
if [ "$left" -lt -{late} ]; then
    echo "the moment had passed by $((-left / 100)) s when this host came to it, so nothing was begun" >>inject.err
    exit 0
fi
mv moment begun || exit 1
look
echo "began: $now" >>inject.out
timeout {start_timeout} /bin/sh inject.sh begin || exit
look
echo "ended: $now" >>inject.out
{after}
"""
)

_UNDO = (
    _HEAD
    + """# It may be run at any time and again: sh {dir}/undo.sh
cd {dir} 2>/dev/null || exit 0
{by_hand}exec 3>&2 </dev/null
failed=0
undo() {{
    timeout -k 5 {timeout} "$@" >>undo.log 2>&1 && return
    echo "failed with exit code $?: $*" >>undo.log
    failed=1
}}
: >undo.log
if [ ! -e moment ]; then # else it has not begun
    : undo
{commands}
fi
if [ "$failed" != 0 ]; then
    echo undo_failed >state
    tail -n 5 undo.log >&3
    exit 1
fi
echo undone >state
cd /
rm -rf {dir}
{forget}for other in {root}/*/; do
    [ -d "$other" ] && exit 0
done
rm -f {root}/README
rmdir {root} 2>/dev/null || :
"""
)

_WAIT = (
    _HEAD
    + """# Ends when the host's uptime reaches what `deadline` says, which may be moved meanwhile: seconds, and in
# a second line the hundredths by which it is earlier.
cd {dir} || exit 0
sleeper=
trap '[ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null; exit 0' TERM INT HUP
while {{ read -r end; read -r early || early=0; }} <deadline; do
    left=60
    if [ "$end" != never ]; then
        read -r now _ </proc/uptime
        now=$((${{now%.*}} * 100 + 1${{now#*.}} - 100)) # the 1 keeps 08 from being an octal number
        left=$((end * 100 - early - now))
        [ "$left" -gt 0 ] || exit 0
        [ "$left" -lt 6000 ] || left=6000
        part=$((left % 100 + 100))
        left=$((left / 100)).${{part#1}}
    fi
    sleep "$left" &
    sleeper=$!
    wait "$sleeper"
done
"""
)

_WATCHDOG = (
    _HEAD
    + """# Carries the fault where there is no systemd to do it. TERM takes the fault back.
child=
stopped=
trap 'stopped=1; [ -z "$child" ] || kill "$child" 2>/dev/null' TERM INT HUP
attend() {{
    "$@" &
    child=$!
    while :; do
        wait "$child"
        rc=$?
        kill -0 "$child" 2>/dev/null || break
    done
    child=
    return "$rc"
}}
if attend timeout {start_timeout} /bin/sh {dir}/{start} && [ -z "$stopped" ]; then
    attend /bin/sh {dir}/{main}
fi
trap '' TERM INT HUP
/bin/sh {dir}/undo.sh
"""
)


def scripts(plan: Plan, directory: str, root: str, by_hand: str, forget: str) -> dict[str, str]:
    """Return the scripts of a hold whose directory is ``directory`` below ``root``.

    ``by_hand`` is what its undo does first: end the carrier, when it was not the carrier that started it. ``forget`` is
    what it does when all went well: clear what is left of a carrier that had ended before.
    """
    common = {"id": plan.id, "dir": shlex.quote(directory)}
    start, main = steps(plan.moment is not None)
    begin = _BEGIN.format(
        what="begins",
        start_timeout=plan.start_timeout,
        late=round(LATE * 100),
        after="exit 0" if plan.momentary else "exec /bin/sh wait.sh",
        **common,
    )
    return {
        **({"begin.sh": begin} if plan.moment else {}),
        "inject.sh": _INJECT.format(
            what="injects",
            prepare=_commands("run", plan.prepare),
            check=_commands("run", plan.check),
            commands=_commands("run", plan.inject),
            **common,
        ),
        "undo.sh": undo_script(plan, directory, root, by_hand, forget),
        "wait.sh": _WAIT.format(what="waits for the end of", **common),
        "watchdog.sh": _WATCHDOG.format(
            what="watches", start_timeout=plan.start_timeout, start=start, main=main, **common
        ),
    }


def steps(at_a_moment: bool) -> tuple[str, str]:
    """Return what a carrier runs first, and then in its main process: names of scripts, with their words."""
    return ("inject.sh arm", "begin.sh") if at_a_moment else ("inject.sh", "wait.sh")


def undo_script(plan: Plan, directory: str, root: str, by_hand: str = "", forget: str = "") -> str:
    """Return the script whose last act, and only when all else went well, is to remove the directory."""
    return _UNDO.format(
        what="takes back",
        commands=_commands("undo", plan.undo),
        timeout=plan.undo_timeout,
        by_hand=by_hand,
        forget=forget,
        id=plan.id,
        dir=shlex.quote(directory),
        root=shlex.quote(root),
    )


def readme(root: str, carried_by_systemd: bool) -> str:
    """Return the text that tells an operator at the console how to heal the host without os_faults."""
    units = (
        "List the faults:        systemctl list-units 'os-faults-*'\n"
        "Take one back:          systemctl stop os-faults-ID.service\n"
        "Take all back:          systemctl stop 'os-faults-*'\n"
        "What has been done:     journalctl -u 'os-faults-*'\n"
        if carried_by_systemd
        else "List the faults:        ls {root}\nTake one back:          kill $(cat {root}/ID/watchdog.pid)\n"
    )
    return (
        "This host holds faults that os_faults injected on purpose: one directory here each.\n\n"
        + units
        + "If that did not help:   sh {root}/ID/undo.sh   (may be run again; it tells what it did in undo.log)\n"
        "\nA fault is gone when its directory is gone; record.json in it tells who made it, when, and when it ends\n"
        "by itself. A directory without a unit or a watchdog.pid (a service that was terminated) is taken back by\n"
        "its undo.sh too.\n"
    ).format(root=root)

"""The text of the scripts of a hold, and of the README for a person at the console of the host."""

from __future__ import annotations

import shlex
from typing import Sequence

from ansible.module_utils.os_faults.hold.plan import Plan
from ansible.module_utils.os_faults.hold.start_time import LATE


_OFTEN = 500
"""Hundredths of a second after which a fault is looked at again."""

_LOOK_TIMEOUT = 3
"""Seconds that one command of a look may take."""


def _commands(word: str, commands: Sequence[Sequence[str]]) -> str:
    lines = (word + " " + " ".join(shlex.quote(part) for part in command) for command in commands)
    return "\n".join("    " + line for line in lines)


_HEAD = """#!/bin/sh
# os-faults: {what} {id}. Made by os_faults; see the README one directory up.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
"""

_CLOCK = """clock() {{ # $now becomes the time since boot, in hundredths of a second
    read -r now _ </proc/uptime
    now=$((${{now%.*}} * 100 + 1${{now#*.}} - 100)) # the 1 keeps 08 from being an octal number
}}
"""

_INJECT = (
    _HEAD
    + _CLOCK
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
    # In force from now on, or from when a command says that it was, and for as long as `lasts` says, in hundredths of a
    # second. `deadline` is as wait.sh reads it.
    clock
    [ -e began ] || mv began.new began 2>/dev/null || echo "$now" >began
    if [ -e lasts ]; then
        read -r since <began
        read -r span <lasts
        end=$((since + span))
        printf '%d\n%d\n' $(((end + 99) / 100)) $(((end + 99) / 100 * 100 - end)) >deadline.new &&
            mv deadline.new deadline
        rm -f lasts
    fi
    echo injected >state
fi
echo "exit: 0"
"""
)

_BEGIN = (
    _HEAD
    + _CLOCK
    + """# Waits until the host's uptime is what `moment` says, in hundredths of a second, and makes what was prepared,
# if the controller has said until then (`released`) that all other hosts are prepared too. Else it has not begun.
cd {dir} || exit 0
sleeper=
trap '[ -z "$sleeper" ] || kill "$sleeper" 2>/dev/null; exit 0' TERM INT HUP
pause() {{
    part=$(($1 % 100 + 100))
    sleep "$(($1 / 100)).${{part#1}}" &
    sleeper=$!
    wait "$sleeper"
}}
read -r wanted <moment
while clock && left=$((wanted - now)) && [ "$left" -gt 0 ]; do
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
    echo "not every node was armed by the start time, so nothing was begun" >>inject.err
    exit 0
fi
if [ "$left" -lt -{late} ]; then
    echo "the start time had passed by $((-left / 100)) s when this host came to it, so nothing was begun" >>inject.err
    exit 0
fi
mv moment begun || exit 1
clock
echo "began: $now" >>inject.out
timeout {start_timeout} /bin/sh inject.sh begin || exit
clock
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
rm -rf {dir} || {{ sleep 1; rm -rf {dir}; }} # who looked at the fault meanwhile may have left a note
{forget}for other in {root}/*/; do
    [ -d "$other" ] && exit 0
done
rm -f {root}/README
rmdir {root} 2>/dev/null || :
"""
)

_WAIT = (
    _HEAD
    + _CLOCK
    + """# Ends when the host's uptime reaches what `deadline` says, which may be moved meanwhile: seconds, and in
# a second line the hundredths by which it is earlier.
cd {dir} || exit 0
sleeper=
looker=
stop() {{ # stop PID: a process that may have ended, or not begun
    [ -z "$1" ] || kill "$1" 2>/dev/null
}}
trap 'stop "$sleeper"; stop "$looker"; exit 0' TERM INT HUP
look() {{ # beside the waiting, as a look must not put the end off; one at a time
    if [ -e look.sh ] && ! {{ [ -n "$looker" ] && kill -0 "$looker" 2>/dev/null; }}; then
        /bin/sh look.sh &
        looker=$!
    fi
}}
longest=6000
[ ! -e look.sh ] || longest={often}
while {{ read -r end; read -r early || early=0; }} <deadline; do
    left=$longest
    if [ "$end" != never ]; then
        clock
        left=$((end * 100 - early - now))
        [ "$left" -gt 0 ] || break
        [ "$left" -lt "$longest" ] || left=$longest
    fi
    part=$((left % 100 + 100))
    sleep "$((left / 100)).${{part#1}}" &
    sleeper=$!
    wait "$sleeper"
    [ "$left" -lt "$longest" ] || look
done
stop "$looker"
[ ! -e lost ] || echo "{id} was not in force any more when its time was up" >&2
"""
)

_LOOK = (
    _HEAD
    + _CLOCK
    + """# Tells by its exit code whether the fault is in force: 0 it is, 1 it is not, else that can't be told. `seen`
# and `lost` keep when it was so last, and when first it was not, in hundredths of a second since boot.
cd {dir} 2>/dev/null || exit 2
exec </dev/null >/dev/null 2>&1
read -r word <state
case $word in armed | undo_failed) exit 2 ;; esac
look() {{
    timeout -k 1 {timeout} "$@"
    case $? in
        0) return ;;
        1) rc=1 ;;
        *) exit 2 ;;
    esac
}}
rc=0
{commands}
clock
if [ "$rc" = 0 ]; then
    echo "$now" >seen.new && mv seen.new seen
    rm -f lost
elif [ ! -e lost ]; then
    echo "$now" >lost
fi
exit "$rc"
"""
)

_WATCHDOG = (
    _HEAD
    + """# Carries the fault where there is no systemd to do it. TERM takes the fault back.
echo "$$" >{dir}/watchdog.pid.new && mv {dir}/watchdog.pid.new {dir}/watchdog.pid || exit 1
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

    ``by_hand`` are the first lines of the undo: they end the carrier if it did not start the undo. ``forget`` are the
    last lines of a successful undo: they clear the failed state of a carrier that has ended.
    """
    common = {"id": plan.id, "dir": shlex.quote(directory)}
    start, main = steps(plan.start_time is not None)
    begin = _BEGIN.format(
        what="begins",
        start_timeout=plan.start_timeout,
        late=round(LATE * 100),
        after="exit 0" if plan.momentary else "exec /bin/sh wait.sh",
        **common,
    )
    return {
        **({"begin.sh": begin} if plan.start_time else {}),
        "inject.sh": _INJECT.format(
            what="injects",
            prepare=_commands("run", plan.prepare),
            check=_commands("run", plan.check),
            commands=_commands("run", plan.inject),
            **common,
        ),
        "undo.sh": undo_script(plan, directory, root, by_hand, forget),
        **({"look.sh": look_script(plan, directory)} if plan.look else {}),
        "wait.sh": _WAIT.format(what="waits for the end of", often=_OFTEN, **common),
        "watchdog.sh": _WATCHDOG.format(
            what="watches", start_timeout=plan.start_timeout, start=start, main=main, **common
        ),
    }


def look_script(plan: Plan, directory: str) -> str:
    """Return the script that tells whether a hold is in force."""
    return _LOOK.format(
        what="looks at",
        commands=_commands("look", plan.look),
        timeout=_LOOK_TIMEOUT,
        id=plan.id,
        dir=shlex.quote(directory),
    )


def steps(has_start_time: bool) -> tuple[str, str]:
    """Return the script that a carrier runs first, and the script of its main process, with their arguments."""
    return ("inject.sh arm", "begin.sh") if has_start_time else ("inject.sh", "wait.sh")


def undo_script(plan: Plan, directory: str, root: str, by_hand: str = "", forget: str = "") -> str:
    """Return the undo script. It removes the directory at the end, if everything else has succeeded."""
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
    """Return instructions for an operator at the console: how to heal the host without os_faults."""
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

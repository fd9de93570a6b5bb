"""The shell script that starts a terminated program when the host is healed. It must work without Python.

It finds the running program by the same rules as the modules, see `programs`.
"""

from __future__ import annotations

import os
import shlex
from typing import Any, Mapping, Sequence

from ansible.module_utils.os_faults.host import pidfiles
from ansible.module_utils.os_faults.service import programs

_SCRIPT = """\
# Start the service again, unless somebody has done so already.
runs() {{
{runs}
}}
! runs || exit 0
cd {directory} || exit 1
log={log}
is_log() {{ # is_log PATH: whether it is our own regular file, and no link, FIFO or file of somebody else
    [ -n "$(find "$1" -prune -type f -links 1 -user "$(id -u)" 2>/dev/null)" ]
}}
id_of() {{
    stat -c %d:%i "$@" 2>/dev/null
}}
mkdir -m 700 "${{log%/*}}" 2>/dev/null
[ -e "$log" ] || (set -C; : >"$log") 2>/dev/null
is_log "$log" || log=/dev/null
command exec 3>>"$log"
# What was opened is what was looked at.
[ "$(id_of -L "/proc/$$/fd/3")" = "$(id_of "$log")" ] || exec 3>/dev/null
setsid {command} </dev/null >&3 2>&1 3>&- &
pid=$!
sleep 1
{afterwards}
tries=0
until runs; do
    [ "$tries" -lt 100 ] || exit 1
    sleep 0.3
    tries=$((tries + 1))
done
"""

_RUNS_BY_PIDFILE = """\
    pid=$([ -f {pidfile} ] && timeout 5 head -c 20 {pidfile} 2>/dev/null | head -n 1 | tr -d ' ')
    case $pid in
        '' | 0 | 1 | *[!0-9]*) ;;
        *)
            state=$(sed -n '$s/.*) //p' "/proc/$pid/stat" 2>/dev/null)
            case $state in '' | [ZXx]*) ;; *) kill -0 "$pid" 2>/dev/null{allowed} && return ;; esac
            ;;
    esac
    {forget}
    return 1"""

_ALLOWED = ' && [ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = {owner:d} ]'

_OF_USER = ' && grep -Eq "^Uid:[[:space:]]+(0|{owner:d})[[:space:]]" "$entry/status" 2>/dev/null'
"""The condition on the user of a process, as any user can run a program that matches."""

_WRITE_PIDFILE = """\
if [ ! -s {pidfile} ]; then
    # In a directory of its own nobody can put anything in its way, and all may read it without a chmod.
    new=$(mktemp -d {directory}/.osf-XXXXXX) && (umask 022 && echo "$pid" >"$new/pid") && mv -fT "$new/pid" {pidfile}
    rmdir "$new"
fi"""

_RUNS_BY_UNIT = """\
    for unit in {units}; do
        systemctl --quiet is-active "$unit" && return
    done
    return 1"""

_RUNS_BY_LINE = """\
    is_it() {{ # is_it LINK LINE EXECUTABLE SCRIPT
        [ "$(readlink "$1")" = "$3" ] || case "$2 " in *" $4 "*) ;; *) false ;; esac
    }}
    # This script and its parents may have the service's name in the path of their directory.
    own=" "
    pid=$$
    while [ "${{pid:-1}}" -gt 1 ]; do
        own="$own$pid "
        pid=$(sed -n '$s/.*) //p' "/proc/$pid/stat" 2>/dev/null | cut -d ' ' -f 2)
    done
    for entry in /proc/[0-9]*; do
        case $own in *" ${{entry#/proc/}} "*) continue ;; esac
        line=$(tr '\\0' ' ' <"$entry/cmdline" 2>/dev/null)
        line=${{line% }}
        set -f
        # shellcheck disable=SC2086
        set -- $line ""
        set +f
        case ${{1##*/}} in *[adkz]sh | sh | python* | perl* | ruby*) script=$2 ;; *) script= ;; esac
        for word in "$1" "$script"; do
            case ${{word##*/}} in {bystanders}) continue 2 ;; esac
        done
        case ${{1##*/}}$2 in '' | *sh-c | *sh-[a-z]*c) continue ;; esac
        {condition}{allowed} && return
    done
    return 1"""


def start_script(
    argv: Sequence[str], params: Mapping[str, Any], log: str, units: Sequence[str] = (), owner: int | None = None
) -> str:
    """Return a POSIX script that starts a program unless it runs, and waits until it runs.

    Args:
        argv: its command line.
        params: one of ``pidfile``, ``units``, ``grep`` and ``executable``; the others None.
        log: path of the log for its output.
        units: the units of the host that match ``units``.
        owner: with ``pidfile`` the only user whose processes count; with ``grep`` and ``executable`` the only user
            besides root. None for all users.

    Example:
        >>> start_script(["/opt/shop"], {"pidfile": "/run/shop.pid"}, "/run/shop.log").count("cd /run || exit 1")
        1
    """
    pidfile = params["pidfile"]
    afterwards = ": the process $pid starts it"
    if pidfile and pidfiles.is_ours(pidfile):
        directory = shlex.quote(os.path.dirname(pidfile))
        afterwards = _WRITE_PIDFILE.format(pidfile=shlex.quote(pidfile), directory=directory)
    return _SCRIPT.format(
        runs=_runs(params, units, owner),
        command=" ".join(shlex.quote(each) for each in argv),
        directory=shlex.quote(working_directory(pidfile)),
        log=shlex.quote(log),
        afterwards=afterwards,
    )


def working_directory(pidfile: str | None) -> str:
    """Return the directory of the pid file of a program, or ``/`` if other users can replace files there."""
    return os.path.dirname(pidfile) if pidfile and pidfiles.is_ours(pidfile) else "/"


def _runs(params: Mapping[str, Any], units: Sequence[str], owner: int | None) -> str:
    """Return the lines of a POSIX function that returns whether the service runs."""
    if params["pidfile"]:
        quoted = shlex.quote(params["pidfile"])
        return _RUNS_BY_PIDFILE.format(
            pidfile=quoted,
            allowed="" if owner is None else _ALLOWED.format(owner=owner),
            forget="rm -f " + quoted if pidfiles.is_ours(params["pidfile"]) else ": the file is left to its owner",
        )
    if params["units"]:
        return _RUNS_BY_UNIT.format(units=" ".join(shlex.quote(unit) for unit in units))
    if params["grep"]:
        condition = f"printf '%s' \"$line\" | grep -Eq -- {shlex.quote(params['grep'])}"
    else:
        path, link = (shlex.quote(each) for each in (os.path.realpath(params["executable"]), params["executable"]))
        condition = f'is_it "$entry/exe" "$line" {path} {link}'
    return _RUNS_BY_LINE.format(
        bystanders=" | ".join(sorted(programs.bystanders(params))),
        condition=condition,
        allowed="" if owner is None else _OF_USER.format(owner=owner),
    )

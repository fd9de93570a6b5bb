"""The script by which healing starts a program again, in a plain shell: it has to work without Python.

It asks whether the program runs in the way in which the module that stopped it did, see `osf_programs`.
"""

from __future__ import annotations

import os
import shlex
from typing import Any, Mapping, Sequence

from ansible.module_utils import osf_programs

_SCRIPT = """\
# Start the service again, unless somebody has done so already.
runs() {{
{runs}
}}
! runs || exit 0
cd {directory} || exit 1
setsid {command} </dev/null >>{log} 2>&1 &
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
    [ -s {pidfile} ] && kill -0 "$(cat {pidfile})" 2>/dev/null && return
    rm -f {pidfile}
    return 1"""

_RUNS_BY_UNIT = """\
    for unit in {units}; do
        systemctl --quiet is-active "$unit" && return
    done
    return 1"""

_RUNS_BY_LINE = """\
    is_it() {{ # is_it LINK LINE EXECUTABLE SCRIPT
        [ "$(readlink "$1")" = "$3" ] || case "$2 " in *" $4 "*) ;; *) false ;; esac
    }}
    for entry in /proc/[0-9]*; do
        [ "$entry" != "/proc/$$" ] || continue
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
        {condition} && return
    done
    return 1"""


def start_script(argv: Sequence[str], params: Mapping[str, Any], log: str, units: Sequence[str] = ()) -> str:
    """Return a POSIX script that starts a program, unless it runs, and waits until it does.

    Args:
        argv: its command line.
        params: one of ``pidfile``, ``units``, ``grep`` and ``executable``; the others None.
        log: the path of the file that its output goes to.
        units: the host's units that ``units`` has found.

    Example:
        >>> print(start_script(["/opt/shop"], {"pidfile": "/run/shop.pid"}, "/run/shop.log").splitlines()[7])
        cd /run || exit 1
    """
    pidfile = params["pidfile"]
    quoted = shlex.quote(pidfile) if pidfile else ""
    return _SCRIPT.format(
        runs=_runs(params, units),
        command=" ".join(shlex.quote(each) for each in argv),
        directory=shlex.quote(os.path.dirname(pidfile) if pidfile else "/"),
        log=shlex.quote(log),
        afterwards='[ -s {0} ] || echo "$pid" >{0}'.format(quoted) if pidfile else ": the process $pid starts it",
    )


def _runs(params: Mapping[str, Any], units: Sequence[str]) -> str:
    """Return the lines of a POSIX function that tells whether the service runs."""
    if params["pidfile"]:
        return _RUNS_BY_PIDFILE.format(pidfile=shlex.quote(params["pidfile"]))
    if params["units"]:
        return _RUNS_BY_UNIT.format(units=" ".join(shlex.quote(unit) for unit in units))
    if params["grep"]:
        condition = "printf '%%s' \"$line\" | grep -Eq -- %s" % shlex.quote(params["grep"])
    else:
        path, link = (shlex.quote(each) for each in (os.path.realpath(params["executable"]), params["executable"]))
        condition = 'is_it "$entry/exe" "$line" %s %s' % (path, link)
    return _RUNS_BY_LINE.format(bystanders=" | ".join(sorted(osf_programs.BYSTANDERS)), condition=condition)

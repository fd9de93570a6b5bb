#!/bin/sh
# Stop every process of a service. Where control groups are version 2, their freezer does it (freezer.sh). Elsewhere each
# gets SIGSTOP, again and again until none runs: a process that is not stopped yet can fork another. The processes are
# those in the control groups that control_groups.sh has found, or the tree and session of the `main=PID/START` lines of
# ./targets (START is in ticks, as in /proc/PID/stat: a later process with that pid is nobody of ours). Of
# `main=PID/START/USER` only what this user, by his number, could stop himself.
# For the undo, who was stopped is kept in ./stopped, and which groups are frozen in ./frozen. When the last of them was
# stopped is told in ./began.new, in hundredths of a second since boot.
# Never stopped: this script's own parents and the `spare=` lines, which are the session that asked for it. If one of them
# is in a control group of the service, the freezer can't be used.
set -u
# shellcheck source=/dev/null
. ./proc.sh
# shellcheck source=/dev/null
. ./freezer.sh

words() { # words NAME: the values of the lines NAME=… of ./targets
    sed -n "s/^$1=//p" targets
}

program_of() { # program_of PID: it, its descendants, and the session that it leads with theirs
    stats | awk -v root="$1" '
        { parent[$1] = $3; session[$1] = $5 }
        END {
            for (pid in parent) if (pid == root || session[pid] == root) found[pid] = 1
            do {
                grown = 0
                for (pid in parent) if (!(pid in found) && (parent[pid] in found)) { found[pid] = 1; grown = 1 }
            } while (grown)
            for (pid in found) print pid
        }'
}

processes() {
    processes_in_groups
    words main | tr / ' ' | while read -r main start user; do
        [ "$(start_of "$main")" = "$start" ] || continue
        for pid in $(program_of "$main"); do
            if [ -z "$user" ] || may_signal "$user" "$pid"; then echo "$pid"; fi
        done
    done
}

spared=" $(words spare | tr '\n' ' ')"
pid=$$
while [ "${pid:-1}" -gt 1 ]; do
    spared="$spared$pid "
    pid=$(parent_of "$pid")
done

spared_in_groups() { # whether one of them is in a control group of the service
    for pid in $(processes_in_groups); do
        case $spared in *" $pid "*) return 0 ;; esac
    done
    return 1
}

begun() {
    read -r uptime _ </proc/uptime
    echo "${uptime%.*}${uptime#*.}" >began.new
}

report() { # report COUNT WAY: how many processes or groups were stopped, and how
    [ "$1" = 0 ] || echo "changed: stopped the processes"
    echo "fact: way=$2"
    for unit in $units; do
        watchdog=$(systemctl show --property=WatchdogUSec --value "$unit")
        case $watchdog in
            '' | 0 | infinity) ;;
            *) echo "note: systemd will restart $unit (watchdog $watchdog)" ;;
        esac
    done
}

units=$(words unit)
if frozen_by_others; then
    echo "the service is frozen already, and not by os_faults" >&2
    exit 3
fi
if [ -z "$(words main)" ] && can_freeze && [ -n "$(processes)" ] && ! spared_in_groups; then
    newly=$(freeze_groups) || exit 1
    begun
    report "$newly" freezer
    exit 0
fi

stopped=0
tries=0
while :; do
    running=
    any=
    for pid in $(processes); do
        case $spared in *" $pid "*) continue ;; esac
        case $(state_of "$pid") in
            '' | Z | X) ;;
            T | t) any=1 ;;
            *)
                any=1
                running="$running $pid"
                echo "$pid $(start_of "$pid")" >>stopped
                if kill -STOP "$pid" 2>/dev/null; then
                    stopped=$((stopped + 1))
                elif [ -d "/proc/$pid" ]; then
                    echo "only root may stop process $pid of the service" >&2
                    exit 3
                fi
                ;;
        esac
    done
    [ -n "$running" ] || break
    begun
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        echo "these processes do not stop:$running" >&2
        exit 1
    fi
    sleep 0.05
done

if [ -z "$any" ]; then
    echo "the service is not running on this host, so there is nothing to freeze" >&2
    exit 3
fi
report "$stopped" signals

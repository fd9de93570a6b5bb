#!/bin/sh
# The process that makes a load (oom, stress, fill_disk). It must be the first that the kernel kills when memory runs out, so
# it never is a child that inherits the protection of the hold. With systemd and root it is a unit of its own that
# ends with the hold; else a process, found by ./load.pid.
#   load.sh start COMMAND…     load.sh stop     load.sh processes: how many there are
set -u
# shellcheck source=/dev/null
. ./proc.sh

id=$(basename "$PWD")
unit=os-faults-$id-load.service

with_systemd() {
    [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ]
}

main_process() {
    if with_systemd; then
        systemctl show --property=MainPID --value "$unit"
    elif read -r pid start 2>/dev/null <load.pid && [ "$(start_of "$pid")" = "$start" ]; then
        echo "$pid"
    else
        echo 0
    fi
}

start() {
    if with_systemd; then
        systemd-run --quiet --unit="$unit" --description="os-faults load of $id" \
            --property="BindsTo=os-faults-$id.service" --property=OOMScoreAdjust=1000 \
            --property=LimitMEMLOCK=infinity --property=TimeoutStopSec=20 -- "$@"
        return
    fi
    (
        echo 1000 >/proc/self/oom_score_adj
        exec "$@"
    ) >/dev/null 2>&1 &
    echo "$! $(start_of "$!")" >load.pid
}

stop() {
    if with_systemd; then
        [ "$(systemctl show --property=LoadState --value "$unit")" != not-found ] || return 0
        # The end of the hold stops it too (BindsTo), perhaps at this very moment: then it is gone, as it should be.
        systemctl stop "$unit" || [ "$(systemctl show --property=LoadState --value "$unit")" = not-found ] || return 1
        systemctl reset-failed "$unit" 2>/dev/null
        return 0
    fi
    tries=0
    while pid=$(main_process) && [ "$pid" != 0 ]; do
        [ "$tries" -lt 50 ] && kill "$pid" 2>/dev/null
        [ "$tries" -lt 50 ] || kill -KILL "$pid" 2>/dev/null
        [ "$tries" -lt 100 ] || return 1
        tries=$((tries + 1))
        sleep 0.1
    done
}

processes() { # the main process and its children
    pid=$(main_process)
    [ "$pid" != 0 ] || {
        echo 0
        return
    }
    set -f
    # shellcheck disable=SC2046 # one word per child
    set -- $(cat "/proc/$pid/task/$pid/children")
    echo $(($# + 1))
}

word=$1
shift
"$word" "$@"

#!/bin/sh
# Let every process of a service go on (SIGCONT): whatever is in its control groups now, as the service may have
# been restarted meanwhile. A service that is gone needs nothing. See freeze.sh for ./targets and ./cgroups.
set -u

state_of() {
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    echo "${stat%% *}"
}

tree_of() { # a process and all its descendants
    [ -d "/proc/$1" ] || return 0
    echo "$1"
    cat "/proc/$1/task/"*/children 2>/dev/null | tr ' ' '\n' | while read -r child; do
        [ -z "$child" ] || tree_of "$child"
    done
}

processes() {
    [ -r cgroups ] && while read -r directory; do
        find "$directory" -name cgroup.procs -exec cat {} + 2>/dev/null
    done <cgroups
    sed -n 's/^pidfile=//p' targets | while read -r file; do
        read -r main _ 2>/dev/null <"$file" && tree_of "$main"
    done
}

tries=0
while :; do
    frozen=
    for pid in $(processes); do
        [ "$(state_of "$pid")" = T ] || continue
        frozen="$frozen $pid"
        kill -CONT "$pid" 2>/dev/null
    done
    [ -n "$frozen" ] || exit 0
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        echo "these processes are still stopped:$frozen" >&2
        exit 1
    fi
    sleep 0.05
done

#!/bin/sh
# Let every process of a service go on (SIGCONT): whatever is in its control groups now, as the service may have
# been restarted meanwhile, and whoever was stopped, also one that does not show it, as somebody else has frozen it.
# A service that is gone needs nothing. ./cgroups is made by control_groups.sh, ./stopped and ./frozen by freeze.sh.
#   unfreeze.sh look   tells whether those are stopped still who were, and not all of them gone
set -u
# shellcheck source=/dev/null
. ./proc.sh
# shellcheck source=/dev/null
. ./freezer.sh

stopped_by_us() {
    [ ! -r stopped ] || sort -u stopped | while read -r pid start; do
        [ "$(start_of "$pid")" != "$start" ] || echo "$pid"
    done
}

processes() {
    processes_in_groups
    stopped_by_us
}

if [ "${1-}" = look ] && [ -e frozen ]; then
    groups_frozen
    exit
fi
if [ "${1-}" = look ]; then
    sort -u stopped | {
        stat=
        stopped=
        while read -r pid start; do
            read_stat "$pid" || continue
            # shellcheck disable=SC2086 # the words of a line
            set -- $stat
            [ "${20}" = "$start" ] || continue
            case $1 in T) stopped=1 ;; Z | X) ;; *) exit 1 ;; esac
        done
        [ -n "$stopped" ]
    }
    exit
fi

thaw_groups || exit 1
for pid in $(stopped_by_us); do
    kill -CONT "$pid" 2>/dev/null
done
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

#!/bin/sh
# What freeze.sh and unfreeze.sh do with the freezer of control groups, version 2: one write freezes all processes of a
# group, and those that are being forked. The kernel is asked, not systemd: from systemd 257 on, nobody could restart a
# unit that systemd has frozen, but a service that hangs can be restarted. ./cgroups has the directories of the service,
# ./frozen those that we have frozen.

processes_in_groups() {
    [ ! -r cgroups ] || while read -r directory; do
        find "$directory" -name cgroup.procs -exec cat {} + 2>/dev/null
    done <cgroups
}

is_frozen() { # is_frozen DIRECTORY
    grep -qsx 'frozen 1' "$1/cgroup.events"
}

frozen_by_others() { # whether a part of the service is, and not by this fault
    while read -r directory; do
        if is_frozen "$directory" && ! grep -qsxF "$directory" frozen; then return 0; fi
    done <cgroups
    return 1
}

can_freeze() { # whether the freezer reaches all of the service
    [ -s cgroups ] || return 1
    while read -r directory; do
        [ -w "$directory/cgroup.freeze" ] || [ ! -d "$directory" ] || return 1
    done <cgroups
}

freeze_groups() { # print how many were not frozen before
    newly=0
    while read -r directory; do
        if [ ! -d "$directory" ] || is_frozen "$directory"; then continue; fi
        grep -qsxF "$directory" frozen || echo "$directory" >>frozen || return 1
        echo 1 >"$directory/cgroup.freeze" || return 1
        newly=$((newly + 1))
        tries=0
        until is_frozen "$directory"; do
            tries=$((tries + 1))
            if [ "$tries" -gt 100 ]; then
                echo "the kernel does not freeze $directory: a process of it waits for a device" >&2
                return 1
            fi
            sleep 0.1
        done
    done <cgroups
    echo "$newly"
}

thaw_groups() { # let go on what we have frozen; a group that is gone needs nothing
    [ -e frozen ] || return 0
    while read -r directory; do
        [ -e "$directory/cgroup.freeze" ] || continue
        echo 0 >"$directory/cgroup.freeze"
        if grep -qsxv 0 "$directory/cgroup.freeze"; then
            echo "$directory is still frozen" >&2
            return 1
        fi
    done <frozen
}

groups_frozen() { # whether all that we have frozen are frozen still
    while read -r directory; do
        is_frozen "$directory" || return 1
    done <frozen
}

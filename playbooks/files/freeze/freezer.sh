#!/bin/sh
# What freeze.sh and unfreeze.sh ask of systemd's freezer. It freezes a unit by one write, with all its processes and those
# that are being forked, where control groups are version 2; `systemctl stop` lets such a unit go on first. The units that we
# have frozen are kept in ./frozen_units, one in a line; ./cgroups has the directories of all.

freezer_state_of() {
    systemctl show --property=FreezerState --value "$1" 2>/dev/null
}

frozen_by_others() { # whether something of the service is, and not by this fault
    [ ! -e frozen_units ] || return 1
    while read -r directory; do
        ! grep -qsx 'frozen 1' "$directory/cgroup.events" || return 0
    done <cgroups
    return 1
}

can_freeze() { # can_freeze UNIT…: whether systemd can freeze each of them; with version 1 it only says that it can
    [ "$#" -gt 0 ] || return 1
    while read -r directory; do
        [ -e "$directory/cgroup.freeze" ] || return 1
    done <cgroups
    for unit in "$@"; do
        [ "$(systemctl show --property=CanFreeze --value "$unit" 2>/dev/null)" = yes ] || return 1
    done
}

freeze_units() { # freeze_units UNIT…: print how many were not frozen before
    newly=0
    for unit in "$@"; do
        if [ "$(freezer_state_of "$unit")" = frozen ] || ! systemctl is-active --quiet "$unit"; then continue; fi
        grep -qsxF "$unit" frozen_units || echo "$unit" >>frozen_units || return 1
        if ! timeout 20 systemctl freeze "$unit"; then
            echo "systemd does not freeze $unit" >&2
            return 1
        fi
        newly=$((newly + 1))
    done
    echo "$newly"
}

thaw_units() { # let go on what we have frozen; by the kernel, if systemd does not do it
    [ -e frozen_units ] || return 0
    while read -r unit; do
        if [ "$(freezer_state_of "$unit")" = frozen ]; then timeout 20 systemctl thaw "$unit"; fi
    done <frozen_units
    while read -r directory; do
        ! grep -qsx 'frozen 1' "$directory/cgroup.events" || echo 0 >"$directory/cgroup.freeze"
    done <cgroups
}

units_frozen() { # whether all that we have frozen are frozen still
    while read -r unit; do
        [ "$(freezer_state_of "$unit")" = frozen ] || return 1
    done <frozen_units
}

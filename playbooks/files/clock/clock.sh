#!/bin/sh
# Set the clock of this host ahead or back by the seconds in ./offset (clock.sh begin), and to what
# it would be by now (clock.sh end). What it would be is counted by the time since boot, which nobody can set, so it is
# right after any time, and again. What keeps the clock right is stopped meanwhile (keepers.sh): it would set it back. Whether
# somebody else has done so all the same is told by `clock.sh look`.
set -u

refuse() {
    echo "$1" >&2
    exit 3
}

uptime() { # in hundredths of a second
    read -r up _ </proc/uptime
    echo "${up%.*}${up#*.}"
}

clock() { # hundredths of a second since the epoch
    nanoseconds=$(date +%s%N)
    echo "${nanoseconds%???????}"
}

set_to() {
    date -u -s "@$(($1 / 100)).$(printf %02d $(($1 % 100)))" >/dev/null
}

is_container() {
    [ -e /run/systemd/container ] || [ -e /.dockerenv ] || [ -e /run/.containerenv ] \
        || tr '\0' '\n' 2>/dev/null </proc/1/environ | grep -q '^container='
}

may_set_clocks() { # CAP_SYS_TIME is the 25th
    capabilities=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
    [ $((0x$capabilities >> 25 & 1)) = 1 ]
}

away() { # hundredths of a second by which the clock is not where it was set to
    away=$(($(clock) - $(cat epoch) - $(uptime) - $(cat offset) * 100))
    echo "${away#-}"
}

if [ "$1" = look ]; then
    [ "$(away)" -le 100 ]
    exit
fi

if [ "$1" = end ]; then
    # Without it, nothing was begun.
    if [ -e epoch ]; then
        set_to $(($(cat epoch) + $(uptime))) || exit 1
    fi
    [ ! -e stopped ] || sh keepers.sh start
    exit
fi

! is_container || refuse "this host is a container: its clock is that of the machine below, which is left alone"
may_set_clocks || refuse "setting the clock needs root on this host"

[ "$1" != check ] || exit 0

offset=$(cat offset)
[ ! -d /run/systemd/system ] || sh keepers.sh stop || exit 1
if [ ! -e epoch ]; then
    echo $(($(clock) - $(uptime))) >epoch.new && mv epoch.new epoch || exit 1
fi
if [ "$(away)" -gt 50 ]; then
    set_to $(($(cat epoch) + $(uptime) + offset * 100)) || exit 1
    echo "changed: the clock is $offset s off"
fi

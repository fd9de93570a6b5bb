#!/bin/sh
# Write the control groups of the units in the `unit=` lines of ./targets to ./cgroups, beside those that are there.
set -u

words() { # words NAME: the values of the lines NAME=… of ./targets
    sed -n "s/^$1=//p" targets
}

cgroup_directory() { # the unit's control group in systemd's hierarchy: cgroup2, hybrid or version 1
    group=$(systemctl show --property=ControlGroup --value "$1") || return 1
    [ -n "$group" ] && [ "$group" != / ] || return 0
    for top in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
        if [ -e "$top$group/cgroup.procs" ]; then
            echo "$top$group"
            return 0
        fi
    done
}

for unit in $(words unit); do
    cgroup_directory "$unit" || exit 1
done >cgroups.new
cat cgroups.new cgroups 2>/dev/null | sort -u >cgroups.all
rm -f cgroups.new
mv cgroups.all cgroups
if [ ! -s cgroups ] && [ -z "$(words main)" ]; then
    echo "the service is not running on this host, so there is nothing to freeze" >&2
    exit 3
fi

#!/bin/sh
# Stop what keeps the clock of this host right, as it would set it back (keepers.sh stop), and start it again
# (keepers.sh start). ./stopped has the units that were stopped, one in a line.
set -u

# Names and patterns of units. PTP has one unit for each interface, an instance, where its package has templates.
keepers="systemd-timesyncd.service chrony.service chronyd.service chronyd-restricted.service ntp.service ntpd.service
    ntpd-rs.service ntpsec.service openntpd.service timemaster.service ptp4l.service ptp4l@*.service phc2sys.service
    phc2sys@*.service"

running() { # those of them that run
    set -f
    # shellcheck disable=SC2086 # one word per keeper
    systemctl list-units --plain --no-legend $keepers | while read -r unit _ state _; do
        case $state in active | reloading | refreshing) echo "$unit" ;; esac
    done
}

stop() {
    found=$(running)
    for unit in $found; do
        grep -qxsF "$unit" stopped || echo "$unit" >>stopped || return 1
        systemctl stop "$unit" || return 1
        echo "changed: $unit is stopped"
    done
}

start() {
    failed=0
    while read -r unit; do
        systemctl start "$unit" </dev/null || failed=1
    done <stopped
    return "$failed"
}

"$1"

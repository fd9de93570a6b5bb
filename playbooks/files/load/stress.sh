#!/bin/sh
# Put this host under load with stress-ng, as the `load=` and `duration=` lines of ./targets say. Ends by itself.
# `stress.sh look` tells whether it is under that load.
set -u

if [ "${1-}" = look ]; then
    [ "$(sh load.sh processes)" -gt 1 ]
    exit
fi

load=$(sed -n 's/^load=//p' targets)
duration=$(sed -n 's/^duration=//p' targets | tail -n 1)

case $load in memory | all) sh panic.sh host || exit ;; esac
stress_ng=$(command -v stress-ng) || {
    echo "stress-ng is not installed on this host" >&2
    exit 3
}

[ "${1-}" != check ] || exit 0

disk=/var/tmp/os-faults-$(basename "$PWD")
stressors=
case $load in cpu | all) stressors="$stressors --cpu 0" ;; esac
# Three quarters of what is free: under pressure, but not out of memory.
case $load in memory | all) stressors="$stressors --vm 1 --vm-keep --vm-bytes $(($(sh memory_free.sh) * 3 / 4))k" ;; esac
case $load in disk | all) stressors="$stressors --hdd 1 --hdd-bytes 256m" ;; esac
# System calls and page faults. Neither --kill, whose signals to everybody hold a lock without which nobody can fork,
# nor --switch, which kept a forking process from the processors for up to 5 s: the undo must get its turn.
case $load in kernel | all) stressors="$stressors --get 0 --fault 0" ;; esac

read -r uptime _ </proc/uptime
end=$((${uptime%.*} + duration))
if [ "$(sh load.sh processes)" -gt 1 ]; then # the later end wins
    [ "$end" -gt "$(cat load.end)" ] || exit 0
    sh load.sh stop || exit 1
fi
rm -rf "$disk"
mkdir -m 700 "$disk" || exit 1
# The hold ends it in time; its own end is for the case that nobody does.
# shellcheck disable=SC2086 # one word per argument
sh load.sh start "$stress_ng" --quiet --temp-path "$disk" $stressors --timeout "$((duration + 10))s" || exit 1
echo "$end" >load.end
echo "changed: $load load for $duration s"

tries=0
while [ "$(sh load.sh processes)" -lt 2 ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 50 ]; then
        echo "stress-ng did not start its load within 5 s" >&2
        exit 1
    fi
    sleep 0.1
done

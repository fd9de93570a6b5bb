#!/bin/sh
# Fill the memory of this host until the kernel's OOM killer acts, for at most the seconds of the `duration=` line.
# Fails when it did not. The load is the OOM killer's first choice; sshd and the hold are protected.
set -u

python=$(sed -n 's/^python=//p' targets)
duration=$(sed -n 's/^duration=//p' targets | tail -n 1)
unit=os-faults-$(basename "$PWD")-load.service

sh panic.sh host || exit
if [ ! -d /run/systemd/system ] || [ "$(id -u)" != 0 ]; then
    echo "running a host out of memory needs systemd and root on it" >&2
    exit 3
fi
if container=$(systemd-detect-virt --container) && [ -z "$(sh memory_limit.sh)" ]; then
    echo "this host is a container ($container) without a memory limit of its own: oom would hit all of the machine" >&2
    exit 3
fi

[ "${1-}" != check ] || exit 0

kills() { # the kernel's counters of OOM kills, one `FILE COUNT` a line, the nearest first
    for file in /sys/fs/cgroup/system.slice/memory.events /sys/fs/cgroup/memory.events \
        /sys/fs/cgroup/memory/memory.oom_control /proc/vmstat; do
        [ ! -r "$file" ] || sed -n "s,^oom_kill \(.*\),$file \1,p" "$file"
    done
}

kills >kills.before
sh load.sh start "$python" "$PWD/eat_memory.py" || exit 1
read -r uptime _ </proc/uptime
end=$((${uptime%.*} + duration))
while :; do
    case $(systemctl show --property=ActiveState --value "$unit") in
        active | activating | deactivating | "") ;; # nothing is said while systemd executes itself anew
        *) break ;;
    esac
    read -r uptime _ </proc/uptime
    if [ "${uptime%.*}" -ge "$end" ]; then
        echo "the memory of this host was not used up within $duration s; it has been given back" >&2
        exit 1
    fi
    sleep 0.2
done

kills >kills.after
result=$(systemctl show --property=Result --value "$unit")
evidence=$(diff kills.before kills.after | sed -n 's/^> \(.*\) \(.*\)$/\1: oom_kill \2/p' | head -n 1)
if [ "$result" != oom-kill ]; then
    if [ -z "$evidence" ] || [ "$(systemctl show --property=ExecMainStatus --value "$unit")" != 9 ]; then
        echo "the load ended ($result), but the kernel counts no OOM kill" >&2
        exit 1
    fi
fi
echo "fact: oom_killed=true"
echo "fact: evidence=${evidence:-$unit: Result=$result}"

#!/bin/sh
# Stop every process of a service (SIGSTOP), again and again until none runs: a process that is not stopped yet
# can fork another. The processes are those in the control groups of the `unit=` lines of ./targets, or the tree
# of the `pidfile=` lines. The control groups are kept in ./cgroups for the undo.
# Never stopped: this script's own parents and the `spare=` lines, which are the session that asked for it.
set -u

words() { # words NAME: the values of the lines NAME=… of ./targets
    sed -n "s/^$1=//p" targets
}

parent_of() {
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    stat=${stat#* }
    echo "${stat%% *}"
}

state_of() {
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    echo "${stat%% *}"
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

tree_of() { # a process and all its descendants
    [ -d "/proc/$1" ] || return 0
    echo "$1"
    cat "/proc/$1/task/"*/children 2>/dev/null | tr ' ' '\n' | while read -r child; do
        [ -z "$child" ] || tree_of "$child"
    done
}

processes() {
    while read -r directory; do
        find "$directory" -name cgroup.procs -exec cat {} + 2>/dev/null
    done <cgroups
    words pidfile | while read -r file; do
        read -r main _ 2>/dev/null <"$file" && tree_of "$main"
    done
}

for unit in $(words unit); do
    cgroup_directory "$unit" || exit 1
done >cgroups.new
cat cgroups.new cgroups 2>/dev/null | sort -u >cgroups.all
rm -f cgroups.new
mv cgroups.all cgroups

spared=" $(words spare | tr '\n' ' ')"
pid=$$
while [ "${pid:-1}" -gt 1 ]; do
    spared="$spared$pid "
    pid=$(parent_of "$pid")
done

stopped=0
tries=0
while :; do
    running=
    any=
    for pid in $(processes); do
        case $spared in *" $pid "*) continue ;; esac
        case $(state_of "$pid") in
            '' | Z | X) ;;
            T | t) any=1 ;;
            *)
                any=1
                running="$running $pid"
                if kill -STOP "$pid" 2>/dev/null; then
                    stopped=$((stopped + 1))
                elif [ -d "/proc/$pid" ]; then
                    echo "only root may stop process $pid of the service" >&2
                    exit 3
                fi
                ;;
        esac
    done
    [ -n "$running" ] || break
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        echo "these processes do not stop:$running" >&2
        exit 1
    fi
    sleep 0.05
done

if [ -z "$any" ]; then
    echo "the service is not running on this host, so there is nothing to freeze" >&2
    exit 3
fi
[ "$stopped" = 0 ] || echo "changed: stopped the processes"
for unit in $(words unit); do
    watchdog=$(systemctl show --property=WatchdogUSec --value "$unit")
    case $watchdog in
        '' | 0 | infinity) ;;
        *) echo "note: systemd will restart $unit (watchdog $watchdog)" ;;
    esac
done

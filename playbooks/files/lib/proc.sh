#!/bin/sh
# What the other scripts ask of /proc. The command in /proc/PID/stat may hold any character, even a line break: what
# counts is what follows the last ") ".

read_stat() { # read_stat PID: $stat is STATE PARENT GROUP SESSION …; 1 when the process is gone
    last=
    while read -r line || [ -n "$line" ]; do
        last=$line
    done 2>/dev/null <"/proc/$1/stat"
    stat=${last##*) }
    [ -n "$last" ]
}

stat_of() { # the same, printed
    read_stat "$1" && echo "$stat"
}

state_of() {
    stat=$(stat_of "$1") && echo "${stat%% *}"
}

parent_of() {
    stat=$(stat_of "$1") || return 1
    stat=${stat#* }
    echo "${stat%% *}"
}

start_of() { # in ticks since boot: what tells a process from a later one with the same pid
    stat=$(stat_of "$1") && echo "$stat" | cut -d ' ' -f 20
}

may_signal() { # may_signal USER PID: whether it has this real or saved user id, see kill(2)
    sed -n 's/^Uid://p' "/proc/$2/status" 2>/dev/null | {
        read -r real _ saved _ && { [ "$real" = "$1" ] || [ "$saved" = "$1" ]; }
    }
}

stats() { # PID and stat_of, a line for each process
    for entry in /proc/[0-9]*; do
        stat=$(stat_of "${entry#/proc/}") && echo "${entry#/proc/} $stat"
    done
}

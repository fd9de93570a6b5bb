#!/bin/sh
# Carry one connection of ssh through a jump host, as its ProxyCommand. All of them share one connection to the jump host.
#
# Usage: jump.sh SOCKET NAME TARGET SSH_ARGUMENT...
#
# sshd drops some of many clients that log in at the same time (MaxStartups), so one client logs in, and the others wait.
# If sshd drops it all the same, it tries again: nothing has been done yet. Each error begins with the jump host's name.

socket=$1 name=$2 target=$3
shift 3
began=$(date +%s)
said=$socket.said.$$
trap 'rm -f "$said"' EXIT

tell() {
    sed "s|^|jump host $name: |" "$1" >&2
}

is_open() {
    [ -S "$socket" ] && ssh -o ControlPath="$socket" -O check none 2>/dev/null
}

# What others have tried while this one waited is not tried again.
has_failed() {
    [ -f "$socket.failed" ] && [ "$(head -n 1 "$socket.failed")" -ge "$began" ]
}

log_in() {
    ssh -o ControlMaster=yes -o ControlPath="$socket" -o ControlPersist=10 -o ServerAliveInterval=5 \
        -o ServerAliveCountMax=2 -f -N "$@" </dev/null >/dev/null 2>"$said" 9>&-
}

open_it() {
    for pause in 0.3 0.6 1.2 2.4 0; do
        log_in "$@" && return
        grep -q -e 'Connection closed by' -e 'Connection reset by' -e kex_exchange_identification "$said" || break
        sleep "$pause"
    done
    { date +%s; cat "$said"; } >"$socket.failed"
    return 1
}

if ! is_open; then
    exec 9>"$socket.lock"
    if command -v flock >/dev/null; then flock 9; fi
    if has_failed; then
        sed 1d "$socket.failed" >"$said"
        tell "$said"
        exit 255
    fi
    is_open || open_it "$@" || { tell "$said"; exit 255; }
    exec 9>&-
fi

ssh -o ControlMaster=no -o ControlPath="$socket" -W "$target" "$@" 2>"$said" && exit
# The shared connection does not tell why the jump host can't reach the node; one of its own does. Few at a time.
if grep -q 'forwarding request failed' "$said"; then
    exec 8>"$socket.lock.$(($$ % 5))"
    if command -v flock >/dev/null; then flock 8; fi
    ssh -o ControlMaster=no -o ControlPath=none -W "$target" "$@" 2>"$said" 8>&- && exit
fi
tell "$said"
exit 255

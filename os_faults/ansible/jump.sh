#!/bin/sh
# Carry one connection of ssh through a jump host, as its ProxyCommand. All of them share one connection to the jump host.
#
# Usage: jump.sh SOCKET TARGET SSH_ARGUMENT...
#
# sshd drops some of many clients that log in at the same time (MaxStartups), so one client logs in, and the others wait.
# If sshd drops it all the same, it tries again: nothing has been done yet.
# The reason of a failure is left in the file TARGET.said beside the socket: ssh shows nobody what a ProxyCommand prints.

socket=$1 target=$2
shift 2
began=$(date +%s)
reason=${socket%/*}/$target.said
said=$reason.$$
trap 'rm -f "$said"' EXIT
trap 'exit 129' HUP INT TERM  # the shell does not come to its EXIT by a signal alone; ssh sends HUP when it gives up
rm -f "$reason"

give_up() {
    mv "$said" "$reason"
    exit 255
}

in_turn() {
    exec 9>"$1"
    if command -v flock >/dev/null; then flock 9; fi
}

is_open() {
    [ -S "$socket" ] && ssh -o ControlPath="$socket" -O check none 2>/dev/null
}

# What another client has tried while this one waited is not tried again.
has_failed() {
    [ -f "$socket.failed" ] && [ "$(head -n 1 "$socket.failed")" -ge "$began" ] && sed 1d "$socket.failed" >"$said"
}

log_in() {
    for pause in 0.3 0.6 1.2 2.4 0; do
        ssh -o ControlMaster=yes -o ControlPath="$socket" -o ControlPersist=10 -o ServerAliveInterval=5 \
            -o ServerAliveCountMax=2 -f -N "$@" </dev/null >/dev/null 2>"$said" 9>&- && return
        grep -q -e 'Connection closed by' -e 'Connection reset by' -e kex_exchange_identification "$said" || break
        sleep "$pause"
    done
    { date +%s; cat "$said"; } >"$socket.failed"
    return 1
}

if ! is_open; then
    in_turn "$socket.lock"
    if has_failed; then give_up; fi
    is_open || { rm -f "$socket" && log_in "$@"; } || give_up
    exec 9>&-
fi
ssh -o ControlMaster=no -o ControlPath="$socket" -W "$target" "$@" 2>"$said" && exit
grep -q 'forwarding request failed' "$said" || give_up
# The shared connection does not tell why the jump host can't reach the node; one of its own does. Few at a time.
in_turn "$socket.lock.$(($$ % 5))"
ssh -o ControlMaster=no -o ControlPath=none -W "$target" "$@" 2>"$said" 9>&- && exit
give_up

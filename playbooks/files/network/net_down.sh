#!/bin/sh
# Set a network interface (the `interface=` line of ./targets) down. What the kernel drops with it is written to
# ./saved first, once: IPv6 addresses, routes, permanent neighbours. A virtual address is not among them: keepalived or
# Pacemaker moves it to another host meanwhile. The undo is net_up.sh.
#   net_down.sh check   refuses what can't be set down      net_down.sh look   tells whether it is down
set -u

name=$(sed -n 's/^interface=//p' targets)

is_up() {
    [ $(($(cat "/sys/class/net/$1/flags") & 1)) = 1 ]
}

without_kept() { # leave out of ./saved the addresses that the kernel has not dropped: who removes one later is not us
    rm -rf kept
    mkdir kept && /bin/sh net_state.sh "$name" kept || return 1
    while read -r address _ device rest; do
        grep -qF "$address dev $device " kept/addresses6 || echo "$address dev $device $rest" || return 1
    done <saved/addresses6 >saved/addresses6.new || return 1
    mv saved/addresses6.new saved/addresses6
}

if [ "${1-}" = look ]; then
    [ -e "/sys/class/net/$name" ] && ! is_up "$name"
    exit
fi

if [ ! -e "/sys/class/net/$name" ]; then
    echo "there is no network interface $name on this host" >&2
    exit 3
fi

if [ ! -d saved ]; then
    if ! is_up "$name"; then
        echo "the network interface $name is down already" >&2
        exit 3
    fi
    [ "${1-}" != check ] || exit 0
    rm -rf saving
    mkdir saving || exit 1
    /bin/sh net_state.sh "$name" saving || exit 1
    mv saving saved || exit 1
fi

if is_up "$name"; then
    ip link set dev "$name" down || exit 1
    echo "changed: set $name down"
    without_kept || exit 1
    while read -r address _; do
        echo "note: ${address%/*} is a virtual address, so the undo leaves it to who moves it"
    done <saved/virtual
fi
if is_up "$name"; then
    echo "the network interface $name is still up" >&2
    exit 1
fi

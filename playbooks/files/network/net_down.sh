#!/bin/sh
# Set a network interface (the `interface=` line of ./targets) down. What the kernel drops with it is written to
# ./saved first, once: IPv6 addresses, routes, permanent neighbours. The undo is net_up.sh.
set -u

name=$(sed -n 's/^interface=//p' targets)

is_up() {
    [ $(($(cat "/sys/class/net/$1/flags") & 1)) = 1 ]
}

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
fi
if is_up "$name"; then
    echo "the network interface $name is still up" >&2
    exit 1
fi

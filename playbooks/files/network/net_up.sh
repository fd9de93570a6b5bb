#!/bin/sh
# Set a network interface up again and bring back what net_down.sh wrote to ./saved, until nothing of it is missing.
set -u

name=$(sed -n 's/^interface=//p' targets)
[ -d saved ] || exit 0
if [ ! -e "/sys/class/net/$name" ]; then
    echo "the interface $name is gone, there is nothing to set up"
    exit 0
fi

ip link set dev "$name" up || exit 1
rm -rf now
mkdir now || exit 1

aged() { # aged WORDS…: an address of ./saved with the lifetimes that are left of it
    read -r saved_at <saved/uptime
    read -r uptime _ </proc/uptime
    age=$((${uptime%.*} - saved_at))
    line=
    while [ "$#" -gt 0 ]; do
        case $1 in
            valid_lft | preferred_lft)
                left=$2
                if [ "$left" != forever ]; then
                    left=$((left > age ? left - age : 0))
                    [ "$1 $left" != "valid_lft 0" ] || return 1
                fi
                line="$line $1 $left"
                shift
                ;;
            *) line="$line $1" ;;
        esac
        shift
    done
    echo "$line"
}

without_lifetimes() {
    sed 's/ valid_lft.*//'
}

bring_back() { # bring_back KIND COMMAND…: give the lines of ./saved that are missing to a command; 1 when any was
    kind=$1
    shift
    missing=
    while read -r line; do
        if [ "$kind" = addresses6 ]; then
            without_lifetimes <now/addresses6 | grep -qxF "$(echo "$line" | without_lifetimes)" && continue
            # shellcheck disable=SC2086 # the words of one line of `ip`
            line=$(aged $line) || continue # it would have run out by now
        else
            grep -qxF "$line" "now/$kind" && continue
        fi
        missing="$missing; $kind $line"
        # shellcheck disable=SC2086
        "$@" $line 2>>tried.log
    done <"saved/$kind"
    [ -z "$missing" ] || still_missing=$still_missing$missing
}

tries=0
while :; do
    while read -r vlan; do
        [ ! -e "/sys/class/net/$vlan" ] || ip link set dev "$vlan" down || exit 1
    done <saved/vlans_down
    /bin/sh net_state.sh "$name" now || exit 1
    still_missing=
    bring_back addresses6 ip -6 address add
    # A route through a gateway needs the route to the gateway first, so what fails now may succeed in the next round.
    bring_back routes4 ip -4 route add
    bring_back routes6 ip -6 route add
    bring_back neighbours ip neighbour replace
    bring_back proxies ip neighbour add proxy
    [ -n "$still_missing" ] || break
    tries=$((tries + 1))
    if [ "$tries" -gt 40 ]; then
        cat tried.log
        echo "not as before on $name: ${still_missing#; }"
        exit 1
    fi
    [ "$tries" -lt 3 ] || sleep 0.5
done

# An address can't be used before the kernel has seen that nobody else has it.
tries=0
while [ "$(cat "/sys/class/net/$name/carrier")" = 1 ] && [ -n "$(ip -o -6 address show dev "$name" tentative)" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || break
    sleep 0.1
done

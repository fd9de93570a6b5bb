#!/bin/sh
# Set a network interface up again and bring back what net_down.sh wrote to ./saved, until nothing of it is missing.
# While the link has no carrier, or systemd-networkd or NetworkManager is still at work on it, that may take a minute.
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

seconds() { # since boot
    read -r uptime _ </proc/uptime
    echo "${uptime%.*}"
}
begun=$(seconds)

aged() { # aged WORDS…: an address of ./saved with the lifetimes that are left of it
    read -r saved_at <saved/uptime
    age=$(($(seconds) - saved_at))
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

plain() { # addresses without what is no part of them
    sed -e 's/ valid_lft.*//' -e 's/ nodad\>//'
}

add_address() { # the kernel looks whether somebody else has it by now, whatever it was told before
    for word in "$@"; do
        shift
        [ "$word" = nodad ] || set -- "$@" "$word"
    done
    ip -6 address add "$@"
}

bring_back() { # bring_back KIND COMMAND…: give the missing lines of ./saved to a command; $taken are those that it took
    kind=$1
    shift
    missing=
    taken=
    while read -r line; do
        if [ "$kind" = addresses6 ]; then
            plain <now/addresses6 | grep -qxF "$(echo "$line" | plain)" && continue
            # shellcheck disable=SC2086 # the words of one line of `ip`
            line=$(aged $line) || continue # it would have run out by now
        else
            grep -qxF "$line" "now/$kind" && continue
        fi
        missing="$missing; $kind $line"
        # shellcheck disable=SC2086
        "$@" $line 2>>tried.log && taken="$taken; $kind $line"
    done <"saved/$kind"
    still_missing=$still_missing$missing
}

settled() { # whether who gives addresses to the interface has done so
    [ "$(cat "/sys/class/net/$name/carrier" 2>/dev/null)" = 1 ] || return 1
    ! grep -qs '^ADMIN_STATE=\(pending\|initialized\|configuring\)$' \
        "/run/systemd/netif/links/$(cat "/sys/class/net/$name/ifindex")" || return 1
    case $(nmcli -g GENERAL.STATE device show "$name" 2>/dev/null) in [4-9]0\ * | 110\ *) return 1 ;; esac
}

lost_address() { # whether somebody else has taken an IPv4 address away: setting the interface down has not
    while read -r line; do
        grep -qxF "$line" now/addresses4 || return 0
    done <saved/addresses4 2>/dev/null
    return 1
}

calm=0
tries=0
while :; do
    while read -r vlan; do
        [ ! -e "/sys/class/net/$vlan" ] || ip link set dev "$vlan" down || exit 1
    done <saved/vlans_down
    /bin/sh net_state.sh "$name" now || exit 1
    still_missing=
    bring_back routes4 ip -4 route add
    # The kernel takes no route that needs an address which is not here any more; such a route is gone with it.
    [ "$calm" -lt 6 ] || ! lost_address || still_missing=$taken
    bring_back addresses6 add_address
    # A route through a gateway needs the route to the gateway first, so what fails now may succeed in the next round.
    bring_back routes6 ip -6 route add
    bring_back neighbours ip neighbour replace
    bring_back proxies ip neighbour add proxy
    [ -n "$still_missing" ] || break
    tries=$((tries + 1))
    if settled; then calm=$((calm + 1)); else calm=0; fi
    if [ "$calm" -gt 40 ] || [ "$tries" -gt 110 ] || [ $(($(seconds) - begun)) -gt 55 ]; then
        cat tried.log
        echo "not as before on $name: ${still_missing#; }"
        exit 1
    fi
    [ "$tries" -lt 3 ] || sleep 0.5
done

# An address can't be used before the kernel has seen that nobody else has it.
tries=0
while [ "$(cat "/sys/class/net/$name/carrier")" = 1 ] && ip -o -6 address show dev "$name" tentative |
    grep -qv ' dadfailed '; do
    tries=$((tries + 1))
    [ "$tries" -lt 50 ] || break
    sleep 0.1
done

while read -r line; do
    # shellcheck disable=SC2086 # the words of one line of `ip`
    set -- $line
    state=" $(ip -o -6 address show dev "$3" to "$1") "
    case $state in
        *" dadfailed "*)
            ip -6 address del "$1" dev "$3" || exit 1
            echo "theirs: address: $3 inet6 $1"
            echo "note: another host on the network of $3 has ${1%/*} by now, so it was not given back to this one"
            ;;
        "  " | *" tentative "*) ;;
        *)
            # shellcheck disable=SC2046,SC2086
            case $line in *" nodad "*) ip -6 address change $(aged $line) || exit 1 ;; esac
            ;;
    esac
done <saved/addresses6

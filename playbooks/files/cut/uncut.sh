#!/bin/sh
# Remove the table or the chains that cut.sh made, and nothing else. Absent means done.
set -u

name=$(cat name 2>/dev/null)

without_iptables() { # without_iptables iptables|ip6tables
    for chain in INPUT OUTPUT FORWARD; do
        own=$name-${chain%PUT}
        "$1" -w 10 -n -L "$chain" >/dev/null || return 1
        "$1" -w 10 -n -L "$own" >/dev/null 2>&1 || continue
        while "$1" -w 10 -C "$chain" -j "$own" 2>/dev/null; do
            "$1" -w 10 -D "$chain" -j "$own" || return 1
        done
        "$1" -w 10 -F "$own" && "$1" -w 10 -X "$own" || return 1
    done
}

case $(cat tool 2>/dev/null) in
    nft)
        tables=$(nft list tables inet) || exit 1
        ! echo "$tables" | grep -qx "table inet $name" || nft delete table inet "$name"
        ;;
    iptables)
        without_iptables iptables || exit 1
        [ ! -d /proc/sys/net/ipv6 ] || without_iptables ip6tables
        ;;
esac

#!/bin/sh
# Cut ports of this host off (the `port=tcp/5000` lines of ./targets) for every other process: new connections and
# open ones, from outside and over loopback, IPv4 and IPv6. Only what comes to the port and what leaves from it is
# dropped, in a table (nftables) or chains (iptables) of our own. ./tool and ./name tell the undo which.
set -u

ports_of() { # ports_of tcp: its ports with commas between them
    sed -n "s,^port=$1/,,p" targets | sort -u | paste -s -d , -
}

tcp=$(ports_of tcp)
udp=$(ports_of udp)

rules() { # rules dport: the drops for what comes in; sport: for what goes out
    [ -z "$tcp" ] || echo "        tcp $1 { $tcp } counter drop"
    [ -z "$udp" ] || echo "        udp $1 { $udp } counter drop"
}

with_nft() {
    # Before connection tracking (-200) and everybody else's rules. The first two lines make it repeatable.
    {
        echo "table inet $name"
        echo "delete table inet $name"
        echo "table inet $name {"
        echo "    chain arriving {"
        echo "        type filter hook input priority -310; policy accept;"
        rules dport
        echo "    }"
        echo "    chain leaving {"
        echo "        type filter hook output priority -310; policy accept;"
        rules sport
        echo "    }"
        echo "}"
    } >rules.nft
    nft -f rules.nft
}

with_iptables() { # with_iptables iptables|ip6tables
    for direction in INPUT:dport OUTPUT:sport; do
        chain=${direction%:*}
        own=$name-${chain%PUT}
        "$1" -w 10 -N "$own" 2>/dev/null || "$1" -w 10 -F "$own" || return 1
        sed -n 's,^port=\(.*\)/\(.*\)$,\1 \2,p' targets | while read -r protocol port; do
            "$1" -w 10 -A "$own" -p "$protocol" "--${direction#*:}" "$port" -j DROP || exit 1
        done || return 1
        "$1" -w 10 -C "$chain" -j "$own" 2>/dev/null || "$1" -w 10 -I "$chain" 1 -j "$own" || return 1
    done
}

in_place() {
    name=$(cat name 2>/dev/null)
    case $(cat tool 2>/dev/null) in
        nft) nft list table inet "$name" >/dev/null 2>&1 ;;
        iptables) iptables -w 10 -C INPUT -j "$name-IN" 2>/dev/null ;;
        *) return 1 ;;
    esac
}

use() { # use TOOL NAME: tell the undo before anything is done
    name=$2
    echo "$name" >name
    echo "$1" >tool
}

in_place || echo "changed: dropped tcp ${tcp:-none}, udp ${udp:-none}"
id=$(basename "$PWD")
if [ "$(cat tool 2>/dev/null)" != iptables ] && command -v nft >/dev/null; then
    use nft "osf_$(echo "$id" | tr -c 'A-Za-z0-9\n' _)"
    with_nft && exit 0
fi
if ! command -v iptables >/dev/null; then
    [ -e tool ] && exit 1 # nft has said why
    echo "there is neither nft nor iptables on this host, so no port can be cut off" >&2
    exit 3
fi
use iptables "osf-$(echo "$id" | cksum | cut -d ' ' -f 1)" # the name of a chain is short
with_iptables iptables || exit 1
[ ! -d /proc/sys/net/ipv6 ] || with_iptables ip6tables

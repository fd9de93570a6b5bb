#!/bin/sh
# Put the rules in ./rules in force, before those of everybody else, in a table (nftables) or chains (iptables) of our own,
# IPv4 and IPv6. ./tool and ./name tell the undo (uncut.sh) which. A rule is a line of these words, each `-` where it does
# not matter, and the last one may be left out; the first rule that fits a packet decides whether we drop it:
#   in | out                what arrives at this host, or leaves it
#   drop | accept           `accept` leaves it to the rules of others
#   4 | 6                   version of IP
#   tcp | udp | icmpv6
#   ADDRESS[,ADDRESS…]      of the other end
#   PORT                    of this host; the type of an icmpv6 message
#   PORT                    of the other end
#   ADDRESS                 of this host
# What a container engine publishes arrives at a port of this host too, but the kernel sends it on to the container, by a
# connection that is translated (DNAT). So the rules for what arrives at this host, and the answers to it, hold for those
# connections as well. They are not needed, and would begin to track connections, on a host that tracks none.
# A rule about addresses alone also holds for what this host sends on: who is behind it, such as a container, is cut off too.
#   cut.sh check   refuses what can't be done      cut.sh look   tells whether the rules are in force
set -u

translates() { # whether there may be connections that are translated
    [ -e /proc/sys/net/netfilter/nf_conntrack_count ]
}

nft_rule() { # nft_rule, and the words for the address of the other end, for both ports, and for the address of this host
    rule=
    case $family in 4) ip=ip ;; *) ip=ip6 ;; esac
    [ "$address" = - ] || rule="$rule$ip $1 { $address } "
    [ "$own" = - ] || rule="$rule$ip $4 $own "
    [ "$here" = - ] || rule="$rule$protocol $2 $here "
    [ "$there" = - ] || rule="$rule$protocol $3 $there "
    echo "        ${rule}counter $verdict"
}

nft_translated() { # the same for a connection that is translated
    case $direction in in) rule="original " ;; out) rule="reply " ;; esac
    rule="ct status dnat ct direction $rule"
    case $family in 4) ip=ip ;; *) ip=ip6 ;; esac
    [ "$protocol" = - ] || rule="${rule}meta l4proto $protocol "
    [ "$address" = - ] || rule="${rule}ct original $ip saddr { $address } "
    [ "$own" = - ] || rule="${rule}ct original $ip daddr $own "
    [ "$here" = - ] || rule="${rule}ct original proto-dst $here "
    echo "        ${rule}counter $verdict"
}

nft_translated_rules() {
    while read -r direction verdict family protocol address here there own; do
        own=${own:--}
        case $direction/$protocol/$there in
            */icmpv6/*) ;;
            */-) nft_translated ;;
        esac
    done <rules
}

nft_rules() { # nft_rules in|out
    while read -r direction verdict family protocol address here there own; do
        [ "$direction" = "$1" ] || continue
        own=${own:--}
        case $direction/$protocol in
            */icmpv6) nft_rule - type - - ;;
            in/*) nft_rule saddr dport sport daddr ;;
            out/*) nft_rule daddr sport dport saddr ;;
        esac
    done <rules
}

nft_passing_rules() { # for what this host sends on
    while read -r direction verdict family protocol address here there own; do
        own=${own:--}
        case $direction/$protocol/$here/$there/$own in
            in/-/-/-/-) nft_rule saddr - - - ;;
            out/-/-/-/-) nft_rule daddr - - - ;;
        esac
    done <rules
}

with_nft() {
    # Before connection tracking (-200) and everybody else's rules. The first two lines make it repeatable. Where SELinux
    # is enforcing, nft can open neither a file of a hold nor a pipe, so the rules are an argument; one has 128 KiB at most.
    {
        echo "table inet $name"
        echo "delete table inet $name"
        echo "table inet $name {"
        echo "    chain arriving {"
        echo "        type filter hook input priority -310; policy accept;"
        nft_rules in
        echo "    }"
        echo "    chain leaving {"
        echo "        type filter hook output priority -310; policy accept;"
        nft_rules out
        echo "    }"
        echo "    chain forwarded {"
        echo "        type filter hook forward priority -310; policy accept;"
        ! translates || nft_translated_rules
        nft_passing_rules
        echo "    }"
        echo "    chain translated {" # what this host sends to itself, after the translation
        echo "        type filter hook output priority -90; policy accept;"
        ! translates || nft_translated_rules
        echo "    }"
        echo "}"
    } >rules.nft || return 1
    if [ "$(wc -c <rules.nft)" -lt 131072 ]; then
        nft "$(cat rules.nft)"
    else
        nft -f rules.nft
    fi
}

iptables_rule() { # iptables_rule iptables|ip6tables CHAIN, and the options as nft_rule has words
    rule="-A $2"
    [ "$protocol" = - ] || rule="$rule -p $protocol"
    [ "$address" = - ] || rule="$rule $3 $address"
    [ "$own" = - ] || rule="$rule $6 $own"
    [ "$here" = - ] || rule="$rule $4 $here"
    [ "$there" = - ] || rule="$rule $5 $there"
    case $verdict in drop) rule="$rule -j DROP" ;; *) rule="$rule -j RETURN" ;; esac
    # shellcheck disable=SC2086 # the words of a rule
    "$1" -w 10 $rule
}

iptables_translated() { # iptables_translated iptables|ip6tables CHAIN
    state="-m conntrack --ctstate DNAT"
    case $direction/$protocol/$there in
        */icmpv6/*) ;;
        in/*/-) iptables_rule "$1" "$2 $state --ctdir ORIGINAL" -s --ctorigdstport - --ctorigdst ;;
        out/*/-) iptables_rule "$1" "$2 $state --ctdir REPLY" -d --ctorigdstport - --ctorigdst ;;
    esac
}

iptables_passing() { # iptables_passing iptables|ip6tables CHAIN
    case $direction/$protocol/$here/$there/$own in
        in/-/-/-/-) iptables_rule "$1" "$2" -s - - - ;;
        out/-/-/-/-) iptables_rule "$1" "$2" -d - - - ;;
    esac
}

iptables_rules() { # iptables_rules iptables|ip6tables in|out|translated|passing CHAIN
    case $1 in iptables) other=6 ;; *) other=4 ;; esac
    while read -r direction verdict family protocol address here there own; do
        own=${own:--}
        [ "$family" != "$other" ] || continue
        case $2/$direction/$protocol in
            translated/*) iptables_translated "$1" "$3" ;;
            passing/*) iptables_passing "$1" "$3" ;;
            in/in/icmpv6 | out/out/icmpv6) iptables_rule "$1" "$3" - --icmpv6-type - - ;;
            in/in/*) iptables_rule "$1" "$3" -s --dport --sport -d ;;
            out/out/*) iptables_rule "$1" "$3" -d --sport --dport -s ;;
        esac || return 1
    done <rules
}

with_iptables() { # with_iptables iptables|ip6tables
    ways="INPUT:in OUTPUT:out"
    ! translates || ways="$ways OUTPUT:translated FORWARD:translated"
    ways="$ways FORWARD:passing"
    for chain in INPUT OUTPUT FORWARD; do
        chain_of="$name-${chain%PUT}"
        "$1" -w 10 -N "$chain_of" 2>/dev/null || "$1" -w 10 -F "$chain_of" || return 1
        for way in $ways; do
            [ "${way%:*}" != "$chain" ] || iptables_rules "$1" "${way#*:}" "$chain_of" || return 1
        done
        "$1" -w 10 -C "$chain" -j "$chain_of" 2>/dev/null || "$1" -w 10 -I "$chain" 1 -j "$chain_of" || return 1
    done
}

in_force_nft() {
    tables=$(nft list tables inet) || return 2
    echo "$tables" | grep -qxF "table inet $name" || return 1
    nft --stateless list table inet "$name" || return 2
}

in_force_iptables() { # in_force_iptables iptables|ip6tables
    for chain in INPUT OUTPUT FORWARD; do
        "$1" -w 2 -S "$name-${chain%PUT}" && "$1" -w 2 -C "$chain" -j "$name-${chain%PUT}"
        case $? in 0) ;; 1) return 1 ;; *) return 2 ;; esac # 4: somebody else is at the rules
    done
}

in_force() { # the rules of ours that are in force, as the tool tells them; 1 when some are not there, 2 when it does not tell
    name=$(cat name)
    case $(cat tool) in
        nft) in_force_nft ;;
        iptables)
            in_force_iptables iptables || return
            [ ! -d /proc/sys/net/ipv6 ] || in_force_iptables ip6tables
            ;;
    esac
}

in_place() { # whether they are in force as they were when they had been put there; 2 when that can't be told
    [ -s put ] || return 2
    now=$(in_force 2>/dev/null) || return
    [ "$now" = "$(cat put)" ]
}

kept() { # keep for later what is in force now
    if now=$(in_force 2>/dev/null); then echo "$now" >put; else rm -f put; fi
}

use() { # use TOOL NAME: tell the undo before anything is done
    name=$2
    echo "$name" >name
    echo "$1" >tool
}

refuse_without_tool() {
    echo "there is neither nft nor iptables on this host, so nothing can be cut off" >&2
    exit 3
}

if [ "${1-}" = look ]; then
    in_place
    exit
fi
if [ "${1-}" = check ]; then
    command -v nft >/dev/null || command -v iptables >/dev/null || refuse_without_tool
    exit 0
fi

if ! cmp -s rules rules.before || ! in_place; then echo "changed: $(wc -l <rules) rules"; fi
cp rules rules.before || exit 1
id=$(basename "$PWD")
if [ "$(cat tool 2>/dev/null)" != iptables ] && command -v nft >/dev/null; then
    use nft "osf_$(echo "$id" | tr -c 'A-Za-z0-9\n' _)"
    if with_nft; then
        kept
        exit 0
    fi
fi
if ! command -v iptables >/dev/null; then
    [ -e tool ] && exit 1 # nft has said why
    refuse_without_tool
fi
use iptables "osf-$(echo "$id" | cksum | cut -d ' ' -f 1)" # the name of a chain is short
with_iptables iptables || exit 1
[ ! -d /proc/sys/net/ipv6 ] || with_iptables ip6tables || exit 1
kept

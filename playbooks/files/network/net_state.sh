#!/bin/sh
# net_state.sh INTERFACE DIRECTORY: write down what the kernel drops when the interface is set down, in the
# words that `ip` takes back, one file per kind in DIRECTORY:
#   addresses6   ADDRESS … dev NAME            routes4, routes6   PREFIX … dev NAME …
#   neighbours   ADDRESS lladdr MAC dev NAME   proxies            ADDRESS dev NAME
#   vlans_down   names of VLANs on it that are down, which the kernel sets up together with it
# and what it does not drop, or what is not ours to bring back:
#   addresses4   ADDRESS dev NAME              virtual            ADDRESS dev NAME
# VLANs on the interface go down and up with it, so they are looked at too. Left out is what the kernel, a router's
# advertisement or a routing daemon makes by itself, and a virtual address, which may be on another host by now.
set -u

top=$1
out=$2

vlans_on() { # the VLANs on an interface, and those on them
    for upper in "/sys/class/net/$1/"upper_*; do
        vlan=${upper##*/upper_}
        if [ -e "/proc/net/vlan/$vlan" ]; then
            echo "$vlan"
            vlans_on "$vlan"
        fi
    done
}

devices="$top $(vlans_on "$top" | tr '\n' ' ')"

moves_addresses() { # whether a program that moves addresses between hosts runs here
    grep -qsxE 'keepalived|pacemakerd' /proc/[0-9]*/comm
}

is_virtual() { # is_virtual ADDRESS NAME FLAGS: whether keepalived or Pacemaker moves an IPv6 address between hosts
    case " $3 " in
        *" proto keepalived "* | *" proto 18 "*) return 0 ;;
        *" dynamic "*) return 1 ;; # of DHCP
    esac
    case $1 in
        */128) moves_addresses && ip -6 -o route show match "$1" dev "$2" proto kernel | grep -q / ;;
        *) return 1 ;;
    esac
}

addresses6() { # addresses6 NAME: those that nobody but us would bring back
    on=$1
    ip -o -6 address show dev "$on" | while read -r _ _ _ address rest; do
        case " $rest " in
            *" temporary "* | *" dynamic mngtmpaddr "* | *" kernel_ll "*) continue ;;
        esac
        if is_virtual "$address" "$on" "$rest"; then
            echo "$address dev $on" >>"$out/virtual" || exit 1
            continue
        fi
        valid=forever
        preferred=forever
        keep=
        set -f
        # shellcheck disable=SC2086 # the words of one line of `ip`
        set -- $rest
        while [ "$#" -gt 0 ]; do
            case $1 in
                valid_lft) valid=${2%sec} && shift ;;
                preferred_lft) preferred=${2%sec} && shift ;;
                scope | metric | proto | peer) keep="$keep $1 $2" && shift ;;
                nodad | home | noprefixroute | mngtmpaddr | autojoin) keep="$keep $1" ;;
            esac
            shift
        done
        set +f
        echo "$address dev $on$keep valid_lft $valid preferred_lft $preferred" || exit 1
    done
}

routes() { # routes 4|6
    for device in $devices; do
        ip -o "-$1" route show table all | sed 's/\\//g' | grep -E " dev $device( |\$)" |
            grep -v -E -e ' table local( |$)' -e '^(local|broadcast|anycast|multicast|unreachable) ' \
                -e ' proto (ra|redirect|bgp|ospf|isis|rip|eigrp|babel|bird|zebra|mrouted|xorp|gated|ntk|dnrouted)( |$)' \
                -e ' nhid ' -e ' expires ' -e '^(fe80::/64|ff00::/8) ' -e ' cache( |$)'
    done | sed -E -e 's/[[:space:]]+/ /g' -e ':again' \
        -e 's/ (linkdown|dead|offload|offload_failed|rt_offload|trap|rt_trap|pervasive)( |$)/ /' -e 't again' \
        -e 's/ $//' | sort -u
}

without_virtual() { # without the routes of virtual addresses
    awk -v virtual="$(sed 's,/.* dev , ,' "$out/virtual")" '
        BEGIN { count = split(virtual, words); for (i = 1; i < count; i += 2) is_virtual[words[i]] = 1 }
        { source = match($0, / src [^ ]+/) ? substr($0, RSTART + 5, RLENGTH - 5) : $1 }
        !(source in is_virtual)'
}

: >"$out/virtual" || exit 1
for device in $devices; do
    ip -o -4 address show dev "$device" | while read -r _ _ _ address _; do
        echo "$address dev $device" || exit 1
    done || exit 1
done >"$out/addresses4" || exit 1
for device in $devices; do
    addresses6 "$device" || exit 1
done >"$out/addresses6" || exit 1
routes 4 >"$out/routes4" || exit 1
routes 6 | without_virtual >"$out/routes6" || exit 1
for device in $devices; do
    ip -o neighbour show dev "$device" nud permanent | while read -r address lladdr mac _; do
        [ "$lladdr" != lladdr ] || echo "$address lladdr $mac dev $device nud permanent" || exit 1
    done || exit 1
done >"$out/neighbours" || exit 1
for device in $devices; do
    ip -o neighbour show proxy dev "$device" | while read -r address _; do
        echo "$address dev $device" || exit 1
    done || exit 1
done >"$out/proxies" || exit 1
for device in $devices; do
    [ $(($(cat "/sys/class/net/$device/flags") & 1)) = 1 ] || echo "$device" || exit 1
done >"$out/vlans_down" || exit 1
# The lifetimes count from here.
read -r uptime _ </proc/uptime
echo "${uptime%.*}" >"$out/uptime" || exit 1

# The switch: a network namespace with a management and a storage bridge. Names in it
# are entered with nsenter; "ip netns exec" remounts /sys and so hides the control groups.

in_lab() { nsenter --net="$NETNS" "$@"; }

network_is_up() { [[ $(stat --file-system --format=%T "$NETNS" 2>/dev/null) == nsfs ]]; }

network_up() {
    if ! network_is_up; then
        rm -f "$NETNS"              # left by a machine crash where /run is on disk
        ip netns add "$LAB"
    fi
    ip -n "$LAB" link set lo up
    bridge_up br-mgmt 77
    bridge_up br-stor 78
    # Behind the hosts' static routes, so that a ping proves the route.
    ip -n "$LAB" address replace 10.99.0.1/32 dev lo
    ip -n "$LAB" address replace fd99::1/128 dev lo
}

# bridge_up NAME NUMBER: the controller is .1 and ::1 on each network.
bridge_up() {
    ip -n "$LAB" link show "$1" &>/dev/null || ip -n "$LAB" link add "$1" type bridge mcast_snooping 0
    ip -n "$LAB" address replace "10.$2.0.1/24" dev "$1"
    ip -n "$LAB" address replace "fd$2::1/64" dev "$1" nodad
    ip -n "$LAB" link set "$1" up
}

network_down() { ! network_is_up || ip netns delete "$LAB"; }

# switch_port NODE IFACE: the outer end of a host's cable (at most 15 characters).
switch_port() {
    case $2 in
        host0) echo "mgmt-$1" ;;
        stor0) echo "stor-$1" ;;
    esac
}

# A pulled cable stays pulled when the host reboots: plug_in heeds the mark. A host which
# is off, or about to boot, has no port.
set_cable() {
    local mark=$STATE/nodes/$1/unplugged-$2
    if [[ $3 == down ]]; then : >"$mark"; else rm -f "$mark"; fi
    ip -n "$LAB" link set "$(switch_port "$1" "$2")" "$3" 2>/dev/null || true
}

# plug_in NODE IFACE BRIDGE MAC: gives the current network namespace an interface.
plug_in() {
    local port state=up
    port=$(switch_port "$1" "$2")
    # After a reboot the kernel may still be busy with removing the old one.
    ip -n "$LAB" link delete "$port" 2>/dev/null || true
    ip link add "$2" address "$4" type veth peer name "$port" netns "$LAB"
    [[ ! -e $STATE/nodes/$1/unplugged-$2 ]] || state=down
    ip -n "$LAB" link set "$port" master "$3" "$state"
}

# The private mount namespace gives names to the hosts, and an empty resolv.conf makes
# any other name fail at once instead of waiting for a resolver out of reach.
run_on_lab() {
    (( $# )) || wrong_usage "run CMD..."
    network_is_up || die "the lab is down"
    # shellcheck disable=SC2016
    exec nsenter --net="$NETNS" unshare --mount --propagation private sh -c '
        mount --bind "$0/hosts" /etc/hosts || exit
        [ ! -e /etc/resolv.conf ] || mount --bind /dev/null /etc/resolv.conf || exit
        exec "$@"' "$STATE" "$@"
}

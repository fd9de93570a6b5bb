# Hosts on and off, and what is done to them from outside.

node_is_on() { ! cgroup_empty "$1/supervisor"; }

node_is_off() { cgroup_empty "$1"; }

start_node() {
    local run="run-host"
    ! node_is_on "$1" || return 0
    load_node "$1"
    ! is_machine "$image" || run="run-machine"
    cgroup_create "$1" "$memory"
    # A mount namespace of its own: the host's file system goes when the host goes.
    (
        cgroup_enter "$1" supervisor
        exec setsid unshare --mount --propagation private "$LAB_HOME/lib/$run" "$1"
    ) </dev/null &>>"$STATE/nodes/$1/console.log" 9>&- &
    wait_until 5 node_is_on "$1" || die "$1 does not start, see $STATE/nodes/$1/console.log"
}

# node_leader NODE: the host's PID 1, as this machine sees it.
node_leader() {
    local pid
    for pid in $(cgroup_pids "$1/guest"); do
        if grep -q $'^NSpid:\t[0-9]*\t1$' "/proc/$pid/status" 2>/dev/null; then
            echo "$pid"
            return
        fi
    done
    return 1
}

# in_node NODE CMD...: runs CMD inside the host; without ssh, where that is possible.
in_node() {
    local leader words=("${@:2}")
    load_node "$1"
    if is_machine "$image"; then
        on_address "10.77.0.$index" "${words[*]@Q}"
        return
    fi
    leader=$(node_leader "$1") || return
    nsenter --target "$leader" --mount --uts --ipc --net --pid "${words[@]}"
}

# Like a pulled mains plug: with PID 1 the kernel kills everything in the host.
power_off() {
    local leader
    if leader=$(node_leader "$1"); then
        kill -KILL "$leader"
        cgroup_thaw "$1"
        wait_until 5 node_is_off "$1" || true
    fi
    cgroup_kill "$1"
    # nspawn leaves it where /run is no tmpfs.
    rmdir "/run/systemd/nspawn/propagate/$LAB-$1" 2>/dev/null || true
}

# Hosts without a supervisor, unknown to the state directory, or whose network is gone.
remove_remains() {
    local name
    [[ -e $STATE/id ]] || rm -rf "$STATE/nodes"
    for name in $(cgroup_nodes); do
        if [[ ! -e $STATE/nodes/$name/row ]] || ! node_is_on "$name"; then
            cgroup_kill "$name"
            cgroup_remove "$name"
        fi
    done
    [[ -e $WIDE/names ]] && network_is_up || wide_down
    network_is_up || for name in $(cgroup_nodes); do power_off "$name"; done
}

ssh_node() {
    local network=77
    if is_guest "${1-}"; then
        load_guest "$1"
    elif is_wide "${1-}"; then
        network=79 login=root
        wide_index "$1"
    else
        known_node "${1-}"
        load_node "$1"
    fi
    shift
    on_address "10.$network.0.$index" "$@"
}

# on_address ADDRESS [CMD...]: by ssh, as the user in "login".
on_address() {
    in_lab ssh -F none -i "$STATE/id" -o IdentitiesOnly=yes \
        -o BatchMode=yes -o ConnectTimeout=10 -o LogLevel=ERROR \
        -o StrictHostKeyChecking=yes -o UserKnownHostsFile="$STATE/known_hosts" \
        "$login@$1" "${@:2}"
}

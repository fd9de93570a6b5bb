# The control groups of the hosts: LAB/NODE/supervisor holds run-host, LAB/NODE/guest
# the host itself. They are also the kernel's own record of which processes are ours,
# one that no crash of the lab can leave stale.

if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    CGROUP_V1=0
    CGROUP_ROOTS=(/sys/fs/cgroup)
    CGROUP_MAIN=/sys/fs/cgroup/$LAB
else
    CGROUP_V1=1
    # A leaf in each: nspawn would put all hosts into one group where it finds none.
    CGROUP_ROOTS=()
    for root in systemd unified memory freezer; do
        [[ ! -d /sys/fs/cgroup/$root ]] || CGROUP_ROOTS+=("/sys/fs/cgroup/$root")
    done
    # systemd in the guest moves no process here, so this one lists them all.
    CGROUP_MAIN=/sys/fs/cgroup/freezer/$LAB
fi

cgroup_create_root() {
    local root
    for root in "${CGROUP_ROOTS[@]}"; do
        mkdir -p "$root/$LAB" || return
    done
    (( CGROUP_V1 )) || pass_memory_controller /sys/fs/cgroup "/sys/fs/cgroup/$LAB"
}

# In version 2 a controller must be handed down from group to group.
pass_memory_controller() {
    local group
    for group; do
        ! grep -qw memory "$group/cgroup.controllers" || echo +memory >"$group/cgroup.subtree_control"
    done
}

# cgroup_create NODE MEMORY ("-" is no limit)
cgroup_create() {
    local root memory=$2
    for root in "${CGROUP_ROOTS[@]}"; do
        mkdir -p "$root/$LAB/$1"/{supervisor,guest}
    done
    [[ $memory != - ]] || return 0
    if (( CGROUP_V1 )); then
        echo "$memory" >"/sys/fs/cgroup/memory/$LAB/$1/guest/memory.limit_in_bytes"
    else
        pass_memory_controller "$CGROUP_MAIN/$1"
        echo "$memory" >"$CGROUP_MAIN/$1/guest/memory.max"
    fi
}

# cgroup_enter NODE supervisor|guest: moves the calling shell.
cgroup_enter() {
    local root
    for root in "${CGROUP_ROOTS[@]}"; do
        echo "$BASHPID" >"$root/$LAB/$1/$2/cgroup.procs"
    done
}

# All but the light ones, which have groups below "wide".
cgroup_nodes() {
    [[ ! -d $CGROUP_MAIN ]] \
        || find "$CGROUP_MAIN" -mindepth 1 -maxdepth 1 -type d ! -name wide -printf '%f\n' | sort
}

# cgroup_pids NODE[/supervisor|/guest]
cgroup_pids() {
    find "$CGROUP_MAIN/$1" -name cgroup.procs -exec cat {} + 2>/dev/null || true
}

cgroup_empty() { [[ -z $(cgroup_pids "$1") ]]; }

cgroup_freeze() {
    if (( CGROUP_V1 )); then
        echo FROZEN >"$CGROUP_MAIN/$1/guest/freezer.state"
    else
        echo 1 >"$CGROUP_MAIN/$1/guest/cgroup.freeze"
    fi
    wait_until 10 cgroup_frozen "$1" || die "$1 does not freeze"
}

cgroup_thaw() {
    if (( CGROUP_V1 )); then
        echo THAWED >"$CGROUP_MAIN/$1/guest/freezer.state"
    else
        echo 0 >"$CGROUP_MAIN/$1/guest/cgroup.freeze"
    fi
}

cgroup_frozen() {
    if (( CGROUP_V1 )); then
        [[ $(<"$CGROUP_MAIN/$1/guest/freezer.state") == FROZEN ]]
    else
        grep -qx 'frozen 1' "$CGROUP_MAIN/$1/guest/cgroup.events"
    fi
}

# A frozen process dies only when it is thawed.
cgroup_kill() {
    local pid
    for pid in $(cgroup_pids "$1"); do
        kill -KILL "$pid" 2>/dev/null || true
    done
    cgroup_thaw "$1"
    wait_until 10 cgroup_empty "$1" || die "$1: processes survive SIGKILL: $(cgroup_pids "$1")"
}

# cgroup_remove [NODE]: without NODE the lab's own, emptied, groups.
cgroup_remove() {
    local root
    for root in "${CGROUP_ROOTS[@]}"; do
        wait_until 5 remove_tree_of_groups "$root/$LAB/${1-}" || die "cannot remove $root/$LAB/${1-}"
    done
}

# Dying processes keep a group busy for a moment.
remove_tree_of_groups() {
    [[ ! -d $1 ]] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
}

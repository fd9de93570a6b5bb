# What is on, hung or unplugged.

lab_status() {
    case ${1-} in
        --json) status_json ;;
        '') status_table ;;
        *) wrong_usage "status [--json]" ;;
    esac
}

power_state() { if node_is_on "$1"; then echo on; else echo off; fi; }

hang_state() { if node_is_on "$1" && cgroup_frozen "$1"; then echo true; else echo false; fi; }

cable_state() { if [[ -e $STATE/nodes/$1/unplugged-$2 ]]; then echo down; else echo up; fi; }

status_table() {
    network_is_up || { echo "the lab is down"; return; }
    local name format='%-10s %-12s %-6s %-6s %-6s %-6s %-6s %s\n'
    # shellcheck disable=SC2059
    printf "$format" NAME ADDRESS USER POWER HUNG HOST0 STOR0 SERVICES
    for name in $(node_names); do
        load_node "$name"
        # shellcheck disable=SC2059
        printf "$format" "$name" "10.77.0.$index" "$login" "$(power_state "$name")" "$(hang_state "$name")" \
            "$(cable_state "$name" host0)" "$(cable_state "$name" stor0)" "$services"
    done
    for name in $(guest_names); do
        load_guest "$name"
        echo "$name, a guest of $HYPERVISOR, 10.77.0.$index: $(guest_state "$name")"
    done
    [[ ! -e $WIDE/names ]] || echo "$(count_wide) of $(wide_names | wc -l) light hosts are on"
}

status_json() {
    local name up=false separator=
    ! network_is_up || up=true
    printf '{"up": %s, "nodes": {' "$up"
    for name in $(node_names); do
        printf '%s\n  "%s": {"power": "%s", "hung": %s, "cables": {"host0": "%s", "stor0": "%s"}}' \
            "$separator" "$name" "$(power_state "$name")" "$(hang_state "$name")" \
            "$(cable_state "$name" host0)" "$(cable_state "$name" stor0)"
        separator=,
    done
    printf '},\n "guests": {'
    separator=
    for name in $(guest_names); do
        printf '%s"%s": "%s"' "$separator" "$name" "$(guest_state "$name")"
        separator=', '
    done
    printf '},\n "wide": {"hosts": %d, "on": %d}}\n' "$(wide_names | wc -l)" "$(count_wide)"
}

# Waiting until hosts can be used.

# wait_ready [NODE...]
wait_ready() {
    local name names=("$@")
    (( $# )) || mapfile -t names < <(node_names)
    for name in "${names[@]}"; do known_node "$name"; done
    # They start all at once, so the first step takes the time of all.
    for name in "${names[@]}"; do step "$name answers ssh" wait_for 60 "$name" answers_ssh; done
    for name in "${names[@]}"; do step "$name runs its services" wait_for 120 "$name" services_active; done
    for name in "${names[@]}"; do
        load_node "$name"
        [[ $services != *devstack@keystone* ]] \
            || step "keystone of $name answers" wait_for 120 "$name" keystone_answers
    done
}

# wait_for SECONDS NODE CONDITION
wait_for() {
    wait_until "$1" "$3" "$2" || {
        tail -n 15 "$STATE/nodes/$2/console.log" >&2
        die "$2: no success with ${3//_/ } within $1 s"
    }
}

# The banner, not just an open port. The whole test is bounded: a host may hang.
answers_ssh() {
    load_node "$1"
    # shellcheck disable=SC2016
    in_lab timeout 2 bash -c 'exec 3<>"/dev/tcp/$0/22" && read -r banner <&3 && [[ $banner == SSH-* ]]' \
        "10.77.0.$index" 2>/dev/null
}

services_active() {
    load_node "$1"
    local states
    # shellcheck disable=SC2086 # one word a service
    states=$(in_node "$1" timeout 5 systemctl is-active ${services//,/ }) && ! grep -qvx active <<<"$states"
}

keystone_answers() {
    load_node "$1"
    in_lab curl --silent --fail --max-time 3 --output /dev/null "http://10.77.0.$index:5000/v3"
}

# The hosts: the table "nodes", and what the state directory says about them. There,
# a host's row has the path of the image in place of its name.

DOMAIN=domain.tld
MAX_EXTRAS=150                  # they have .101 to .250
# Of OpenSSH 9's first choice, each login costs both ends together 0.2 s of a processor, and a virtual machine 4 s.
SSHD_CONFIG="KexAlgorithms curve25519-sha256"
VMS=0                           # whether there are virtual machines, too
declare index image memory cgroup login management storage alias services

# load_node NAME: sets the variables above.
load_node() {
    read -r index image memory cgroup login management storage alias services <"$STATE/nodes/$1/row"
}

node_rows() {
    grep -v '^#' "$LAB_HOME/nodes"
    (( ! VMS )) || grep -v '^#' "$LAB_HOME/vms"
}

node_names() { [[ ! -d $STATE/nodes ]] || ls "$STATE/nodes"; }

known_node() { [[ -n ${1-} && -e $STATE/nodes/$1/row ]] || wrong_usage "no host \"${1-}\" (is the lab up?)"; }

# define_nodes EXTRAS: writes keys and descriptions.
define_nodes() {
    local name rest number
    [[ -e $STATE/id ]] || ssh-keygen -q -t ed25519 -N '' -C "$LAB" -f "$STATE/id"
    while read -r name index image rest; do
        define_node "$name" "$index" "$image" "$rest"
    done < <(node_rows)
    for (( number = 1; number <= $1; number++ )); do
        define_node "$(printf 'extra-%02d' $number)" $((100 + number)) base "- 1 root host0 stor0 - memcached"
    done
    {
        for name in $(node_names); do hosts_line "$name"; done
        guest_hosts_lines
        wide_hosts_lines
    } | write_hosts
    {
        for name in $(node_names); do known_hosts_line "$name"; done
        guest_known_hosts_lines
        wide_known_hosts_line
    } >"$STATE/known_hosts"
    describe_lab >"$STATE/lab.json"
}

# define_node NAME INDEX IMAGE REST: a running host keeps its row, and so its disk.
define_node() {
    [[ -n ${IMAGE_PATH[$3]} ]] || return 0
    local dir=$STATE/nodes/$1
    mkdir -p "$dir"
    [[ -e $dir/host_key ]] || ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$dir/host_key"
    node_is_on "$1" || echo "$2 ${IMAGE_PATH[$3]} $4" >"$dir/row"
}

forget_nodes() {
    rm -rf "$STATE/nodes" "$WIDE"
    rm -f "$STATE"/{id,id.pub,hosts,known_hosts,lab.json}
    rmdir --ignore-fail-on-non-empty "$STATE" 2>/dev/null || true
}

hosts_line() {
    load_node "$1"
    local names="$1.$DOMAIN $1"
    [[ $alias == - ]] || names+=" $alias"
    echo "10.77.0.$index $names"
    echo "fd77::$index $names"
}

write_hosts() {
    {
        echo "127.0.0.1 localhost"
        echo "::1 localhost ip6-localhost ip6-loopback"
        cat
    } >"$STATE/hosts"
}

known_hosts_line() {
    load_node "$1"
    local names="$1.$DOMAIN,$1,10.77.0.$index,fd77::$index,10.78.0.$index,fd78::$index" key
    [[ $alias == - ]] || names+=",$alias"
    read -r key < <(cut -d ' ' -f 1,2 "$STATE/nodes/$1/host_key.pub")
    echo "$names $key"
}

# mac_address NETWORK INDEX
mac_address() { printf '52:54:00:%s:00:%02x' "$1" "$2"; }

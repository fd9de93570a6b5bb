# The guests: virtual machines of the host "host", which is the hypervisor. What stands here
# is their names and addresses; the image "hypervisor" makes them.

HYPERVISOR=host

# each_guest CMD...: runs CMD with the name, the index and the controller's index of each.
each_guest() {
    local row
    while read -r -a row; do "$@" "${row[@]}"; done < <(grep -v '^#' "$LAB_HOME/guests")
}

is_guest() { grep -q "^$1 " "$LAB_HOME/guests"; }

# load_guest NAME: sets those variables of load_node which a guest has.
load_guest() {
    login=root
    read -r _ index _ < <(grep "^$1 " "$LAB_HOME/guests")
}

guest_names() { each_guest echo | cut -d ' ' -f 1; }

guest_hosts_lines() { each_guest guest_hosts_line; }

guest_hosts_line() {
    echo "10.77.0.$2 $1.$DOMAIN $1"
    echo "10.77.0.$3 bmc-$1.$DOMAIN bmc-$1"
}

# They have the hypervisor's own host key.
guest_known_hosts_lines() {
    local key
    read -r key < <(cut -d ' ' -f 1,2 "$STATE/nodes/$HYPERVISOR/host_key.pub")
    each_guest guest_known_hosts_line "$key"
}

guest_known_hosts_line() { echo "$2.$DOMAIN,$2,10.77.0.$3 $1"; }

# virsh on the hypervisor, which may hang.
in_hypervisor() { in_node "$HYPERVISOR" timeout 5 "$@"; }

# guest_state GUEST: libvirt's word for it.
guest_state() { in_hypervisor virsh --quiet domstate "$1" 2>/dev/null || echo unknown; }

# Of guests which a test left otherwise than running, the unit puts back the snapshot "ready".
guests_up() {
    local name
    for name in $(guest_names); do
        [[ $(guest_state "$name") == running ]] || in_node "$HYPERVISOR" systemctl restart "lab-guest@$name"
    done
}

# Part of lab.json.
describe_hypervisor() {
    local separator=
    cat <<JSON
  "hypervisor": {
    "name": "$HYPERVISOR",
    "libvirt": "qemu+ssh://root@host.local/system",
    "redfish": {
      "http": "http://host.local:8000",
      "https": "https://host.local:8443",
      "certificate": "/etc/lab-redfish/cert.pem",
      "user": "admin",
      "password": "redfish-secret"
    },
    "ipmi": {"user": "admin", "password": "ipmi-secret"}
  },
  "guests": [
JSON
    each_guest describe_guest
    printf '\n  ]\n'
}

# Sets the separator of describe_hypervisor.
describe_guest() {
    printf '%s' "$separator"
    cat <<JSON
    {
      "name": "$1",
      "fqdn": "$1.$DOMAIN",
      "address": "10.77.0.$2",
      "mac": "$(mac_address 77 "$2")",
      "user": "root",
      "become": false,
      "snapshot": "ready",
      "services": ["memcached"],
      "bmc": {"name": "bmc-$1", "address": "10.77.0.$3", "port": 623}
    }
JSON
    separator=,
}

# lab.json, what tests read of the lab. No value of ours needs quoting.

describe_lab() {
    local name separator=
    cat <<JSON
{
  "name": "$LAB",
  "netns": "$NETNS",
  "ssh_key": "$STATE/id",
  "known_hosts": "$STATE/known_hosts",
  "hosts": "$STATE/hosts",
  "controller": {"address": "10.77.0.1", "address6": "fd77::1"},
  "keystone": {"url": "http://10.77.0.11:5000/v3", "user": "admin", "password": "lab-secret", "project": "admin"},
  "accounts": {
    "stack": {"password": "stack-secret", "sudo": "without password"},
    "careful": {"password": "careful-secret", "sudo": "with password"}
  },
  "nodes": [
JSON
    for name in $(node_names); do
        printf '%s%s' "$separator" "$(describe_node "$name")"
        separator=$',\n'
    done
    printf '\n  ],\n'
    describe_wide
    describe_hypervisor
    printf '}\n'
}

describe_node() {
    load_node "$1"
    local become=true limit=null aliases=() units=()
    [[ $login != root ]] || become=false
    [[ $memory == - ]] || limit="\"$memory\""
    [[ $alias == - ]] || aliases=("$alias")
    IFS=, read -ra units <<<"$services"
    cat <<JSON
    {
      "name": "$1",
      "fqdn": "$1.$DOMAIN",
      "aliases": [$(json_strings "${aliases[@]}")],
      "address": "10.77.0.$index",
      "address6": "fd77::$index",
      "user": "$login",
      "become": $become,
      "memory": $limit,
      "services": [$(json_strings "${units[@]}")],
      "interfaces": {
        "management": {"name": "$management", $(json_addresses 77)},
        "storage": {"name": "$storage", $(json_addresses 78)}
      }
    }
JSON
}

# json_addresses NUMBER: of the loaded host on the network 10.NUMBER.0.0.
json_addresses() {
    echo "\"mac\": \"$(mac_address "$1" "$index")\", \"addresses\": [\"10.$1.0.$index/24\", \"fd$1::$index/64\"]"
}

json_strings() {
    local list
    printf -v list '"%s", ' "$@"
    (( ! $# )) || echo "${list%, }"
}

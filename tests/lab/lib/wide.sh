# The light hosts of "up --wide": namespaces with sshd and one service each, without systemd.
# They read the image "base" and one layer over it, which they share; what they write is in
# memory. Their control groups are wide/NAME, so that what is done to any host from outside
# is done to them by that name.

WIDE=$STATE/wide
MAX_WIDE=240                    # they have .11 to .250

is_wide() { [[ -n ${1-} ]] && grep -qsx "$1" "$WIDE/names"; }

wide_names() { [[ ! -e $WIDE/names ]] || cat "$WIDE/names"; }

# wide_index NAME: sets "index", the host part of the address.
wide_index() { index=$(( 10 + 10#${1#wide-} )); }

# define_wide [COUNT]: how many there shall be; as many as there are when it is left out.
define_wide() {
    [[ -n ${1-} || -e $WIDE/names ]] || return 0
    mkdir -p "$WIDE/root"
    [[ -e $WIDE/host_key ]] || ssh-keygen -q -t ed25519 -N '' -C wide -f "$WIDE/host_key"
    [[ -z ${1-} ]] || seq --format 'wide-%03.0f' "$1" >"$WIDE/names"
}

# The layer over the image, for all of them; nobody changes it under a host that is on.
prepare_wide_layer() {
    local layer=$WIDE/layer
    [[ ! -e $layer ]] || return 0
    cp -r "$LAB_HOME/wide" "$layer.new"
    chmod -R u=rwX,go=rX "$layer.new"
    install -m 600 "$WIDE/host_key" "$layer.new/etc/ssh/ssh_host_ed25519_key"
    install -m 644 "$WIDE/host_key.pub" "$layer.new/etc/ssh/ssh_host_ed25519_key.pub"
    install -d -m 700 "$layer.new/root" "$layer.new/root/.ssh"
    install -m 644 "$STATE/id.pub" "$layer.new/root/.ssh/authorized_keys"
    echo "${IMAGE_PATH[base]}" >"$WIDE/image"
    mv "$layer.new" "$layer"
}

wide_up() {
    local name names=()
    mapfile -t names < <(wide_names)
    for name in $(wide_groups); do
        is_wide "$name" || { power_off "wide/$name"; cgroup_remove "wide/$name"; }
    done
    (( ${#names[@]} )) || return 0
    prepare_wide_layer
    bridge_up br-wide 79
    in_lab sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'    # so that hosts reach hosts
    mkdir -p "${names[@]/#/$CGROUP_MAIN/wide/}"
    for name in "${names[@]}"; do start_wide "$name"; done
    step "${#names[@]} light hosts answer" wide_answer 60 "${names[@]}"
}

start_wide() {
    local group=$CGROUP_MAIN/wide/$1
    [[ ! -d $group/guest ]] || cgroup_thaw "wide/$1"
    ! node_is_on "wide/$1" || return 0
    mkdir -p "$group"/{supervisor,guest}
    wide_index "$1"
    (
        echo "$BASHPID" >"$group/supervisor/cgroup.procs"
        exec setsid unshare --mount --propagation private --uts --ipc --net --pid --fork --kill-child \
            "$LAB_HOME/lib/run-wide" "$1" "$index" "$(mac_address 79 "$index")" "$group"
    ) </dev/null &>>"$WIDE/console.log" 9>&- &
}

# wide_answer SECONDS NAME...: one shell asks them all.
wide_answer() {
    # shellcheck disable=SC2016
    in_lab bash -c '
        (( deadline = SECONDS + $1 )); shift
        for name; do
            address=10.79.0.$(( 10 + 10#${name#wide-} ))
            until { read -r -t 2 banner && [[ $banner == SSH-* ]]; } 2>/dev/null <"/dev/tcp/$address/22"; do
                (( SECONDS < deadline )) || { echo "$name"; exit 1; }
                sleep 0.1
            done 2>/dev/null
        done' wide_answer "$@" || { tail -n 15 "$WIDE/console.log" >&2; die "the light host named above does not answer ssh"; }
}

wide_groups() {
    [[ ! -d $CGROUP_MAIN/wide ]] || find "$CGROUP_MAIN/wide" -mindepth 1 -maxdepth 1 -type d -printf '%f\n'
}

# All at once; with a host's PID 1 the kernel kills everything in it.
wide_down() {
    local name
    [[ -d $CGROUP_MAIN/wide ]] || return 0
    cgroup_pids wide | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
    for name in $(wide_groups); do cgroup_thaw "wide/$name"; done
    wait_until 10 cgroup_empty wide || die "light hosts survive SIGKILL: $(cgroup_pids wide)"
    cgroup_remove wide
}

# How many have a process.
count_wide() {
    wide_groups | sed "s|.*|$CGROUP_MAIN/wide/&/supervisor/cgroup.procs|" | xargs --no-run-if-empty awk 'FNR == 1' | wc -l
}

wide_hosts_lines() {
    local name index
    for name in $(wide_names); do
        wide_index "$name"
        printf '%s %s.%s %s\n' "10.79.0.$index" "$name" "$DOMAIN" "$name" "fd79::$index" "$name" "$DOMAIN" "$name"
    done
}

# They have one host key.
wide_known_hosts_line() {
    local key
    [[ -e $WIDE/host_key.pub ]] || return 0
    read -r key < <(cut -d ' ' -f 1,2 "$WIDE/host_key.pub")
    echo "wide-*,10.79.0.*,fd79::* $key"
}

# Part of lab.json: how the service is found, started and, by a bare command, restarted.
describe_wide() {
    local name index separator=
    cat <<'JSON'
  "wide": {
    "user": "root",
    "service": {
      "name": "memcached",
      "pidfile": "/run/memcached/memcached.pid",
      "start": ["/usr/local/sbin/lab-service", "start"],
      "restart": ["/usr/local/sbin/lab-service", "restart"],
      "port": 11211
    },
    "nodes": [
JSON
    for name in $(wide_names); do
        wide_index "$name"
        printf '%s      {"name": "%s", "fqdn": "%s", "address": "%s"}' \
            "$separator" "$name" "$name.$DOMAIN" "10.79.0.$index"
        separator=$',\n'
    done
    printf '\n    ]\n  },\n'
}

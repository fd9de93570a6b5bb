# What this machine must have.

# command:package. nftables and sshpass are for the tests which use the lab.
DEPS=(
    systemd-nspawn:systemd-container mmdebstrap:mmdebstrap eatmydata:eatmydata
    mkfs.ext4:e2fsprogs pip3:python3-pip ip:iproute2 pgrep:procps curl:curl ssh:openssh-client sshpass:sshpass nft:nftables
)
# For virtual machines.
VM_DEPS=(qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils busybox:busybox-static cpio:cpio xz:xz-utils zstd:zstd lz4:lz4)

install_deps() {
    local dep missing=()
    (( ! VMS )) || DEPS+=("${VM_DEPS[@]}")
    for dep in "${DEPS[@]}"; do
        type -P "${dep%%:*}" >/dev/null || missing+=("${dep##*:}")
    done
    # Debian's relatives may lack its keys.
    [[ -e /usr/share/keyrings/debian-archive-keyring.gpg ]] || missing+=(debian-archive-keyring)
    (( ${#missing[@]} )) || return 0
    say "installing ${missing[*]}"
    apt_install "${missing[@]}" || { apt_get update && apt_install "${missing[@]}"; } \
        || die "cannot install ${missing[*]}"
}

apt_install() { apt_get install --yes --no-install-recommends "$@"; }

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >/dev/null
}

refuse_unless_buildable() {
    need_root
    if [[ ! -e /etc/debian_version ]] || ! type -P apt-get >/dev/null; then
        refuse "no lab here: this is no Debian-like system"
    fi
    unshare --mount --net true 2>/dev/null || refuse "no lab here: cannot create namespaces"
}

refuse_unless_runnable() {
    refuse_unless_buildable
    [[ -d /proc/sys/net/ipv6 ]] || refuse "no lab here: this kernel has no IPv6"
    install -d -m 700 "$STATE"
    overlay_works || refuse "no lab here: cannot mount an overlay under $STATE"
    cgroup_create_root 2>/dev/null || refuse "no lab here: cannot create control groups"
}

# For example not in a container whose root is an overlay itself.
overlay_works() {
    local probe works=0
    probe=$(mktemp -d "$STATE/probe.XXXXXX")
    mkdir "$probe"/{lower,upper,work,root}
    unshare --mount mount -t overlay overlay "$probe/root" \
        -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" 2>/dev/null || works=1
    rm -rf "$probe"
    return $works
}

# 128 by default, used up by some twenty systemd hosts; left raised at "down".
raise_inotify_limit() {
    local limit=/proc/sys/fs/inotify/max_user_instances hosts need
    hosts=$(node_names | wc -l)
    (( need = 128 + 16 * hosts ))
    (( $(<$limit) >= need )) || echo $need >$limit
}

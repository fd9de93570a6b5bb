# Settings and small helpers of every part of the lab.

umask 022                       # users of the hosts must read the files made here

# Several labs can run side by side if they differ in name and directory.
export OS_FAULTS_LAB_NAME=${OS_FAULTS_LAB_NAME:-osf-lab}
export OS_FAULTS_LAB_DIR=${OS_FAULTS_LAB_DIR:-/var/tmp/os-faults-lab}
LAB=$OS_FAULTS_LAB_NAME
STATE=$OS_FAULTS_LAB_DIR
CACHE=${OS_FAULTS_LAB_CACHE:-/var/cache/os-faults-lab}
NETNS=/run/netns/$LAB

say() { printf '%s\n' "$*" >&2; }

die() { say "lab: $*"; exit 1; }

wrong_usage() { say "lab: wrong usage: $*"; exit 64; }

# "No lab can be built here": callers tell it from a failure by the status 69.
refuse() { say "lab: $*"; exit 69; }

need_root() { (( EUID == 0 )) || refuse "no lab here: it needs root"; }

# step MESSAGE CMD...: runs CMD and says how long it took.
step() {
    local message=$1 start=${EPOCHREALTIME/./} took
    shift
    "$@"
    took=$(( (${EPOCHREALTIME/./} - start) / 100000 ))
    printf '%5d.%d s  %s\n' $((took / 10)) $((took % 10)) "$message" >&2
}

# wait_until SECONDS CMD...: repeats CMD until it succeeds.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        (( SECONDS < deadline )) || return 1
        sleep 0.1
    done
}

# One change of the lab at a time. Long-lived children must not inherit fd 9.
lock_lab() {
    exec 9>"/run/lock/$LAB.lock"
    flock --wait 600 9 || die "another lab command still runs"
}

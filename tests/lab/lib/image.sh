# Root file systems: CACHE/NAME-KEY, used as the lower layer of the hosts' overlays.
# images/NAME may hold packages (a list), files (a tree), outside (run on this machine, with the
# directory), setup (run inside, at the end), and one of two files: release, then it is not built on
# top of "base" but from nothing, from that release of Debian, with what "base" has and what itself has;
# or onto, the image on top of which it is built. aptopt has options of apt for the first.
# With a file "machine" it is a virtual machine, see machine.sh, and has what is in ../vm, too.

mapfile -t IMAGES < <(echo base; find "$LAB_HOME/images" -mindepth 1 -maxdepth 1 -type d ! -name base -printf '%f\n' | LC_ALL=C sort)
declare -A IMAGE_PATH           # filled by build_images; empty where it can't be built here

is_from_nothing() { [[ $1 == base || -e $LAB_HOME/images/$1/release ]]; }

# The image below one that is not from nothing.
image_below() { cat "$LAB_HOME/images/$1/onto" 2>/dev/null || echo base; }

release_of() {
    local image=$1
    until is_from_nothing "$image"; do image=$(image_below "$image"); done
    cat "$LAB_HOME/images/$image/release" 2>/dev/null || echo bookworm
}

# The directories with what an image is made of, but for those of the image below.
image_parts() {
    ! is_machine "$1" || echo "$LAB_HOME/vm"
    [[ $1 == base || ! -e $LAB_HOME/images/$1/release ]] || echo "$LAB_HOME/images/base"
    echo "$LAB_HOME/images/$1"
}

# The key changes with whatever goes into the image. Each image is whole: no host needs a stack of layers.
image_key() {
    local part
    is_from_nothing "$1" || image_key "$(image_below "$1")"
    for part in $(image_parts "$1"); do
        (cd "$part" && find . -type f | LC_ALL=C sort | xargs -d '\n' sha256sum)
    done
    ! is_machine "$1" || machine_key
    declare -f build_image
}

image_path() { echo "$CACHE/$1-$(image_key "$1" | sha256sum | cut -c 1-16)"; }

build_images() {
    local image
    mkdir -p "$CACHE"
    exec 8>"$CACHE/lock"
    flock --wait 1800 8 || die "another build still runs"
    for image in "${IMAGES[@]}"; do
        if is_machine "$image" && (( ! VMS )); then continue; fi
        IMAGE_PATH[$image]=$(image_path "$image")
        [[ -d ${IMAGE_PATH[$image]} ]] || step "built the image $image" build_image "$image"
    done
    exec 8>&-
}

# Built under a temporary name, which is only ever that of an interrupted build. The mount
# namespace takes with it what mmdebstrap leaves mounted when it is killed.
build_image() {
    local path=${IMAGE_PATH[$1]} pack start hooks=() part packages=()
    rm -rf "$CACHE"/*.tmp
    if is_from_nothing "$1"; then
        export BASE=${IMAGE_PATH[base]}
        start=(--variant=minbase)
    else
        export BASE=${IMAGE_PATH[$(image_below "$1")]}
        [[ -n $BASE ]] || { IMAGE_PATH[$1]=; return; }
        # shellcheck disable=SC2016 # for the shell of mmdebstrap
        start=(--variant=custom --setup-hook='cp -a "$BASE/." "$1/"')
    fi
    # Neither owners nor modes of the checkout matter, nor do the image's directories change.
    pack='tar --owner=0 --group=0 --mode=u=rwX,go=rX --create'
    for part in $(image_parts "$1"); do
        [[ ! -e $part/packages ]] || mapfile -t -O ${#packages[@]} packages < <(grep -v '^#' "$part/packages")
        [[ ! -e $part/aptopt ]] || start+=(--aptopt="$part/aptopt")
        [[ ! -e $part/files ]] \
            || hooks+=(--customize-hook="$pack -C '$part/files' . | tar -C \"\$1\" --no-overwrite-dir --extract")
        [[ ! -e $part/outside ]] || hooks+=(--customize-hook="'$part/outside' \"\$1\" \"\$BASE\"")
        [[ ! -e $part/setup ]] || hooks+=(--customize-hook="chroot \"\$1\" bash -euo pipefail -s <'$part/setup'")
    done
    {
        unshare --mount --propagation private mmdebstrap --quiet --mode=root "${start[@]}" \
            ${packages:+--include="$(IFS=,; echo "${packages[*]}")"} \
            --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata \
            --dpkgopt='path-exclude=/usr/share/man/*' \
            --dpkgopt='path-exclude=/usr/share/doc/*' \
            --dpkgopt='path-exclude=/usr/share/locale/*' \
            "${hooks[@]}" "$(release_of "$1")" "$path.tmp" \
            && { ! is_machine "$1" || machine_of_root "$1" "$path"; }
    } &>"$CACHE/build-$1.log" 8>&- || { not_built "$1"; return; }
    mv "$path.tmp" "$path"
}

# machine_of_root IMAGE PATH: puts a machine in the place of its root file system.
machine_of_root() {
    mv "$2.tmp" "$2.root.tmp" \
        && unshare --net --mount --propagation private "$LAB_HOME/lib/make-machine" "$1" "$2.root.tmp" "$2.tmp" \
        && rm -rf "$2.root.tmp"
}

# Another release may have no mirror within reach: its hosts are left out then, unless the lab is required.
not_built() {
    local why="cannot build the image $1, see $CACHE/build-$1.log"
    tail -n 20 "$CACHE/build-$1.log" >&2
    [[ -e $LAB_HOME/images/$1/release && ${OS_FAULTS_REQUIRE_LAB-} != 1 ]] || die "$why"
    say "lab: $why; this lab is without its hosts"
    IMAGE_PATH[$1]=
}

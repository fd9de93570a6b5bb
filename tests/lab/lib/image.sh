# Root file systems: CACHE/NAME-KEY, used as the lower layer of the hosts' overlays.
# images/NAME may hold packages (a list), files (a tree), outside (run on this machine, with the
# directory), setup (run inside, at the end), and release: then it is not built on top of "base"
# but from nothing, from that release of Debian, with what "base" has and what itself has.
# aptopt has options of apt for that.

mapfile -t IMAGES < <(echo base; find "$LAB_HOME/images" -mindepth 1 -maxdepth 1 -type d ! -name base -printf '%f\n' | LC_ALL=C sort)
declare -A IMAGE_PATH           # filled by build_images; empty where it can't be built here

is_from_nothing() { [[ $1 == base || -e $LAB_HOME/images/$1/release ]]; }

release_of() { cat "$LAB_HOME/images/$1/release" 2>/dev/null || echo bookworm; }

# Each image is whole: no host needs a stack of layers.
image_parts() { if [[ $1 == base ]]; then echo base; else echo base "$1"; fi; }

# The key changes with whatever goes into the image.
image_path() {
    local part key
    key=$(
        for part in $(image_parts "$1"); do
            cd "$LAB_HOME/images/$part" || exit
            find . -type f | LC_ALL=C sort | xargs -d '\n' sha256sum
        done | cat - "$LAB_HOME/lib/image.sh" | sha256sum
    )
    echo "$CACHE/$1-${key:0:16}"
}

build_images() {
    local image
    mkdir -p "$CACHE"
    exec 8>"$CACHE/lock"
    flock --wait 1800 8 || die "another build still runs"
    for image in "${IMAGES[@]}"; do
        IMAGE_PATH[$image]=$(image_path "$image")
        [[ -d ${IMAGE_PATH[$image]} ]] || step "built the image $image" build_image "$image"
    done
    exec 8>&-
}

# Built under a temporary name, which is only ever that of an interrupted build. The mount
# namespace takes with it what mmdebstrap leaves mounted when it is killed.
build_image() {
    local path=${IMAGE_PATH[$1]} parts pack start hooks=() part dir packages=()
    rm -rf "$CACHE"/*.tmp
    export BASE=${IMAGE_PATH[base]}
    if is_from_nothing "$1"; then
        parts=$(image_parts "$1")
        start=(--variant=minbase)
    else
        parts=$1
        # shellcheck disable=SC2016 # for the shell of mmdebstrap
        start=(--variant=custom --setup-hook='cp -a "$BASE/." "$1/"')
    fi
    # Neither owners nor modes of the checkout matter, nor do the image's directories change.
    pack='tar --owner=0 --group=0 --mode=u=rwX,go=rX --create'
    for part in $parts; do
        dir=$LAB_HOME/images/$part
        [[ ! -e $dir/packages ]] || mapfile -t -O ${#packages[@]} packages < <(grep -v '^#' "$dir/packages")
        [[ ! -e $dir/aptopt ]] || start+=(--aptopt="$dir/aptopt")
        [[ ! -e $dir/files ]] \
            || hooks+=(--customize-hook="$pack -C '$dir/files' . | tar -C \"\$1\" --no-overwrite-dir --extract")
        [[ ! -e $dir/outside ]] || hooks+=(--customize-hook="'$dir/outside' \"\$1\" \"\$BASE\"")
        [[ ! -e $dir/setup ]] || hooks+=(--customize-hook="chroot \"\$1\" bash -euo pipefail -s <'$dir/setup'")
    done
    unshare --mount --propagation private mmdebstrap --quiet --mode=root "${start[@]}" \
        --include="$(IFS=,; echo "${packages[*]}")" \
        --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "${hooks[@]}" "$(release_of "$1")" "$path.tmp" &>"$CACHE/build-$1.log" 8>&- \
        || { not_built "$1"; return; }
    mv "$path.tmp" "$path"
}

# Another release may have no mirror within reach: its hosts are left out then, unless the lab is required.
not_built() {
    local why="cannot build the image $1, see $CACHE/build-$1.log"
    tail -n 20 "$CACHE/build-$1.log" >&2
    [[ -e $LAB_HOME/images/$1/release && ${OS_FAULTS_REQUIRE_LAB-} != 1 ]] || die "$why"
    say "lab: $why; this lab is without its hosts"
    IMAGE_PATH[$1]=
}

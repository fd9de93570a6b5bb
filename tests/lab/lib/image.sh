# Root file systems: CACHE/NAME-KEY, used as the lower layer of the hosts' overlays.
# images/NAME holds packages (a list), files (a tree), setup (run inside, at the end) and
# maybe outside (run before that on this machine, with the directory).

mapfile -t IMAGES < <(echo base; find "$LAB_HOME/images" -mindepth 1 -maxdepth 1 -type d ! -name base -printf '%f\n' | LC_ALL=C sort)
declare -A IMAGE_PATH           # filled by build_images

# The others are built on top of "base", yet each is whole: no host needs a stack of layers.
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
    local path=${IMAGE_PATH[$1]} pack start hooks
    rm -rf "$CACHE"/*.tmp
    export PART=$LAB_HOME/images/$1 BASE=${IMAGE_PATH[base]}
    # shellcheck disable=SC2016 # for the shell of mmdebstrap
    if [[ $1 == base ]]; then
        start=(--variant=minbase)
    else
        start=(--variant=custom --setup-hook='cp -a "$BASE/." "$1/"')
    fi
    # Neither owners nor modes of the checkout matter, nor do the image's directories change.
    pack='tar --owner=0 --group=0 --mode=u=rwX,go=rX --create'
    hooks=(--customize-hook="$pack -C \"\$PART/files\" . | tar -C \"\$1\" --no-overwrite-dir --extract")
    # shellcheck disable=SC2016
    [[ ! -e $PART/outside ]] || hooks+=(--customize-hook='"$PART/outside" "$1" "$BASE"')
    # shellcheck disable=SC2016
    hooks+=(--customize-hook='chroot "$1" bash -euo pipefail -s <"$PART/setup"')
    unshare --mount --propagation private mmdebstrap --quiet --mode=root "${start[@]}" \
        --include="$(grep -v '^#' "$PART/packages" | paste -sd,)" \
        --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "${hooks[@]}" bookworm "$path.tmp" &>"$CACHE/build-$1.log" 8>&- \
        || { tail -n 20 "$CACHE/build-$1.log" >&2; die "cannot build the image $1, see $CACHE/build-$1.log"; }
    mv "$path.tmp" "$path"
}

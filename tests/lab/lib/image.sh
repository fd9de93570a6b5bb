# Root file systems: CACHE/NAME-KEY, used as the lower layer of the hosts' overlays.
# images/NAME holds packages (a list), files (a tree) and setup (run inside, at the end).

IMAGES=(base services)
declare -A IMAGE_PATH           # filled by build_images

# "services" is "base" and more, in one image: no host needs a stack of layers.
image_parts() { if [[ $1 == base ]]; then echo base; else echo base "$1"; fi; }

image_packages() {
    local part
    for part in $(image_parts "$1"); do
        grep -v '^#' "$LAB_HOME/images/$part/packages"
    done
}

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
    local path=${IMAGE_PATH[$1]} part pack hooks=()
    rm -rf "$CACHE"/*.tmp
    # Neither owners nor modes of the checkout matter, nor do the image's directories change.
    pack='tar --owner=0 --group=0 --mode=u=rwX,go=rX --create'
    for part in $(image_parts "$1"); do
        export "FILES_OF_$part=$LAB_HOME/images/$part"
        hooks+=(
            --customize-hook="$pack -C \"\$FILES_OF_$part/files\" . | tar -C \"\$1\" --no-overwrite-dir --extract"
            --customize-hook="chroot \"\$1\" bash -euo pipefail -s <\"\$FILES_OF_$part/setup\""
        )
    done
    unshare --mount --propagation private mmdebstrap --quiet --mode=root --variant=minbase \
        --include="$(image_packages "$1" | paste -sd,)" \
        --hook-dir=/usr/share/mmdebstrap/hooks/eatmydata \
        --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        "${hooks[@]}" bookworm "$path.tmp" &>"$CACHE/build-$1.log" 8>&- \
        || { tail -n 20 "$CACHE/build-$1.log" >&2; die "cannot build the image $1, see $CACHE/build-$1.log"; }
    mv "$path.tmp" "$path"
}

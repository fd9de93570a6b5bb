#!/bin/sh
# Pause a container. Its name is the `container=` line of ./targets, its engine (docker, podman, or auto) the `engine=`
# line; for the undo ./engine keeps the one that has it. One that somebody else has paused is left alone, as the undo
# would let it go on.
set -u

container=$(sed -n 's/^container=//p' targets)
wanted=$(sed -n 's/^engine=//p' targets)
[ "$wanted" != auto ] || wanted="podman docker"

there() { # there ENGINE [STATUS]: whether the engine has the container, with that status
    found=$("$1" ps --all --quiet --filter "name=^$container\$" ${2:+--filter "status=$2"}) && [ -n "$found" ]
}

for engine in $wanted; do
    if ! command -v "$engine" >/dev/null || ! there "$engine"; then continue; fi
    if [ ! -e paused ] && there "$engine" paused; then
        echo "container $container is paused already, and not by os_faults" >&2
        exit 3
    fi
    if there "$engine" running; then
        [ "${1-}" != check ] || exit 0
        echo "$engine" >paused
        "$engine" pause "$container" >/dev/null || exit 1
        echo "changed: paused"
    elif ! there "$engine" paused; then
        echo "container $container does not run on this host, so there is nothing to pause" >&2
        exit 3
    fi
    exit 0
done
echo "no container $container on this host (asked: $wanted)" >&2
exit 3

#!/bin/sh
# Let a container go on that pause.sh has paused. One that was removed, stopped or let go on meanwhile needs nothing.
#   unpause.sh look   tells whether it is paused
set -u

[ -r paused ] || exit 0
engine=$(cat paused)
container=$(sed -n 's/^container=//p' targets)

still() {
    found=$("$engine" ps --all --quiet --filter "name=^$container\$" --filter status=paused) || exit 2
    [ -n "$found" ]
}

if [ "${1-}" = look ]; then
    still
    exit
fi
still || exit 0
"$engine" unpause "$container" || exit 1
! still

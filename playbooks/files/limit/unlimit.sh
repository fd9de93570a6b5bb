#!/bin/sh
# Take back what limit.sh did, and nothing else: a limit that somebody else has given meanwhile stays. Absent means done.
set -u
# shellcheck source=/dev/null
. ./properties.sh

[ -d before ] || exit 0
units=$(sed -n 's/^unit=//p' targets)
for unit in $units; do
    [ -e "before/$unit" ] || continue
    drop_in=$(drop_in_of "$unit")
    rm -f "$drop_in" || exit 1
    rmdir "${drop_in%/*}" 2>/dev/null || : # somebody else has something there
    now=$(value_of "$unit") || exit 1
    was=$(cat "before/$unit")
    # Somebody else has given it another limit, or the injection did not come as far as to tell that it is ours.
    if [ "$now" != "$was" ] && [ -e "before/$unit.ours" ] && ! grep -qxF "$now" "before/$unit.ours"; then continue; fi
    [ "$now" = "$was" ] || give "$unit" "$(assignment_of "$was")" || exit 1
    tries=0
    before=$(cat "before/$unit.kernel")
    until kernel=$(kernel_of "$unit") && { [ -z "$before" ] || [ -z "$kernel" ] || [ "$kernel" = "$before" ]; }; do
        tries=$((tries + 1))
        if [ "$tries" -gt 30 ]; then
            echo "the kernel keeps $unit to $kernel, not to $before as before" >&2
            exit 1
        fi
        sleep 0.1
    done
done

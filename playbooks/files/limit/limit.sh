#!/bin/sh
# Limit what the units of a service (the `unit=` lines of ./targets) may use, as ./limit says:
#   MemoryMax BYTES      CPUQuota PERCENT
# The limit is a drop-in file of our own in /run, which overrules what others have set, and systemd is told it for this
# unit alone: `systemctl daemon-reload` would write the limits of all units anew, those that a container engine has changed
# too, and systemd 257 tells the kernel nothing then. Nothing counts but what the kernel says. The undo is unlimit.sh.
#   limit.sh check   refuses what can't be limited      limit.sh look   tells whether the limit is in force
set -u
# shellcheck source=/dev/null
. ./properties.sh

read -r property amount <limit
units=$(sed -n 's/^unit=//p' targets)
case $property in
    MemoryMax) assignment=MemoryMax=$amount && kernel=$amount ;;
    *) assignment=CPUQuota=$amount% && kernel=$((amount * 1000)) ;;
esac

limited() { # limited UNIT: whether the kernel keeps to the limit; it counts memory in pages
    now=$(kernel_of "$1")
    case $now in '' | max | -*) return 1 ;; esac
    [ "$now" -gt 0 ] && [ "$now" -le "$kernel" ] && [ "$now" -gt $((kernel - 65536)) ]
}

if [ "${1-}" = look ]; then
    for unit in $units; do
        cmp -s new "$(drop_in_of "$unit")" || exit 1
        limited "$unit" || [ "$(systemctl show --property=ActiveState --value "$unit")" != active ] || exit 1
    done
    exit 0
fi

if [ ! -d /run/systemd/system ] || [ "$(id -u)" != 0 ] || ! grep -q '^unit=' targets; then
    echo "a limit needs systemd, root, and a service that is a unit of it" >&2
    exit 3
fi

if [ "$amount" -lt 1 ]; then
    echo "a limit must be above 0, got: $amount" >&2
    exit 3
fi

case $property in MemoryMax) sh panic.sh group || exit ;; esac

[ "${1-}" != check ] || exit 0

printf '[Service]\n%s\n' "$assignment" >new || exit 1
changed=
for unit in $units; do
    drop_in=$(drop_in_of "$unit")
    ! cmp -s new "$drop_in" || continue
    changed=1
    [ -e "before/$unit" ] || keep "$unit" || exit 1
    mkdir -p "${drop_in%/*}" && cp new "$drop_in" && give "$unit" "$assignment" || exit 1
    value_of "$unit" >>"before/$unit.ours" || exit 1
done

for unit in $units; do
    [ "$(systemctl show --property=ActiveState --value "$unit")" = active ] || continue
    tries=0
    until limited "$unit"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 30 ]; then
            echo "the kernel of this host does not keep $unit to $assignment, so the limit was taken back" >&2
            exit 3
        fi
        sleep 0.1
    done
done
[ -z "$changed" ] || echo "changed: $assignment"

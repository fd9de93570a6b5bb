#!/bin/sh
# Limit what the units of a service (the `unit=` lines of ./targets) may use, as ./limit says:
#   MemoryMax BYTES      CPUQuota PERCENT
# The limit is a drop-in file of our own in /run, which overrules what others have set and leaves it as it is (`systemctl
# set-property` would mix ours with theirs). Nothing counts but what the kernel says then. The undo is unlimit.sh.
#   limit.sh check   refuses what can't be limited      limit.sh look   tells whether the limit is in force
set -u

read -r property amount <limit
drop_in=zz-os-faults-$(basename "$PWD").conf
case $property in
    MemoryMax) value=$amount && kernel=$amount && files="memory.max memory/memory.limit_in_bytes" ;;
    *) value=$amount% && kernel=$((amount * 1000)) && files="cpu.max cpu/cpu.cfs_quota_us" ;;
esac

limited() { # limited UNIT: whether the kernel keeps to the limit, in version 2 of control groups or in version 1
    group=$(systemctl show --property=ControlGroup --value "$1")
    for file in $files; do
        read -r now _ 2>/dev/null <"/sys/fs/cgroup/${file%"${file##*/}"}$group/${file##*/}" || continue
        # The kernel counts memory in pages.
        [ "$now" != max ] && [ "$now" -gt 0 ] && [ "$now" -le "$kernel" ] && [ "$now" -gt $((kernel - 65536)) ] && return
    done
    return 1
}

units=$(sed -n 's/^unit=//p' targets)
if [ "${1-}" = look ]; then
    for unit in $units; do
        cmp -s new "/run/systemd/system/$unit.d/$drop_in" || exit 1
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

changed=
for unit in $units; do
    directory=/run/systemd/system/$unit.d
    printf '[Service]\n%s=%s\n' "$property" "$value" >new
    cmp -s new "$directory/$drop_in" && continue
    changed=1
    mkdir -p "$directory" && cp new "$directory/$drop_in" || exit 1
done
[ -z "$changed" ] || systemctl daemon-reload || exit 1

for unit in $units; do
    [ "$(systemctl show --property=ActiveState --value "$unit")" = active ] || continue
    tries=0
    until limited "$unit"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 30 ]; then
            echo "the kernel of this host does not keep $unit to $property=$value, so the limit was taken back" >&2
            exit 3
        fi
        sleep 0.1
    done
done
[ -z "$changed" ] || echo "changed: $property=$value"

#!/bin/sh
# os-faults: takes back disable_network-storage. Made by os_faults; see the README one directory up.
PATH=/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL
# It may be run at any time and again: sh /run/os-faults/disable_network-storage/undo.sh
cd /run/os-faults/disable_network-storage 2>/dev/null || exit 0
if timeout 10 systemctl is-active --quiet os-faults-disable_network-storage.service; then
    systemctl stop os-faults-disable_network-storage.service
    [ ! -e /run/os-faults/disable_network-storage/undo.sh ]
    exit
fi
exec 3>&2 </dev/null
failed=0
undo() {
    timeout -k 5 60 "$@" >>undo.log 2>&1 && return
    echo "failed with exit code $?: $*" >>undo.log
    failed=1
}
: >undo.log
undo sh net_up.sh
if [ "$failed" != 0 ]; then
    echo undo_failed >state
    tail -n 5 undo.log >&3
    exit 1
fi
echo undone >state
cd /
rm -rf /run/os-faults/disable_network-storage
if timeout 10 systemctl is-failed --quiet os-faults-disable_network-storage.service; then
    systemctl reset-failed os-faults-disable_network-storage.service
fi
for other in /run/os-faults/*/; do
    [ -d "$other" ] && exit 0
done
rm -f /run/os-faults/README
rmdir /run/os-faults 2>/dev/null || :

#!/bin/sh
# Take away the mount that read_only.sh laid over a directory, and no other. Absent means done.
set -u

# Nothing may be left on the stage: the hold's directory is removed after this.
! mountpoint -q stage 2>/dev/null || umount --recursive stage || exit 1
[ -e before ] || exit 0
path=$(cat mounted)

ids() {
    findmnt --noheadings --output ID --mountpoint "$path" | tr -d ' '
}

ours=$(cat mount 2>/dev/null)
[ -n "$ours" ] || ours=$(ids | grep -vxF -f before | head -n 1) # the injection ended before it could say which it is
if [ -z "$ours" ] || ! ids | grep -qxF "$ours"; then
    exit 0
fi
if [ "$(ids | tail -n 1)" != "$ours" ]; then
    echo "something else has been mounted over $path meanwhile: unmount that first"
    exit 1
fi
# Who has a directory of it open keeps it, and can write there from now on.
mount -o remount,bind,rw "$path" || exit 1
umount "$path" 2>/dev/null || umount --lazy "$path"

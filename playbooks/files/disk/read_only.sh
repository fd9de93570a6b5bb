#!/bin/sh
# Lay a read-only mount of the directory in ./path over it. What is open stays open and can still be written; whatever is
# opened from now on can't be. The mount below, its file system and its other mount points are not touched.
#   read_only.sh check   refuses what can't be done      read_only.sh look   tells whether the directory is read-only
set -u

path=$(cat path)

refuse() {
    echo "$1" >&2
    exit 3
}

if [ "${1-}" = look ]; then
    uppermost=$(findmnt --noheadings --output ID,VFS-OPTIONS --mountpoint "$(cat mounted)" | tail -n 1 | tr -s ' ' ,)
    case ,${uppermost#,}, in ,"$(cat mount)",*,ro,* | ,"$(cat mount)",ro,*) exit 0 ;; *) exit 1 ;; esac
fi

case $path in /*) ;; *) refuse "the path must be absolute, got: $path" ;; esac
[ -d "$path" ] || refuse "there is no directory $path on this host"
[ "$(id -u)" = 0 ] || refuse "making $path read-only needs root"
path=$(readlink -f "$path")
case $PWD/ in "${path%/}"/*) refuse "the host keeps its faults below $path, which must stay writable" ;; esac
case $path/ in /dev/* | /proc/* | /sys/* | /run/*) refuse "$path is not on a disk, and the host itself writes to it" ;; esac

ids() { # the mounts on the directory, the uppermost last
    findmnt --noheadings --output ID --mountpoint "$path" | tr -d ' '
}

if [ -s mount ] && ids | grep -qxF "$(cat mount)"; then
    exit 0
fi
if ! [ -w "$path" ]; then
    refuse "$path is read-only already"
fi
below=$(findmnt --noheadings --list --output TARGET | while read -r mounted; do
    case $mounted in "$path"/*) echo "$mounted" ;; esac
done | head -n 1)
[ -z "$below" ] || refuse "$below is mounted below $path and would be hidden; make that one read-only"

[ "${1-}" != check ] || exit 0

# A change of flags reaches no other mount namespace, such as that of a service with PrivateTmp=, but a new mount does, with
# the flags that it has. So it is made read-only on a stage, a private mount that nobody else sees.
mkdir -p stage/copy
echo "$path" >mounted
ids >before
mount --bind stage stage && mount --make-private stage || exit 1
mount --bind "$path" stage/copy && mount --make-private stage/copy || exit 1
flags=$(findmnt --noheadings --output VFS-OPTIONS --mountpoint "$PWD/stage/copy")
mount -o "remount,bind,$flags,ro" stage/copy && mount --bind stage/copy "$path" || exit 1
ids | tail -n 1 >mount
umount --recursive stage || exit 1
echo "changed: made $path read-only"

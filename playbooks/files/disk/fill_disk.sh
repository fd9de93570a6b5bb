#!/bin/sh
# Fill the file system of the directory in ./path, until what users other than root can have of it is the bytes in ./free.
# The space is taken by a file without a name, which the load (keep_open.py) keeps open. Growing and shrinking it goes through
# its descriptor, so the same fault can be made again with another `free`.
#   fill_disk.sh check   refuses what can't be filled      fill_disk.sh look   tells whether it is full
set -u

python=$(sed -n 's/^python=//p' targets)
path=$(cat path)
wanted=$(cat free)

refuse() {
    echo "$1" >&2
    exit 3
}

device_of() {
    stat -c %d "$1"
}

available() {
    stat -f -c '%a %S' "$path" | while read -r blocks size; do
        echo $((blocks * size))
    done
}

if [ "${1-}" = look ]; then # somebody may have made room: less than a log that is rotated does not count
    pid=$(sh load.sh main_process) && [ -e "/proc/$pid/fd/9" ] && [ "$(available)" -le $((wanted + 67108864)) ]
    exit
fi

case $path in /*) ;; *) refuse "the path must be absolute, got: $path" ;; esac
timeout 10 test -d "$path"
case $? in
    0) ;;
    124) refuse "the file system of $path does not answer" ;;
    *) refuse "there is no directory $path on this host" ;;
esac
case $(findmnt --noheadings --output FSTYPE --target "$path" | tail -n 1) in
    nfs* | smb* | cifs | ceph | afs | gfs* | ocfs2 | lustre | 9p | virtiofs | fuse*)
        refuse "$path is on a file system of the network, which is not this host's alone"
        ;;
esac
[ "$(device_of "$path")" != "$(device_of .)" ] || refuse "$path is where the host keeps its faults, which must have room"
if container=$(systemd-detect-virt --container 2>/dev/null) && [ "$(device_of "$path")" = "$(device_of /)" ]; then
    refuse "$path is on the root file system of a container ($container), which is a part of the machine's own"
fi

[ "${1-}" != check ] || exit 0

slack=1048576 # what others write and remove meanwhile is no reason to do it again
pid=$(sh load.sh main_process)
if [ "$pid" = 0 ]; then
    slack=0
    before=$(available)
    [ "$before" -gt "$wanted" ] || refuse "only $before bytes are free at $path already, so there is nothing to fill"
    if [ "$(stat -f -c %T "$path")" = tmpfs ] && [ $(((before - wanted) / 1024)) -ge "$(sh memory_free.sh)" ]; then
        refuse "$path is in memory, and there is less of it than would be filled"
    fi
    sh load.sh start "$python" "$PWD/keep_open.py" || exit 1
    tries=0
    while pid=$(sh load.sh main_process) && [ ! -e "/proc/$pid/fd/9" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || refuse "no file can be made in $path"
        sleep 0.1
    done
fi
file=/proc/$pid/fd/9

rounds=0
while missing=$(($(available) - wanted)) && { [ "$missing" -gt "$slack" ] || [ "$missing" -lt "-$slack" ]; }; do
    size=$(($(stat -L -c %s "$file") + missing))
    if [ "$rounds" = 5 ] || [ "$size" -lt 0 ]; then
        break
    fi
    rounds=$((rounds + 1))
    if [ "$missing" -lt 0 ]; then
        truncate --size="$size" "$file" || exit 1
    elif ! fallocate --length "$size" "$file" 2>/dev/null; then
        head -c "$missing" /dev/zero 2>/dev/null >>"$file" # not every file system can allocate
    fi
done

left=$(available)
if [ "$left" -gt $((wanted + 1048576)) ]; then
    echo "$left bytes are still free at $path" >&2
    exit 1
fi
[ "$rounds" = 0 ] || echo "changed: left $left bytes free at $path"
echo "fact: free=$left"

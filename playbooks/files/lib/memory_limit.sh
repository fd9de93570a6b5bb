#!/bin/sh
# Print how many bytes of memory the kernel lets this host have, if it is a container with a limit of its own;
# nothing otherwise. Read where a container sees its own control group, version 2 and 1.
total=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
group=$(sed -n 's/^[0-9]*:[^:]*memory[^:]*:\(.*\)$/\1/p' /proc/1/cgroup)
for file in "/sys/fs/cgroup/memory${group%/}/memory.limit_in_bytes" /sys/fs/cgroup/memory/memory.limit_in_bytes \
    /sys/fs/cgroup/memory.max; do
    limit=$(cat "$file" 2>/dev/null) || continue
    if [ "$limit" != max ] && [ "$limit" -le "$((total * 1024))" ]; then
        echo "$limit"
        exit 0
    fi
done

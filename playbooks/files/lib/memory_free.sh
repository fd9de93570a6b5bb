#!/bin/sh
# Print how many kB of memory this host can still use, be it a machine or a container with a limit of its own.
free=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo)
limit=$(sh memory_limit.sh)
if [ -n "$limit" ]; then
    used=$(cat /sys/fs/cgroup/memory/memory.usage_in_bytes /sys/fs/cgroup/memory.current 2>/dev/null | head -n 1)
    left=$(((limit - ${used:-0}) / 1024))
    [ "$left" -ge "$free" ] || free=$left
fi
echo "$free"

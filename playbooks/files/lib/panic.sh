#!/bin/sh
# Refuse to use up memory where the kernel would panic, and the host restart, instead of killing a process. It needs
# memory_limit.sh beside it.
#   panic.sh host     the memory of this host, which may be a container with a limit of its own
#   panic.sh group    the memory of a control group with a limit
set -u

whose=$1
[ -z "$(sh memory_limit.sh)" ] || whose=group
setting=$(cat /proc/sys/vm/panic_on_oom 2>/dev/null)
case $whose/$setting in
    host/[12] | group/2)
        echo "this host panics when memory runs out (vm.panic_on_oom=$setting), so nothing was done;" \
            "set vm.panic_on_oom=0 first, or reset the node if it is to go down" >&2
        exit 3
        ;;
esac

#!/bin/sh
# Slow down, lose or hold back what this host sends on a network interface (the `interface=` line of ./targets), as ./part
# says: `delay 100ms`, `loss 5%` or `rate 10Mbit`. An interface has one queueing discipline, so the parts of all such faults
# on it are put together, each time that one begins (shape.sh begin) or ends (shape.sh end). It has a handle of our own; one
# that somebody else has set up is left alone. What began keeps its part in ./shaped; `shape.sh look` tells whether it is
# in force.
set -u

name=$(sed -n 's/^interface=//p' targets)
netem=f518:
tbf=f517:

refuse() {
    echo "$*" >&2
    rm -f shaped
    exit 3
}

root_of() { # the kind and the handle of the interface's discipline; the kernel's own has the handle 0:
    tc qdisc show dev "$name" | sed -n 's/^qdisc \([^ ]*\) \([^ ]*\) .*\<root\>.*/\1 \2/p' | head -n 1
}

part() { # part WORD: the value that a fault on the interface has for it, the latest one
    for fault in ../*/; do
        if [ -e "$fault/shaped" ] && grep -qxF "interface=$name" "$fault/targets"; then
            sed -n "s/^$1 //p" "$fault/shaped"
        fi
    done | tail -n 1
}

burst_of() { # burst_of 10Mbit: the bytes of 10 ms, and always some packets
    bits=${1%bit}
    case $bits in
        *K) bits=$((${bits%K} * 1000)) ;;
        *M) bits=$((${bits%M} * 1000000)) ;;
        *G) bits=$((${bits%G} * 1000000000)) ;;
        *T) bits=$((${bits%T} * 1000000000000)) ;;
    esac
    bytes=$((bits / 800))
    echo $((bytes > 16384 ? bytes : 16384))
}

words() { # the words of the discipline that all the parts together make; none when there is no part
    delay=$(part delay)
    loss=$(part loss)
    rate=$(part rate)
    if [ -n "$delay$loss" ]; then
        # A rate that is not named stays what it was.
        echo "handle $netem netem limit 100000 ${delay:+delay $delay} ${loss:+loss $loss} rate ${rate:-0bit}"
    elif [ -n "$rate" ]; then
        echo "handle $tbf tbf rate $rate burst $(burst_of "$rate") latency 400ms"
    fi
}

if [ "$1" = look ]; then
    root=$(root_of)
    case ${root#* } in "$netem" | "$tbf") exit 0 ;; *) exit 1 ;; esac
fi

if [ ! -e "/sys/class/net/$name" ]; then
    [ "$1" = end ] && exit 0
    refuse "there is no network interface $name on this host"
fi
command -v tc >/dev/null || refuse "tc is not installed on this host (package iproute2, or iproute-tc)"

exec 8<.. # one at a time
flock 8
root=$(root_of)
case ${root#* } in
    0: | "$netem" | "$tbf" | '') ;;
    *)
        [ "$1" = end ] && exit 0
        refuse "$name has a queueing discipline of somebody else ($root), which is left alone"
        ;;
esac

[ "$1" != check ] || exit 0

if [ "$1" = begin ]; then
    cmp -s part shaped && [ "${root#* }" != 0: ] && exit 0
    cp part shaped
else
    rm -f shaped
fi
wanted=$(words)
if [ -z "$wanted" ]; then
    case ${root#* } in "$netem" | "$tbf") tc qdisc del dev "$name" root || exit 1 ;; esac
    exit 0
fi
# It answers by a pipe: where SELinux is enforcing, tc can write to no file of a hold.
# shellcheck disable=SC2086 # the words of a discipline
if ! said=$(tc qdisc replace dev "$name" root $wanted 2>&1); then
    kind=${wanted#* * }
    case $said in
        *"kind is unknown"*)
            refuse "the kernel of this host can't do this to a network (no ${kind%% *}; the RHEL family has it in the" \
                "package kernel-modules-extra)"
            ;;
    esac
    echo "$said" >&2
    exit 1
fi
[ "$1" = end ] || echo "changed: $(cat part) on $name"

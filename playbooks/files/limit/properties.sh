#!/bin/sh
# What limit.sh and unlimit.sh ask systemd, by its bus: the value of a property of one unit is read and given there as the
# plain number that systemd keeps, without a daemon-reload. $property is MemoryMax (bytes) or CPUQuota (percent of a
# processor, which is CPUQuotaPerSecUSec on the bus), the first word of ./limit.

read -r property _ <limit
systemd1=org.freedesktop.systemd1

drop_in_of() { # drop_in_of UNIT: our own file
    echo "/run/systemd/system/$1.d/zz-os-faults-$(basename "$PWD").conf"
}

name_on_bus() {
    case $property in CPUQuota) echo CPUQuotaPerSecUSec ;; *) echo "$property" ;; esac
}

value_of() { # value_of UNIT: what systemd keeps it to
    object=$(busctl call $systemd1 /org/freedesktop/systemd1 $systemd1.Manager LoadUnit s "$1") || return 1
    object=${object#*\"}
    value=$(busctl get-property $systemd1 "${object%\"*}" $systemd1.Service "$(name_on_bus)") || return 1
    echo "${value#t }"
}

kernel_of() { # kernel_of UNIT: what the kernel keeps it to, in version 2 of control groups or in version 1; nothing if it is off
    group=$(systemctl show --property=ControlGroup --value "$1")
    case $property in
        MemoryMax) set -- "$group/memory.max" "/memory$group/memory.limit_in_bytes" ;;
        *) set -- "$group/cpu.max" "/cpu$group/cpu.cfs_quota_us" ;;
    esac
    [ -n "$group" ] || return 0
    for file in "$@"; do
        ! read -r now _ 2>/dev/null <"/sys/fs/cgroup$file" || echo "$now"
    done
}

written_by_systemd() { # written_by_systemd UNIT: the file that it writes when a property is given
    echo "/run/systemd/system.control/$1.d/50-$property.conf"
}

keep() { # keep UNIT: what it is before
    mkdir -p before || return 1
    file=$(written_by_systemd "$1")
    [ ! -e "$file" ] || cp -p "$file" "before/$1.conf" || return 1
    kernel_of "$1" >"before/$1.kernel"
    value_of "$1" >"before/$1.new" && mv "before/$1.new" "before/$1"
}

give() { # give UNIT VALUE: the file that systemd writes is taken back, as others may have one of this name
    busctl call $systemd1 /org/freedesktop/systemd1 $systemd1.Manager SetUnitProperties 'sba(sv)' "$1" true 1 \
        "$(name_on_bus)" t "$2" || return 1
    file=$(written_by_systemd "$1")
    if [ -e "before/$1.conf" ]; then
        cp -p "before/$1.conf" "$file"
    else
        rm -f "$file" && { rmdir "${file%/*}" 2>/dev/null || :; }
    fi
}

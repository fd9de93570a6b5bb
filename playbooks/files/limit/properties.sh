#!/bin/sh
# What limit.sh and unlimit.sh ask systemd and the kernel about a property of one unit: MemoryMax or CPUQuota, the first word
# of ./limit. It is given without a daemon-reload, and by systemctl, which needs no message bus: at a shutdown there is none.

read -r property _ <limit

drop_in_of() { # drop_in_of UNIT: our own file
    echo "/run/systemd/system/$1.d/zz-os-faults-$(basename "$PWD").conf"
}

value_of() { # value_of UNIT: what systemd keeps it to, as it shows it: bytes, or how much of a second (1min 1.5s); or infinity
    case $property in
        CPUQuota) systemctl show --property=CPUQuotaPerSecUSec --value "$1" ;;
        *) systemctl show --property="$property" --value "$1" ;;
    esac
}

percent_of() { # percent_of TIME: of a processor
    echo "$1" | awk '{
        for (word = 1; word <= NF; word++) {
            unit = $word
            sub(/^[0-9.]+/, "", unit)
            seconds += $word * (unit == "min" ? 60 : unit == "s" ? 1 : unit == "ms" ? 0.001 : 0.000001)
        }
        printf "%.2f\n", seconds * 100
    }' | sed 's/\.\{0,1\}0*$//'
}

assignment_of() { # assignment_of VALUE: what gives a unit the value that it had
    case $property/$1 in
        CPUQuota/infinity) echo "CPUQuota=" ;;
        CPUQuota/*) echo "CPUQuota=$(percent_of "$1")%" ;;
        *) echo "$property=$1" ;;
    esac
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

give() { # give UNIT ASSIGNMENT: the file that systemd writes is taken back, as others may have one of this name
    systemctl set-property --runtime "$1" "$2" || return 1
    file=$(written_by_systemd "$1")
    if [ -e "before/$1.conf" ]; then
        cp -p "before/$1.conf" "$file"
    else
        rm -f "$file" && { rmdir "${file%/*}" 2>/dev/null || :; }
    fi
}

# Hosts that are virtual machines: with a kernel, a clock and all controllers of their own, by software emulation. The
# image of one has a file "machine"; it is a machine that was booted once and stopped in the middle. A host resumes a copy.
# MACHINE_* are the words of qemu that both must have alike; the key of the image holds them, and qemu's version.

MACHINE_FILES=$LAB_HOME/vm
# shellcheck disable=SC2054 # commas are qemu's
MACHINE_QEMU=(
    qemu-system-x86_64 -nodefaults -no-user-config -display none -accel tcg,thread=multi,tb-size=256
    -machine q35,usb=off,vmport=off,smbus=off,sata=off,graphics=off,mem-merge=off,memory-backend=ram -cpu qemu64 -smp 2
)
MACHINE_WORDS="console=ttyS0 quiet root=/dev/vda rw net.ifnames=0 mitigations=off nokaslr no_timer_check tsc=reliable cryptomgr.notests systemd.show_status=0"
MACHINE_RAM_APART='migrate-set-capabilities={"capabilities":[{"capability":"x-ignore-shared","state":true}]}'

# is_machine IMAGE: the name of an image, or the path of a built one.
is_machine() { [[ -e $LAB_HOME/images/$1/machine || -e $1/machine ]]; }

# What a machine's image depends on beside its files.
machine_key() {
    qemu-system-x86_64 --version
    echo "${MACHINE_QEMU[@]}" "$MACHINE_WORDS"
    declare -f machine_run
    cat "$LAB_HOME/lib/make-machine"
}

# machine_run IMAGE DIRECTORY RAM PORT MAC PORT MAC [OPTION...]: becomes qemu, with RAM for the kind of its memory.
# DIRECTORY has its disk, "disk.qcow2", and gets its monitor, "qmp", and the pipe to the agent in it, "agent.in" and
# "agent.out". Of a socket that nobody reads the agent would read the end; a pipe is always connected.
machine_run() {
    local image=$1 directory=$2 ram=$3 management=$4 mac=$5 storage=$6 mac_2=$7 MEMORY WORDS
    shift 7
    # shellcheck source=/dev/null
    . "$image/machine"
    rm -f "$directory"/{qmp,agent.in,agent.out}
    mkfifo "$directory"/agent.{in,out}
    exec "${MACHINE_QEMU[@]}" -m "$MEMORY" -object "$ram,id=ram,size=$MEMORY" \
        -kernel "$image/vmlinux" -initrd "$image/initrd" -append "$MACHINE_WORDS $WORDS" \
        -drive "if=none,id=disk,file=$directory/disk.qcow2,format=qcow2,cache=unsafe,discard=unmap" \
        -device virtio-blk-pci,drive=disk \
        -netdev "tap,id=host0,ifname=$management,script=no,downscript=no" \
        -device "virtio-net-pci,netdev=host0,mac=$mac,romfile=" \
        -netdev "tap,id=stor0,ifname=$storage,script=no,downscript=no" \
        -device "virtio-net-pci,netdev=stor0,mac=$mac_2,romfile=" \
        -device virtio-serial-pci -chardev "pipe,id=agent,path=$directory/agent" -device virtserialport,chardev=agent,name=lab \
        -serial stdio -device vmgenid,guid=auto -qmp "unix:$directory/qmp,server=on,wait=off" "$@"
}

# machine_ask DIRECTORY COMMAND...: what its monitor is to do.
machine_ask() {
    wait_until 20 test -S "$1/qmp" || die "no monitor of qemu in $1"
    "$MACHINE_FILES/qmp" "$1/qmp" "${@:2}"
}

# machine_tell DIRECTORY SECONDS <SCRIPT: has the agent in the machine run a script.
machine_tell() {
    local status=
    wait_until 20 test -p "$1/agent.in" || die "no pipe to the machine in $1"
    base64 --wrap=0 >"$1/agent.in.text"
    echo >>"$1/agent.in.text"
    timeout "$2" cat "$1/agent.in.text" >"$1/agent.in" && status=$(timeout "$2" head -n 1 "$1/agent.out")
    rm -f "$1/agent.in.text"
    [[ $status == 0 ]] || die "the machine in $1 has not done what it was told: ${status:-no answer within $2 s}"
}

# machine_stop DIRECTORY: ends the machine; what it was is in DIRECTORY/devices, and its memory in the file it has.
machine_stop() {
    machine_ask "$1" "$MACHINE_RAM_APART" stop "migrate={\"uri\":\"exec:cat >'$1/devices'\"}" wait-migrated quit
}

# machine_resume IMAGE DIRECTORY: lets the machine that machine_run began with "-incoming defer" go on as IMAGE's.
machine_resume() {
    machine_ask "$2" "$MACHINE_RAM_APART" "migrate-incoming={\"uri\":\"exec:cat '$1/devices'\"}" wait-migrated cont
}

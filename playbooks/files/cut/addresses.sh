#!/bin/sh
# Write the addresses of the hosts in ./others (a name or an address a line) to ./found, and of this host to ./own.
set -u

while read -r other; do
    case $other in
        *:*) echo "${other%\%*}" ;;
        *[!0-9.]*)
            if ! getent ahosts "$other" >resolved; then
                echo "there is no address for $other on this host" >&2
                exit 3
            fi
            cut -d ' ' -f 1 resolved
            ;;
        *) echo "$other" ;;
    esac
done <others >found

ip -o address | awk '{ sub("/.*", "", $4); print $4 }' >own

#!/bin/sh
# Write the rules that cut ports off, new connections and open ones, IPv4 and IPv6. cut.sh puts them in force. What to cut
# stands in ./targets:
#   port=tcp/5000     a port; port=tcp/5000/10.0.0.1 at this address of the host only
#   way=ingress       drop only what arrives at these ports of this host, and of that only what the hosts in ./found have
#                     sent (see addresses.sh), where there is this file
#   way=egress        drop only what leaves for these ports, of whatever host
#   session=A/PORT    the controller's own ssh, which goes on
# Without a way these ports of this host are cut off from everybody, over loopback too.
set -u

way=$(sed -n 's,^way=,,p' targets)

from() { # from FAMILY PROTOCOL PORT ADDRESS-OF-THIS-HOST, and the options of grep that choose addresses of the family
    addresses=$(sort -u found | grep "$5" "$6" | paste -s -d , -)
    [ -z "$addresses" ] || echo "in drop $1 $2 $addresses $3 - $4"
}

list_rules() {
    sed -n 's,^session=\(.*\)/\(.*\)$,\1 \2,p' targets | while read -r client port; do
        case $client in *:*) family=6 ;; *) family=4 ;; esac
        echo "in accept $family tcp $client $port -"
        echo "out accept $family tcp $client $port -"
    done
    sed -n '/^port=/{s///;s,/, ,g;p;}' targets | while read -r protocol port own; do
        case $own in '') family=- own=- ;; *:*) family=6 ;; *) family=4 ;; esac
        case $way in
            egress) echo "out drop - $protocol - - $port -" ;;
            ingress)
                if [ -e found ]; then
                    [ "$family" = 6 ] || from 4 "$protocol" "$port" "$own" -v :
                    [ "$family" = 4 ] || from 6 "$protocol" "$port" "$own" -e :
                else
                    echo "in drop $family $protocol - $port - $own"
                fi
                ;;
            *)
                echo "in drop $family $protocol - $port - $own"
                echo "out drop $family $protocol - $port - $own"
                ;;
        esac
    done
}

if [ -e found ]; then
    # Who is on this host as well comes over loopback too.
    if grep -qxF -f own found; then printf '%s\n' 127.0.0.1 ::1 >>found; fi
    if ! [ -s found ]; then
        echo "nobody is known at the other end, so there is nothing to cut off" >&2
        exit 3
    fi
fi
list_rules >rules

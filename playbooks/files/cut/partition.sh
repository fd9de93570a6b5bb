#!/bin/sh
# Write the rules that cut this host off from the addresses in ./found (see addresses.sh), both directions, IPv4 and IPv6.
# cut.sh puts them in force. The controller's own ssh (the `session=CLIENT/PORT` lines of ./targets) goes on, also when
# the controller is one of the others, and so does the discovery of neighbours, without which ssh over IPv6 would end.
set -u

# What is this host's own as well, such as the bridge of Docker or libvirt, leads to none of the others.
sort -u found | grep -vxF -f own >addresses

list() { # list GREP-OPTIONS: those of ./addresses with commas between them
    grep "$@" addresses | paste -s -d , -
}
addresses4=$(list -v :)
addresses6=$(list :)
if [ -z "$addresses4$addresses6" ]; then
    echo "the others have no address but those of this host itself, so there is nothing to cut off" >&2
    exit 3
fi

rules_for() { # rules_for in|out
    for type in 133 134 135 136 137; do
        echo "$1 accept 6 icmpv6 - $type -"
    done
    sed -n 's,^session=\(.*\)/\(.*\)$,\1 \2,p' targets | while read -r client port; do
        case $client in *:*) family=6 ;; *) family=4 ;; esac
        echo "$1 accept $family tcp $client $port -"
    done
    [ -z "$addresses4" ] || echo "$1 drop 4 - $addresses4 - -"
    [ -z "$addresses6" ] || echo "$1 drop 6 - $addresses6 - -"
}

{
    rules_for in
    rules_for out
} >rules

#!/bin/sh
# Write the rules that cut ports of this host off (the `port=tcp/5000` lines of ./targets) for every other process: new
# connections and open ones, from outside and over loopback. cut.sh puts them in force.
set -u

sed -n 's,^port=\(.*\)/\(.*\)$,\1 \2,p' targets | while read -r protocol port; do
    echo "in drop - $protocol - $port -"
    echo "out drop - $protocol - $port -"
done >rules

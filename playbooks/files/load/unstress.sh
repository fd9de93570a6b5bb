#!/bin/sh
# End the load of stress.sh and remove what it wrote to the disk.
set -u

sh load.sh stop || exit 1
rm -rf "/var/tmp/os-faults-$(basename "$PWD")"

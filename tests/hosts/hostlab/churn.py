"""A host on which things come and go all the time: what guests, containers and other people's tools make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hostlab.observer import Host

_COME = """
    ip link add tap-guest type veth peer name qvb-guest
    ip link set tap-guest up
    ip address add 10.44.0.1/24 dev tap-guest
    ip route add 10.45.0.0/24 dev tap-guest
    mount -t tmpfs guest /mnt
    echo 'table inet guest { chain in { type filter hook input priority 0; tcp dport 9 drop; }; }' | nft -f -
    systemd-run --quiet --unit=lab-guest sleep 60
"""
_GO = """
    systemctl stop lab-guest
    nft delete table inet guest
    umount /mnt
    ip link del tap-guest
"""
_START = f"""
cat >/run/lab-churn.sh <<'END'
stop=
trap 'stop=1' TERM
rounds=0
while [ -z "$stop" ]; do
{_COME}
    sleep 0.2
{_GO}
    sleep 0.1
    rounds=$((rounds + 1))
    echo "$rounds" >/run/lab-churn.rounds
done
END
systemd-run --quiet --unit=lab-churn --property=KillMode=process sh /run/lab-churn.sh
"""
_STOP = "systemctl stop lab-churn; rm -f /run/lab-churn.*"

STAYS = """
ip link add tap-stays type veth peer name qvb-stays
ip link set tap-stays up
echo 'table inet stays { chain in { type filter hook input priority 0; tcp dport 9 drop; }; }' | nft -f -
"""
"""What somebody else makes and keeps."""

GOES = "ip link del tap-stays; nft delete table inet stays 2>/dev/null; true"


def rounds(host: Host) -> int:
    """Return how often things have come and gone on a host since `churn` began."""
    return int(host.sh("cat /run/lab-churn.rounds"))


@contextmanager
def churn(host: Host) -> Iterator[None]:
    """Keep things coming and going on a host."""
    host.sh(_START)
    try:
        yield
    finally:
        host.sh(_STOP, check=False)

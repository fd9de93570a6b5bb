"""Containers for the hosts that have podman: a web server each, of the host's own busybox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hostlab import clients
from hostlab.observer import Host
from hostlab.stage import at_once

PREPARE = r"""
tiny=$(mktemp -d)
mkdir -p $tiny/bin $tiny/www
cp /bin/busybox $tiny/bin/
ln -s busybox $tiny/bin/true
echo hello >$tiny/www/index.html
tar -C $tiny -c . | podman import --quiet - tiny >/dev/null
rm -r $tiny
web() { # web NAME PORT
    podman create --name $1 --stop-timeout 1 --network host tiny /bin/busybox httpd -f -p $2 -h /www >/dev/null
}
kolla() { # kolla NAME PORT: under a unit, as kolla-ansible lays it
    web $1 $2
    cat >/etc/systemd/system/kolla-$1-container.service <<END
[Service]
ExecStart=/usr/bin/podman start --attach $1
ExecStop=/usr/bin/podman stop --time 1 $1
Restart=always
RestartSec=1
END
    systemctl daemon-reload
    systemctl start kolla-$1-container
}
"""
"""The image, and how to make a container of it. Pacemaker looks whether one lives by its ``true``."""

REMOVE = """
systemctl stop 'kolla-*-container'
rm -f /etc/systemd/system/kolla-*-container.service
systemctl daemon-reload
podman rm --all --force --time 0 >/dev/null
podman rmi tiny >/dev/null
"""
"""Take all of it away."""

WEB, TWIN, MANAGED = 8071, 8072, 8073
"""Ports of three containers: one that is meant, one that is called much like it, one that a unit runs."""


@contextmanager
def owners(cluster: Sequence[Host], script: str) -> Iterator[list[Host]]:
    """Give the first host, of root, and the third, where stack becomes root, with containers.

    Args:
        cluster: the hosts that have podman.
        script: makes the containers, by ``web NAME PORT`` and ``kolla NAME PORT``.
    """
    owners = [cluster[0], cluster[2]]
    try:
        at_once(lambda host: host.sh(f"{PREPARE}\n{script}"), owners)
        yield owners
    finally:
        at_once(lambda host: host.sh(REMOVE, check=False), owners)


def answers(host: Host, port: int) -> bool:
    """Return whether the web server at a port of a host answers."""
    return clients.answers("http", host.address, port)


def status(host: Host, name: str) -> str:
    """Return the state of a container in podman's word."""
    return host.sh(f"podman inspect --format '{{{{.State.Status}}}}' {name}")

"""The catalogue of Kolla has the containers that kolla-ansible starts."""

from __future__ import annotations

import pytest

from os_faults.resources import catalogue

#: Containers of kolla-ansible 2026.1, among them those of Neutron since its API is a server of its own (2024.2).
CONTAINERS = """
neutron_server neutron_rpc_server neutron_periodic_worker neutron_ovn_maintenance_worker neutron_ovn_vpn_agent
keystone_fernet keystone_httpd nova_compute_ironic ovn_sb_db_relay
barbican_api barbican_worker designate_api designate_central designate_mdns designate_worker magnum_conductor
manila_api manila_share masakari_api masakari_engine masakari_hostmonitor hacluster_corosync hacluster_pacemaker
octavia_api octavia_worker octavia_health_manager trove_taskmanager valkey_server valkey_sentinel opensearch
""".split()


@pytest.mark.case("u07")
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_container_of_kolla_is_a_service(container: str) -> None:
    services = catalogue("kolla")
    (name,) = [name for name, entry in services.items() if entry["container"] == container]
    assert services[name]["driver"] == "container"


@pytest.mark.case("u07")
def test_no_container_is_two_services_and_no_name_is_twice() -> None:
    services = catalogue("kolla")
    containers = [entry["container"] for entry in services.values()]
    assert len(containers) == len(set(containers)) > 140
    names = [name for service, entry in services.items() for name in (service, *entry.get("aliases", ()))]
    assert len(names) == len(set(names))

"""What is made of Pacemaker's answers: as a real cluster gave them, and in the shapes that it can take."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.os_faults import errors
from ansible.module_utils.os_faults.service import pacemaker

pytestmark = pytest.mark.functional

RECORDED = sorted((Path(__file__).parents[2] / "recorded" / "pacemaker").glob("crm_mon-*.xml"))

SHAPES = """
<pacemaker-result>
  <nodes>
    <node name="a" online="true"/><node name="b" online="true"/><node name="c" online="false"/>
  </nodes>
  <resources>
    <group id="front" disabled="true">
      <resource id="vip" resource_agent="ocf::heartbeat:IPaddr2"><node name="a"/></resource>
      <resource id="proxy" resource_agent="systemd:haproxy" managed="false"/>
    </group>
    <clone id="rabbit-clone">
      <resource id="rabbit:0" resource_agent="ocf:rabbitmq:cluster"><node name="a"/></resource>
      <resource id="rabbit:1" resource_agent="ocf:rabbitmq:cluster"><node name="b"/></resource>
    </clone>
    <resource id="mysql" resource_agent="lsb:mysql" target_role="Stopped"/>
  </resources>
  <bans>
    <ban id="cli-ban-mysql-on-a" resource="mysql" node="a"/>
    <ban id="by-configuration" resource="vip" node="b"/>
  </bans>
</pacemaker-result>
"""


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_real_cluster(path: Path) -> None:
    cluster = pacemaker.parse(path.read_text())
    assert cluster.nodes == ("cluster-1", "cluster-2", "cluster-3")
    shop = cluster.resource("shop")
    assert (shop.agent, shop.unit, shop.everywhere, shop.disabled) == ("systemd:shop", "shop", False, False)
    assert len(shop.nodes) == 1
    assert cluster.resource("every-clone").nodes == cluster.nodes
    assert cluster.resource("every-clone").everywhere


def test_groups_clones_bans_and_what_is_switched_off() -> None:
    cluster = pacemaker.parse(SHAPES)
    assert cluster.nodes == ("a", "b")
    assert cluster.bans == {("mysql", "a")}
    front, vip, proxy = (cluster.resource(name) for name in ("front", "vip", "proxy"))
    assert (front.nodes, vip.nodes, proxy.nodes) == (("a",), ("a",), ())
    assert front.disabled
    assert vip.disabled
    assert (vip.managed, proxy.managed) == (True, False)
    assert (vip.unit, proxy.unit, cluster.resource("mysql").unit) == (None, "haproxy", "mysql")
    assert cluster.resource("rabbit").nodes == cluster.resource("rabbit-clone").nodes == ("a", "b")
    assert cluster.resource("rabbit").everywhere
    assert cluster.resource("mysql").disabled


BUNDLE = """
<pacemaker-result>
  <nodes>
    <node name="controller-0" online="true" type="member"/>
    <node name="controller-1" online="true" type="member"/>
    <node name="compute-0" online="true" type="remote"/>
    <node name="db-bundle-0" online="true" type="remote"/>
    <node name="db-bundle-1" online="true" type="remote"/>
  </nodes>
  <resources>
    <resource id="compute-0" resource_agent="ocf:pacemaker:remote"><node name="controller-1"/></resource>
    <resource id="fence" resource_agent="ocf:openstack:NovaEvacuate"><node name="compute-0"/></resource>
    <bundle id="db-bundle" type="podman" managed="true">
      <replica id="0">
        <resource id="galera" resource_agent="ocf:heartbeat:galera"><node name="db-bundle-0"/></resource>
        <resource id="db-pod-0" resource_agent="ocf:heartbeat:podman"><node name="controller-0"/></resource>
        <resource id="db-bundle-0" resource_agent="ocf:pacemaker:remote"><node name="controller-0"/></resource>
      </replica>
      <replica id="1">
        <resource id="galera" resource_agent="ocf:heartbeat:galera"><node name="db-bundle-1"/></resource>
        <resource id="db-pod-1" resource_agent="ocf::heartbeat:podman" role="Starting">
          <node name="controller-1"/>
        </resource>
        <resource id="db-bundle-1" resource_agent="ocf::pacemaker:remote"><node name="controller-1"/></resource>
      </replica>
    </bundle>
  </resources>
</pacemaker-result>
"""
"""A bundle in the layout of TripleO, and a remote node that is a host of its own."""


@pytest.mark.case("f27")
def test_the_replicas_of_a_bundle_are_where_their_containers_are() -> None:
    cluster = pacemaker.parse(BUNDLE)
    assert cluster.nodes == ("controller-0", "controller-1", "compute-0")
    for name in ("db-bundle", "galera"):
        assert cluster.resource(name).nodes == ("controller-0", "controller-1"), name
        assert cluster.resource(name).everywhere
    assert cluster.resource("db-bundle").starting == ("controller-1",)
    assert [cluster.resource(name).bundle for name in ("galera", "db-bundle")] == ["db-bundle", ""]
    assert cluster.resource("fence").nodes == ("compute-0",)


def test_a_resource_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(errors.ClusterError, match="no resource 'heat' on this cluster; it has: front, mysql"):
        pacemaker.parse(SHAPES).resource("heat")
    with pytest.raises(errors.ClusterError, match="no XML"):
        pacemaker.parse("not yet")


def test_a_host_without_a_cluster_says_so(play):
    services = {"mysql": {"driver": "pacemaker", "resource": "p_mysqld"}}
    failed = play(
        "service_state.yml", inventory={"os_faults_services": services}, service="mysql", service_action="start"
    )
    assert failed.failures["here"].startswith("Pacemaker is not installed on this host")


STOPPED = """
<pacemaker-result api-version="2.25" request="crm_mon -1 --output-as=xml">
  <status code="102" message="Not connected">
    <errors><error>crm_mon: Connection to cluster failed: Connection refused</error></errors>
  </status>
</pacemaker-result>
"""


def test_a_stopped_pacemaker_is_told_with_the_next_step(monkeypatch) -> None:
    monkeypatch.setattr(pacemaker, "installed", lambda: True)
    with pytest.raises(errors.ClusterError) as caught:
        pacemaker.ask(lambda command: (102, STOPPED, ""))
    assert str(caught.value) == (
        "Pacemaker does not answer on this host: crm_mon: Connection to cluster failed: Connection refused; "
        "if it is stopped, start it (systemctl start pacemaker)"
    )

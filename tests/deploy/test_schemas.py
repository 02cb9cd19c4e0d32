"""Kubernetes would take what we render."""

import kubernetes_validate
import pytest
import yaml

from deploy.local.postgres import SCHEMAS
from tests.deploy.manifests import BACKED, OVERLAYS, of_kind
from tests.support.kustomize import Resource, rendered
from tests.support.system import ROOT

# Kinds that operators bring, which the Kubernetes schemas do not know; what ours say to each other
# is tested below.
OPERATORS = {
    "postgresql.cnpg.io/v1": {"Cluster", "ScheduledBackup"},
    "barmancloud.cnpg.io/v1": {"ObjectStore"},
    "rabbitmq.com/v1beta1": {"RabbitmqCluster", "Vhost", "User", "Permission"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule"},
    "gateway.networking.k8s.io/v1": {"Gateway", "HTTPRoute"},
}
VERSIONS = ("1.30", "1.37")
"""The oldest that preStop's sleep is good for without a feature gate, and the newest known."""


def examples() -> list[Resource]:
    """Everything in k8s/examples."""
    return [
        resource
        for file in sorted((ROOT / "k8s" / "examples").glob("*.yaml"))
        for resource in yaml.safe_load_all(file.read_text())
    ]


def brought_by_operator(resource: Resource) -> bool:
    return resource["kind"] in OPERATORS.get(resource["apiVersion"], ())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", [*OVERLAYS, "k8s/examples"])
def test_each_resource_is_of_its_kind(overlay: str, version: str) -> None:
    resources = examples() if overlay.endswith("examples") else rendered(overlay)
    for resource in resources:
        if not brought_by_operator(resource):
            kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_there_once_and_in_our_namespace(overlay: str) -> None:
    keys = [
        (each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in rendered(overlay)
    ]
    assert len(keys) == len(set(keys))
    assert {
        each["metadata"].get("namespace")
        for each in rendered(overlay)
        if each["kind"] != "Namespace"
    } == {"barong"}


def test_the_local_overlay_needs_no_operator() -> None:
    assert not any(brought_by_operator(each) for each in rendered("k8s/overlays/local"))


def test_every_role_has_its_password_and_its_schema() -> None:
    cluster = of_kind(rendered("k8s/overlays/production"), "Cluster")["postgres"]["spec"]
    roles = {role["name"]: role for role in cluster["managed"]["roles"]}
    assert roles.keys() == {f"barong_{schema}" for schema in SCHEMAS}
    for role in roles.values():
        assert role["login"] is True
        assert not {"superuser", "createdb", "createrole", "inRoles", "replication"} & role.keys()


def test_backups_are_made_and_kept() -> None:
    resources = rendered("k8s/overlays/production")
    cluster = of_kind(resources, "Cluster")["postgres"]["spec"]
    (plugin,) = cluster["plugins"]
    store = of_kind(resources, "ObjectStore")[plugin["parameters"]["barmanObjectName"]]["spec"]
    assert plugin["isWALArchiver"] is True
    assert store["retentionPolicy"] == "30d"
    scheduled = of_kind(resources, "ScheduledBackup")["postgres"]["spec"]
    assert scheduled["cluster"]["name"] == "postgres"
    assert scheduled["pluginConfiguration"]["name"] == plugin["name"]
    assert len(scheduled["schedule"].split()) == 6  # seconds first
    assert cluster["instances"] >= 3
    assert cluster["postgresql"]["synchronous"]["number"] == 1


def test_every_service_has_a_user_of_its_own_at_the_broker() -> None:
    resources = rendered("k8s/overlays/production")
    cluster = of_kind(resources, "RabbitmqCluster")["rabbitmq"]["spec"]
    assert cluster["replicas"] % 2 == 1
    assert "default_queue_type = quorum" in cluster["rabbitmq"]["additionalConfig"]
    users = of_kind(resources, "User")
    permissions = of_kind(resources, "Permission")
    assert users.keys() == permissions.keys() == {*BACKED}
    for name in BACKED:
        assert not users[name]["spec"].get("tags")
        assert permissions[name]["spec"]["userReference"] == {"name": name}
    for kind in ("User", "Permission", "Vhost"):
        for each in of_kind(resources, kind).values():
            assert each["spec"]["rabbitmqClusterReference"] == {"name": "rabbitmq"}


def test_prometheus_finds_every_part() -> None:
    monitors = of_kind(rendered("k8s/overlays/production"), "PodMonitor")
    assert monitors.keys() == {"barong", "postgres", "rabbitmq"}
    (endpoint,) = monitors["barong"]["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("internal", "/metrics")
    assert endpoint["relabelings"][0]["targetLabel"] == "service"  # what the alerts go by

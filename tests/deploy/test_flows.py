"""Every connection that the code makes is let through, and no other."""

import os.path
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import admin_svc.routes
import identity_svc.routes
import oauth_svc.routes
import resource_svc.routes
import webhooks_svc.routes
from admin_svc.settings import AdminSettings
from authz_gateway.settings import GatewaySettings
from console_svc.settings import ConsoleSettings
from identity_svc.settings import IdentitySettings
from mailer_svc.settings import MailerSettings
from oauth_svc.settings import OAuthSettings
from resource_svc.settings import ResourceSettings
from shared.contracts.services import (
    ADMIN,
    CONSOLE,
    GATEWAY,
    IDENTITY,
    MAILER,
    OAUTH,
    RESOURCE,
    WEBHOOKS,
)
from shared.settings import DatabaseSettings, ProcessSettings, ServiceSettings, load_settings
from shared.web.routes import Route, ServiceToken
from tests.deploy.flows import Peer, Policies
from tests.deploy.manifests import BACKED, NAME, OVERLAYS, SERVICES, workloads
from tests.support.kustomize import Resource, rendered
from tests.support.system import KEY, ROOT
from webhooks_svc.settings import WebhooksSettings

SETTINGS: Mapping[str, type[ProcessSettings]] = {
    IDENTITY: IdentitySettings,
    RESOURCE: ResourceSettings,
    ADMIN: AdminSettings,
    GATEWAY: GatewaySettings,
    MAILER: MailerSettings,
    WEBHOOKS: WebhooksSettings,
    OAUTH: OAuthSettings,
    CONSOLE: ConsoleSettings,
}
INTERNAL: Mapping[str, tuple[Route[Any], ...]] = {
    IDENTITY: identity_svc.routes.INTERNAL,
    RESOURCE: resource_svc.routes.INTERNAL,
    ADMIN: admin_svc.routes.INTERNAL,
    WEBHOOKS: webhooks_svc.routes.INTERNAL,
    OAUTH: oauth_svc.routes.INTERNAL,
}
PUBLIC_PORT, INTERNAL_PORT = 8080, 9080

POSTGRES = Peer({"barong.io/part": "postgres"})
RABBITMQ = Peer({NAME: "rabbitmq"})
DNS = Peer({"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})
INGRESS = Peer(namespace={"barong.io/ingress": "true"})
MONITORING = Peer(namespace={"barong.io/monitoring": "true"})
OTHER_POD = Peer(namespace={"kubernetes.io/metadata.name": "default"})
NEIGHBOUR = Peer({NAME: "something-else"})
INTERNET = Peer(address="93.184.216.34")
METADATA = Peer(address="169.254.169.254")
INTRANET = Peer(address="10.1.2.3")
MIGRATED = (
    "identity-jobs",
    "resource-jobs",
    "admin-jobs",
    "mailer-jobs",
    "webhooks-jobs",
    "oauth-jobs",
)
JOBS = {name: Peer({NAME: name}) for name in MIGRATED}
PODS = {name: Peer({NAME: name}) for name in SERVICES}

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def has_schema(service: str) -> bool:
    """Whether a service has a database: its settings say so."""
    return issubclass(SETTINGS[service], DatabaseSettings)


def callers(service: str) -> set[str]:
    """Who may call a service's internal API: its routes name them, and take nobody else's token.

    The key set needs no token: every other service verifies tokens or events with it.
    """
    named: set[str] = set()
    for route in INTERNAL.get(service, ()):
        if isinstance(route.access, ServiceToken):
            named |= route.access.callers
        else:
            named |= set(BACKED) - {service}
    return named


@each_overlay
def test_our_pods_have_the_labels_that_policies_know(overlay: str) -> None:
    labels = {each.labels.get(NAME) for each in workloads(rendered(overlay)) if each.ours}
    assert labels == PODS.keys() | JOBS.keys()


@each_overlay
@pytest.mark.parametrize("service", SERVICES)
def test_internal_apis_are_open_to_their_callers_only(overlay: str, service: str) -> None:
    policies = Policies(rendered(overlay))
    allowed = {
        caller
        for caller, pod in {**PODS, **JOBS, "neighbour": NEIGHBOUR}.items()
        if policies.allow(pod, PODS[service], INTERNAL_PORT) and caller != service
    }
    assert allowed == callers(service)
    assert policies.allow(MONITORING, PODS[service], INTERNAL_PORT)
    for outsider in (INGRESS, OTHER_POD, INTERNET, INTRANET):
        assert not policies.allow(outsider, PODS[service], INTERNAL_PORT)


@each_overlay
@pytest.mark.parametrize("service", SERVICES)
def test_public_apis_are_open_to_the_gateway_only(overlay: str, service: str) -> None:
    policies = Policies(rendered(overlay))
    peers = {**PODS, **JOBS, "neighbour": NEIGHBOUR, "ingress": INGRESS, "monitoring": MONITORING}
    allowed = {
        name for name, peer in peers.items() if policies.allow(peer, PODS[service], PUBLIC_PORT)
    }
    expected = {GATEWAY: {"ingress", CONSOLE}, MAILER: set()}.get(service, {GATEWAY})
    assert allowed == expected
    assert not policies.allow(OTHER_POD, PODS[service], PUBLIC_PORT)
    assert not policies.allow(INTERNET, PODS[service], PUBLIC_PORT)


@each_overlay
def test_postgresql_is_open_to_those_who_have_a_schema(overlay: str) -> None:
    policies = Policies(rendered(overlay))
    peers = {**PODS, **JOBS, "neighbour": NEIGHBOUR}
    allowed = {name for name, peer in peers.items() if policies.allow(peer, POSTGRES, 5432)}
    assert allowed == {name for name in SERVICES if has_schema(name)} | JOBS.keys()
    assert not policies.allow(OTHER_POD, POSTGRES, 5432)


@each_overlay
def test_rabbitmq_is_open_to_all_services_and_nobody_else(overlay: str) -> None:
    policies = Policies(rendered(overlay))
    peers = {**PODS, **JOBS, "neighbour": NEIGHBOUR}
    allowed = {name for name, peer in peers.items() if policies.allow(peer, RABBITMQ, 5672)}
    assert allowed == set(BACKED)
    assert not policies.allow(OTHER_POD, RABBITMQ, 5672)
    for port in (4369, 15672, 25672):
        assert not any(policies.allow(peer, RABBITMQ, port) for peer in peers.values())


@each_overlay
def test_names_are_looked_up_and_nothing_else_in_the_cluster(overlay: str) -> None:
    policies = Policies(rendered(overlay))
    for pod in (*PODS.values(), *JOBS.values()):
        assert policies.allow(pod, DNS, 53, "UDP")
        assert not policies.allow(pod, DNS, 443)
        assert not policies.allow(pod, OTHER_POD, 443)


@each_overlay
def test_the_internet_is_open_where_somebody_there_is_asked(overlay: str) -> None:
    """Captchas and identity-svc; Twilio, object storage and resource-svc; mails."""
    policies = Policies(rendered(overlay))
    everybody = {**PODS, **JOBS}
    for port, expected in {
        443: {IDENTITY, RESOURCE, WEBHOOKS, OAUTH},
        465: {MAILER},
        587: {MAILER},
        25: set(),
        80: set(),
        5432: set(),
    }.items():
        allowed = {n for n, pod in everybody.items() if policies.allow(pod, INTERNET, port)}
        assert allowed == expected, port
        for inside in (METADATA, INTRANET):
            assert not any(policies.allow(pod, inside, port) for pod in everybody.values())


def with_component(name: str, folder: Path) -> tuple[Resource, ...]:
    """The overlay for production with a component."""
    base, component = (
        os.path.relpath(ROOT / "k8s" / each, folder)
        for each in ("overlays/production", f"components/{name}")
    )
    file = folder / "kustomization.yaml"
    file.write_text(f"resources: [{base}]\ncomponents: [{component}]\n")
    return rendered(str(folder))


def test_traces_go_to_namespaces_of_collectors(tmp_path: Path) -> None:
    resources = with_component("traces", tmp_path)
    policies, before = Policies(resources), Policies(rendered("k8s/overlays/production"))
    collector = Peer(namespace={"barong.io/collector": "true"})
    for name, pod in {**PODS, **JOBS}.items():
        assert policies.allow(pod, collector, 4318) == (name in PODS)
        assert not before.allow(pod, collector, 4318)
        assert not policies.allow(pod, OTHER_POD, 4318)
    [settings] = [
        each["data"]
        for each in resources
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].startswith("barong-settings")
    ]
    secret = {"BARONG_SERVICE_KEYS": KEY}
    loaded = load_settings(ServiceSettings, {**settings, **secret})
    assert loaded.traces_endpoint.endswith(":4318/v1/traces")


def test_only_gateways_reach_valkey(tmp_path: Path) -> None:
    policies = Policies(with_component("shared-rates", tmp_path))
    valkey = Peer({"barong.io/part": "valkey"})
    peers = {**PODS, **JOBS, "neighbour": NEIGHBOUR, "other-pod": OTHER_POD}
    assert {name for name, peer in peers.items() if policies.allow(peer, valkey, 6379)} == {GATEWAY}


def test_only_the_ingress_asks_gateways_over_grpc(tmp_path: Path) -> None:
    resources = with_component("ext-authz", tmp_path)
    policies = Policies(resources)
    peers = {**PODS, **JOBS, "neighbour": NEIGHBOUR, "other-pod": OTHER_POD, "ingress": INGRESS}
    asking = {name for name, peer in peers.items() if policies.allow(peer, PODS[GATEWAY], 9001)}
    assert asking == {"ingress"}
    [gateway] = [each for each in workloads(resources) if each.labels.get(NAME) == GATEWAY]
    [container] = gateway.containers
    assert {"name": "BARONG_EXT_AUTHZ_PORT", "value": "9001"} in container["env"]
    assert {"name": "ext-authz", "containerPort": 9001} in container["ports"]


def test_operators_reach_their_own() -> None:
    policies = Policies(rendered("k8s/overlays/production"))
    cnpg = Peer(namespace={"kubernetes.io/metadata.name": "cnpg-system"})
    topology = Peer(namespace={"kubernetes.io/metadata.name": "rabbitmq-system"})
    assert policies.allow(cnpg, POSTGRES, 8000)
    assert policies.allow(topology, RABBITMQ, 15672)
    assert not policies.allow(cnpg, RABBITMQ, 15672)
    assert not policies.allow(topology, POSTGRES, 5432)
    for port in (5432, 8000):
        assert policies.allow(POSTGRES, POSTGRES, port)
    for port in (4369, 25672):
        assert policies.allow(RABBITMQ, RABBITMQ, port)
    assert policies.allow(MONITORING, POSTGRES, 9187)
    assert policies.allow(MONITORING, RABBITMQ, 15692)
    assert policies.allow(POSTGRES, INTERNET, 443)  # backups, and Kubernetes' API
    assert policies.allow(RABBITMQ, INTRANET, 6443)


@each_overlay
def test_a_pod_that_nobody_thought_of_is_cut_off(overlay: str) -> None:
    policies = Policies(rendered(overlay))
    for port in (80, 443, PUBLIC_PORT, INTERNAL_PORT):
        for other in (OTHER_POD, INTERNET, INGRESS, *PODS.values()):
            assert not policies.allow(other, NEIGHBOUR, port)
            assert not policies.allow(NEIGHBOUR, other, port)

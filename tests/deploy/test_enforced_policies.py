"""What kube-router lets through with our network policies, between network namespaces."""

import os
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy

import pytest

from deploy.cluster.control_plane import until
from deploy.cluster.programs import CONTROL_PLANE, NoClusterError, are_built
from deploy.local.processes import StartError
from shared.contracts.services import (
    CONSOLE,
    GATEWAY,
    IDENTITY,
    MAILER,
    OAUTH,
    RESOURCE,
    WEBHOOKS,
)
from tests.deploy.flows import Peer, Policies
from tests.deploy.manifests import BACKED, OVERLAYS, SERVICES, of_kind
from tests.deploy.test_flows import (
    DNS,
    INGRESS,
    INTERNET,
    INTRANET,
    JOBS,
    MONITORING,
    NEIGHBOUR,
    OTHER_POD,
    PODS,
    POSTGRES,
    PUBLIC_PORT,
    RABBITMQ,
    callers,
    has_schema,
)
from tests.support.kustomize import Resource, rendered
from tests.support.pod_network import Flow, PodNetwork, pod_network

pytestmark = pytest.mark.xdist_group("machine")

PEERS: Mapping[str, Peer] = {
    **PODS,
    **JOBS,
    "postgres": POSTGRES,
    "rabbitmq": RABBITMQ,
    "mail": Peer({"app.kubernetes.io/name": "mail"}),
    "names": DNS,
    "ingress": INGRESS,
    "monitoring": MONITORING,
    "other-pod": OTHER_POD,
    "neighbour": NEIGHBOUR,
    "internet": INTERNET,
    "intranet": INTRANET,
    "cnpg": Peer(namespace={"kubernetes.io/metadata.name": "cnpg-system"}),
    "topology": Peer(namespace={"kubernetes.io/metadata.name": "rabbitmq-system"}),
}
OPERATORS = [
    *(("postgres", "postgres", port) for port in (5432, 8000)),
    *(("rabbitmq", "rabbitmq", port) for port in (4369, 25672, 35672)),
    *((name, "intranet", port) for name in ("postgres", "rabbitmq") for port in (443, 6443)),
    *(("cnpg", "postgres", 8000), ("topology", "rabbitmq", 15672)),
    *(("monitoring", "postgres", 9187), ("monitoring", "rabbitmq", 15692)),
]
"""What PostgreSQL and RabbitMQ need of themselves and of their operators."""

PORTS = (53, 443, 465, 587, 1025, 5432, 5672, 6443, 8000, 8025, 8080, 9080, 9187, 15672, 15692)
LOCAL, PRODUCTION = OVERLAYS


def flows(overlay: str) -> list[Flow]:
    """Every connection that the code makes, as the routes and the settings of services say."""
    found = [(name, GATEWAY, PUBLIC_PORT) for name in ("ingress", CONSOLE)]
    for name in SERVICES:
        found.append(("monitoring", name, 9080))
        if name in BACKED:
            found.append((name, "rabbitmq", 5672))
        found += [(caller, name, 9080) for caller in sorted(callers(name))]
        if has_schema(name):
            found.append((name, "postgres", 5432))
        if name not in (GATEWAY, MAILER):
            found.append((GATEWAY, name, PUBLIC_PORT))
    found += [(name, "postgres", 5432) for name in JOBS]
    found += [(name, "internet", 443) for name in (IDENTITY, RESOURCE, WEBHOOKS, OAUTH)]
    found += [(MAILER, "internet", port) for port in (465, 587)]
    found += [(name, "names", 53) for name in (*PODS, *JOBS)]
    if overlay == LOCAL:
        found.append((MAILER, "mail", 1025))
    else:
        found += OPERATORS
    datagrams = [(name, "names", 53, "UDP") for name in (*PODS, *JOBS)]
    return [*((*flow, "TCP") for flow in found), *datagrams]


@pytest.fixture(scope="module")
def network() -> Iterator[PodNetwork]:
    """All peers, without a policy."""
    if os.geteuid() != 0:
        pytest.skip("only root makes network namespaces and enforces policies")
    if not are_built(CONTROL_PLANE):
        pytest.skip("no API server has been built: `make cluster` does it, in minutes")
    try:
        with pod_network(PEERS, PORTS) as made:
            yield made
    except (NoClusterError, StartError) as error:
        pytest.skip(f"no API server and no kube-router here: {error}")


def policies(overlay: str) -> Mapping[str, Resource]:
    """The network policies of an overlay, by their names."""
    return of_kind(rendered(overlay), "NetworkPolicy")


def ours(overlay: str) -> set[Flow]:
    """The flows between two places."""
    return {each for each in flows(overlay) if each[0] != each[1]}


def is_ours(peer: Peer) -> bool:
    """Whether our policies decide: for a pod of our namespace."""
    return peer.namespace is None and not peer.address


def enforce(network: PodNetwork, overlay: str) -> None:
    """The policies of an overlay and no others, and all of them."""
    forbidden = {("neighbour", "postgres", 5432, "TCP")}
    network.remove()
    until(lambda: network.reached(forbidden) == forbidden, "no policy", seconds=60)
    network.apply(list(policies(overlay).values()))
    until(lambda: not network.reached(forbidden), "policies", seconds=60)
    until_all_pass(network, ours(overlay))


def until_all_pass(network: PodNetwork, wanted: set[Flow]) -> None:
    """Waits until all of them get through."""
    until(lambda: network.reached(wanted) == wanted, "the flows suffice", seconds=60)


def test_without_policies_everybody_reaches_everybody(network: PodNetwork) -> None:
    forbidden = {("other-pod", "postgres", 5432, "TCP"), ("neighbour", "intranet", 443, "TCP")}
    until_all_pass(network, ours(LOCAL) | ours(PRODUCTION) | forbidden)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_flows_suffice_and_all_else_is_refused(network: PodNetwork, overlay: str) -> None:
    """Also what no test below asks for: enforcement and the model of `flows.py` agree."""
    enforce(network, overlay)
    model = Policies(rendered(overlay))
    everything = {
        (source, target, port, "TCP")
        for source in PEERS
        for target in PEERS
        for port in PORTS
        # About what enters and leaves other namespaces, others decide.
        if source != target and (is_ours(PEERS[source]) or is_ours(PEERS[target]))
    }
    allowed = {flow for flow in everything if model.allow(PEERS[flow[0]], PEERS[flow[1]], flow[2])}
    assert {flow for flow in ours(overlay) if flow[3] == "TCP"} <= allowed
    until_all_pass(network, allowed)
    assert not network.reached(everything - allowed)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_policy_is_needed(network: PodNetwork, overlay: str) -> None:
    enforce(network, overlay)
    wanted, cut_off = ours(overlay), {("other-pod", "neighbour", 443, "TCP")}
    tried = policies(LOCAL) if overlay == PRODUCTION else {}
    for name, policy in policies(overlay).items():
        if tried.get(name) == policy:
            continue  # the same object in both
        network.remove(name)
        if name == "deny-all":
            until(lambda: network.reached(cut_off) == cut_off, name, seconds=60)
        else:
            # `deny-all` still selects its pods.
            until(lambda: network.reached(wanted) != wanted, name, seconds=60)
        network.apply([policy])
        until_all_pass(network, wanted)
    until(lambda: not network.reached(cut_off), "deny-all", seconds=60)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_line_of_a_policy_is_needed(overlay: str) -> None:
    """By the model, which enforcement agrees with: without the line, a flow is refused."""
    for name, thinner in without_a_line(rendered(overlay)):
        model = Policies(thinner)
        assert any(
            not model.allow(PEERS[source], PEERS[target], port, protocol)
            for source, target, port, protocol in flows(overlay)
        ), f"a line of {name} that nobody needs"


def without_a_line(resources: Sequence[Resource]) -> Iterator[tuple[str, list[Resource]]]:
    """The resources, each time without another peer or port of a network policy."""
    for number, resource in enumerate(resources):
        if resource["kind"] != "NetworkPolicy":
            continue
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            for place, rule in enumerate(resource["spec"].get(direction, ())):
                for part in (peers, "ports"):
                    for index in range(len(rule.get(part, ()))):
                        copy = deepcopy(resource)
                        lines = copy["spec"][direction]
                        del lines[place][part][index]
                        if not lines[place][part]:
                            del lines[place]  # an empty list would mean everybody
                        name = f"{resource['metadata']['name']}: {direction} {place} {part} {index}"
                        yield name, [*resources[:number], copy, *resources[number + 1 :]]

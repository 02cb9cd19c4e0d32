"""What NetworkPolicies let through, as the Kubernetes documentation defines it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

from tests.support.kustomize import Resource


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of a connection: a pod of our namespace or of another one, or an address outside."""

    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] | None = None
    address: str = ""


class Policies:
    """The NetworkPolicies of one namespace."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._specs = [r["spec"] for r in resources if r["kind"] == "NetworkPolicy"]

    def allow(self, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
        """Whether `source` may connect to a port of `target`, as far as our namespace decides."""
        return self._lets(source, "Egress", target, port, protocol) and self._lets(
            target, "Ingress", source, port, protocol
        )

    def _lets(self, pod: Peer, direction: str, other: Peer, port: int, protocol: str) -> bool:
        if pod.namespace is not None or pod.address:
            return True  # its own namespace decides
        selecting = [
            spec
            for spec in self._specs
            if direction in spec["policyTypes"] and _selects(spec["podSelector"], pod.labels)
        ]
        key = direction.lower()
        peers = {"ingress": "from", "egress": "to"}[key]
        return not selecting or any(
            _matches_peer(rule.get(peers), other) and _matches_port(rule, port, protocol)
            for spec in selecting
            for rule in spec.get(key, ())
        )


def _matches_peer(peers: Sequence[Mapping[str, Any]] | None, other: Peer) -> bool:
    return not peers or any(_is(peer, other) for peer in peers)


def _is(peer: Mapping[str, Any], other: Peer) -> bool:
    if "ipBlock" in peer:
        if not other.address:
            return False
        block, address = peer["ipBlock"], ip_address(other.address)
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(network) for network in block.get("except", ())
        )
    if other.address:
        return False
    if "namespaceSelector" in peer:
        inside = _selects(peer["namespaceSelector"], other.namespace or {})
    else:
        inside = other.namespace is None
    return inside and _selects(peer.get("podSelector", {}), other.labels)


def _matches_port(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    return not rule.get("ports") or any(
        each.get("protocol", "TCP") == protocol
        and each["port"] <= port <= each.get("endPort", each["port"])
        for each in rule["ports"]
    )


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(_meets(each, labels) for each in selector.get("matchExpressions", ()))


def _meets(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert expression["operator"] == "In", "the only operator that our manifests use"
    return labels.get(expression["key"]) in expression["values"]

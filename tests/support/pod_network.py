"""Pods without containers: network namespaces that an API server knows as pods.

kube-router enforces the API server's network policies on them, as it does on a node.
"""

import ctypes
import itertools
import json
import os
import resource
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.cluster.control_plane import Cluster, control_plane
from deploy.cluster.node import packet_rules, remove_policies, router
from deploy.cluster.programs import ROUTER, built, debian
from deploy.local.processes import stop
from tests.deploy.flows import Peer
from tests.support.kustomize import Resource

_BRIDGE, _ADDRESS, _NODE = "barong9", "10.244.9.1", "node9"
_CLONE_NEWNET = 0x40000000
_PROBE_SECONDS = 1.5
_AT_ONCE = 3000
Flow = tuple[str, str, int, str]
"""Names of source and target, a port, and TCP or UDP."""

_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class _Place:
    """A network namespace of this machine, and what the cluster knows it as."""

    network: str
    address: str
    peer: Peer
    namespace: str


@dataclass
class PodNetwork:
    """Pods, and places outside, that listen at all ports which matter."""

    cluster: Cluster
    places: dict[str, _Place] = field(default_factory=dict)
    servers: dict[tuple[str, int], socket.socket] = field(default_factory=dict)
    receivers: dict[str, socket.socket] = field(default_factory=dict)

    def reached(self, flows: Iterable[Flow]) -> set[Flow]:
        """Those of the connections, and of the datagrams to port 53, that get to their targets."""
        found: set[Flow] = set()
        wanted = sorted(flows)
        for start in range(0, len(wanted), _AT_ONCE):
            found |= self._reached(wanted[start : start + _AT_ONCE])
        return found

    def _reached(self, flows: Sequence[Flow]) -> set[Flow]:
        with ExitStack() as exits:
            clients: dict[socket.socket, Flow] = {}
            for source, of_source in itertools.groupby(flows, key=lambda flow: flow[0]):
                with _inside(self.places[source].network):
                    for flow in of_source:
                        kind = socket.SOCK_STREAM if flow[3] == "TCP" else socket.SOCK_DGRAM
                        client = exits.enter_context(socket.socket(type=kind))
                        client.setblocking(False)
                        clients[client] = flow
            for client, (_, target, port, _) in clients.items():
                client.connect_ex((self.places[target].address, port))
            streams = {c: flow for c, flow in clients.items() if flow[3] == "TCP"}
            marks = {os.urandom(8): c for c in clients if c not in streams}
            for mark, client in marks.items():
                with suppress(OSError):
                    client.send(mark)
            connected = _connected(list(streams))
            arrived = self._arrived(set(marks))
            self._accept_all()
        return {clients[c] for c in connected} | {clients[marks[mark]] for mark in arrived}

    def _arrived(self, marks: set[bytes]) -> set[bytes]:
        end, found = time.monotonic() + _PROBE_SECONDS, set[bytes]()
        while found != marks and time.monotonic() < end:
            ready = select.select(list(self.receivers.values()), (), (), 0.1)[0]
            found |= {receiver.recv(64) for receiver in ready} & marks
        return found

    def _accept_all(self) -> None:
        for server in self.servers.values():
            with suppress(BlockingIOError):
                while True:
                    server.accept()[0].close()

    def apply(self, policies: Sequence[Resource]) -> None:
        """Adds policies, or puts them back."""
        self.cluster.kubectl("apply", "-f", "-", text=_list(policies))

    def remove(self, *policies: str) -> None:
        """Deletes policies; without names, all of them."""
        self.cluster.kubectl("-n", "barong", "delete", "networkpolicy", *(policies or ("--all",)))


def _connected(clients: Sequence[socket.socket]) -> set[socket.socket]:
    """Which of them are connected before the time is up; the others are refused or unanswered."""
    poll, by_number = select.poll(), {client.fileno(): client for client in clients}
    for number in by_number:
        poll.register(number, select.POLLOUT)
    found, end = set[socket.socket](), time.monotonic() + _PROBE_SECONDS
    while by_number and (left := end - time.monotonic()) > 0:
        for number, _ in poll.poll(left * 1000):
            poll.unregister(number)
            client = by_number.pop(number)
            if not client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                found.add(client)
    return found


@contextmanager
def pod_network(peers: Mapping[str, Peer], ports: Sequence[int]) -> Iterator[PodNetwork]:
    """A place for each peer, all of which listen at these ports; there is no policy yet.

    Raises `NoClusterError` where this machine cannot.
    """
    for program, package in (("iptables", "iptables"), ("ipset", "ipset")):
        debian(program, package)
    built((ROUTER,))
    with packet_rules(), ExitStack() as exits:
        _allow_open_files(exits)
        cluster = exits.enter_context(control_plane("policies", controllers=False))
        network = PodNetwork(cluster)
        _make_bridge(exits)
        for number, (name, peer) in enumerate(peers.items(), start=2):
            network.places[name] = _make_place(exits, number, peer)
            _listen(exits, network, name, ports)
        _register(cluster, network.places)
        process = cluster.start(ROUTER, router(cluster, _NODE))
        exits.callback(remove_policies)
        exits.callback(stop, process, signal.SIGTERM, 20)
        yield network


def _allow_open_files(exits: ExitStack) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    exits.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))


def _make_bridge(exits: ExitStack) -> None:
    _run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")
    exits.callback(_ask, "ip", "link", "delete", _BRIDGE)
    _ask("ip", "link", "add", _BRIDGE, "type", "bridge")
    _run("ip", "address", "replace", f"{_ADDRESS}/24", "dev", _BRIDGE)
    _run("ip", "link", "set", _BRIDGE, "up")
    for way in ("-i", "-o"):
        rule = ("FORWARD", way, _BRIDGE, "-j", "ACCEPT")
        _run("iptables", "-A", *rule)
        exits.callback(_ask, "iptables", "-D", *rule)


def _make_place(exits: ExitStack, number: int, peer: Peer) -> _Place:
    network, outside = f"barong-test-{number}", f"barong-t{number}"
    address = f"10.244.9.{number}"
    # What a run left behind that was killed.
    _ask("ip", "link", "delete", outside)
    _ask("ip", "netns", "delete", network)
    _run("ip", "netns", "add", network)
    exits.callback(_ask, "ip", "netns", "delete", network)
    _run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", network)
    _run("ip", "link", "set", outside, "master", _BRIDGE, "up")
    inside = ("ip", "-n", network)
    _run(*inside, "link", "set", "lo", "up")
    _run(*inside, "link", "set", "eth0", "up")
    _run(*inside, "address", "add", f"{address}/24", "dev", "eth0")
    _run(*inside, "route", "add", "default", "via", _ADDRESS)
    if peer.address:  # a place outside of the cluster, behind the bridge
        _run(*inside, "address", "add", f"{peer.address}/32", "dev", "eth0")
        _run("ip", "route", "replace", f"{peer.address}/32", "via", address)
        _run(*inside, "route", "replace", "default", "via", _ADDRESS, "src", peer.address)
        return _Place(network, peer.address, peer, "")
    if peer.namespace is None:
        return _Place(network, address, peer, "barong")
    named = peer.namespace.get("kubernetes.io/metadata.name")
    return _Place(network, address, peer, named or f"labelled-{number}")


def _listen(exits: ExitStack, network: PodNetwork, name: str, ports: Sequence[int]) -> None:
    place = network.places[name]
    with _inside(place.network):
        for port in ports:
            server = socket.create_server((place.address, port), backlog=512)
            server.setblocking(False)
            network.servers[name, port] = exits.enter_context(server)
        receiver = socket.socket(type=socket.SOCK_DGRAM)
        receiver.bind((place.address, 53))
        receiver.setblocking(False)
        network.receivers[name] = exits.enter_context(receiver)


def _register(cluster: Cluster, places: Mapping[str, _Place]) -> None:
    """Node, namespaces and pods, of which the API server believes that they run."""
    inside = {name: place for name, place in places.items() if place.namespace}
    namespaces = {place.namespace: place.peer.namespace or {} for place in inside.values()}
    existing = {each["metadata"]["name"] for each in cluster.list("namespaces")}
    made = [
        *(
            _object("Namespace", n, labels=labels)
            for n, labels in namespaces.items()
            if n not in existing
        ),
        *(_object("ServiceAccount", "default", namespace=n) for n in namespaces),
        _object("Node", _NODE),
        *(_pod(name, place) for name, place in inside.items()),
    ]
    cluster.kubectl("create", "-f", "-", text=_list(made))
    statuses = [
        {
            **_object("Node", _NODE),
            "status": {"addresses": [{"type": "InternalIP", "address": _ADDRESS}]},
        },
        *(
            {
                **_object("Pod", name, namespace=place.namespace),
                "status": {
                    "phase": "Running",
                    "hostIP": _ADDRESS,
                    "podIP": place.address,
                    "podIPs": [{"ip": place.address}],
                },
            }
            for name, place in inside.items()
        ),
    ]
    cluster.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--subresource=status", "-f", "-"),
        text=_list(statuses),
    )


def _pod(name: str, place: _Place) -> Resource:
    pod = _object("Pod", name, namespace=place.namespace, labels=place.peer.labels)
    containers = [{"name": "none", "image": "none"}]
    account = {"automountServiceAccountToken": False}
    return {**pod, "spec": {"nodeName": _NODE, "containers": containers, **account}}


def _object(
    kind: str, name: str, *, namespace: str = "", labels: Mapping[str, str] | None = None
) -> Resource:
    where = {"namespace": namespace} if namespace else {}
    metadata = {"name": name, "labels": dict(labels or {}), **where}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def _list(items: Sequence[Resource]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})


@contextmanager
def _inside(network: str) -> Iterator[None]:
    """This thread in another network namespace; a socket stays in that in which it was made."""
    with Path("/proc/thread-self/ns/net").open() as here:
        with Path("/run/netns", network).open() as there:
            _enter(there.fileno())
        try:
            yield
        finally:
            _enter(here.fileno())


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True, timeout=60)


def _ask(*command: str | Path) -> None:
    with suppress(subprocess.SubprocessError):
        subprocess.run(command, capture_output=True, check=False, timeout=60)

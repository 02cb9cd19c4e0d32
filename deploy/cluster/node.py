"""Nodes for a cluster: containerd, kubelets, kube-proxy, names, and enforced network policies.

All nodes are on this machine. Each has a containerd, a kubelet and a bridge of its own; they share
the machine's address, its kube-proxy and its kube-router, which enforces network policies.
"""

import fcntl
import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.cluster.control_plane import (
    POD_NETWORK,
    SERVICE_NETWORK,
    Cluster,
    as_administrator,
    until,
)
from deploy.cluster.programs import NODE, ROUTER, built, debian
from deploy.local.ports import free_ports
from deploy.local.processes import stop

SANDBOX = "barong-base/sandbox:1"
NAMES = "barong-base/names:1"
_ADDRESS = "10.244.1.1"
"""The machine's, as the nodes see it: that of the first bridge."""

_NAME_SERVICE = "10.96.0.10"
_CGROUPS = Path("/sys/fs/cgroup")
_START_SECONDS = 180.0
_WEIGHT = 8
"""Of all pods of a node, as a multiple of one process beside them: all would be one otherwise."""
_RULES = ("-i", "-o")
_OF_ROUTER = re.compile(r"\bKUBE-(ROUTER|POD-FW|NWPLCY)-")
_SET_OF_ROUTER = re.compile(r"(inet6:)?(KUBE-(DST|SRC)-|kube-router-)")


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a cluster."""

    name: str
    number: int
    folder: Path

    @property
    def bridge(self) -> str:
        """The network interface to which its pods are connected."""
        return f"barong{self.number}"

    @property
    def cgroup(self) -> str:
        """Under which its pods run."""
        return f"barong-node{self.number}"

    @property
    def logs(self) -> Path:
        """Where its kubelet keeps what its pods say."""
        return self.folder / "logs"

    def containers(self, *arguments: str) -> str:
        """What `ctr` says of the node's containers."""
        return subprocess.run(
            ("ctr", "--address", self.folder / "containerd.sock", "-n", "k8s.io", *arguments),
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        ).stdout

    def kill(self, container: str) -> None:
        """Ends a container's processes with SIGKILL, as a lack of memory does."""
        self.containers("tasks", "kill", "--all", "--signal", "SIGKILL", container)


@contextmanager
def packet_rules() -> Iterator[None]:
    """Keeps others from the packet rules of this machine, which kube-router takes for its own."""
    with Path("/run/lock/barong-cluster").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def router(cluster: Cluster, node: str) -> Sequence[str | Path]:
    """The command that enforces network policies on the pods of a node's address."""
    return (
        *(cluster.programs / ROUTER, f"--kubeconfig={cluster.kubeconfig}"),
        *("--run-firewall=true", "--run-router=false", "--run-service-proxy=false"),
        *("--run-loadbalancer=false", "--enable-cni=false", "--enable-ipv6=false"),
        *(f"--hostname-override={node}", f"--service-cluster-ip-range={SERVICE_NETWORK}"),
        *("--health-port=0", "--metrics-port=0"),
    )


@contextmanager
def nodes(cluster: Cluster, images: Path, count: int = 2) -> Iterator[Sequence[Node]]:
    """Ready nodes with the images of an archive (`docker save`); raises `NoClusterError`."""
    for program, package in (
        ("containerd", "containerd"),
        ("iptables", "iptables"),
        ("ipset", "ipset"),
        ("conntrack", "conntrack"),
    ):
        debian(program, package)
    if not Path("/usr/lib/cni/bridge").exists():
        debian("/usr/lib/cni/bridge", "containernetworking-plugins")
    built((*NODE, ROUTER))
    made = [Node(f"node{n}", n, cluster.folder / f"node{n}") for n in range(1, count + 1)]
    with packet_rules(), ExitStack() as exits:
        exits.callback(_clean, cluster)
        _prepare_network(exits, made)
        _start(cluster, exits, "kube-scheduler", _scheduler(cluster))
        # First the proxy: an address that nobody knows yet may be answered by whatever is outside.
        _start(cluster, exits, "kube-proxy", _proxy(cluster))
        for node in made:
            _start_node(cluster, exits, node, images)
        cluster.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=180s")
        _start(cluster, exits, ROUTER, router(cluster, "node1"))
        _start_names(cluster)
        yield made


def publish_names(cluster: Cluster) -> None:
    """Tells the name server of every Service that there is."""
    lines = [
        f"{each['spec']['clusterIP']} {name}.{namespace}.svc.cluster.local\n"
        for each in cluster.list("services", "-A")
        for name, namespace in [(each["metadata"]["name"], each["metadata"]["namespace"])]
    ]
    # It reads each new file of the folder.
    file = _names_folder(cluster) / "services"
    if not file.exists() or file.read_text() != "".join(lines):
        file.write_text("".join(lines))


def provide_volumes(cluster: Cluster) -> None:
    """What the local overlay claims, empty, on the first node."""
    volumes = []
    for size in ("1Gi", "2Gi"):
        folder = cluster.folder / f"volume-{size}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        folder.chmod(0o1777)
        on_first = [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}]
        volumes.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"volume-{size.lower()}"},
                "spec": {
                    "capacity": {"storage": size},
                    "accessModes": ["ReadWriteOnce"],
                    "hostPath": {"path": str(folder)},
                    "nodeAffinity": {
                        "required": {"nodeSelectorTerms": [{"matchExpressions": on_first}]}
                    },
                },
            }
        )
    items = {"apiVersion": "v1", "kind": "List", "items": volumes}
    cluster.kubectl("create", "-f", "-", text=json.dumps(items))


def _names_folder(cluster: Cluster) -> Path:
    return cluster.folder / "names"


def _start(
    cluster: Cluster, exits: ExitStack, name: str, command: Sequence[str | Path]
) -> "subprocess.Popen[bytes]":
    process = cluster.start(name, command)
    exits.callback(stop, process, signal.SIGTERM, 20)
    return process


def _prepare_network(exits: ExitStack, made: Sequence[Node]) -> None:
    exits.callback(_remove_network_namespaces, _network_namespaces())
    _run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")
    for node in made:
        exits.callback(_ask, "ip", "link", "delete", node.bridge)
        _ask("ip", "link", "add", node.bridge, "type", "bridge")
        _run("ip", "address", "replace", f"10.244.{node.number}.1/24", "dev", node.bridge)
        _run("ip", "link", "set", node.bridge, "up")
        for rule in _RULES:
            # Last, behind whatever refuses; where a Docker engine ran, its policy is to drop.
            accept = (rule, node.bridge, "-j", "ACCEPT")
            _run("iptables", "-A", "FORWARD", *accept)
            exits.callback(_ask, "iptables", "-D", "FORWARD", *accept)


def _network_namespaces() -> set[str]:
    listed = subprocess.run(("ip", "netns", "list"), capture_output=True, text=True, check=True)
    return {line.split()[0] for line in listed.stdout.splitlines() if line.startswith("cni-")}


def _remove_network_namespaces(before: set[str]) -> None:
    """Those of pods whose end no kubelet has seen."""
    for name in _network_namespaces() - before:
        _ask("ip", "netns", "delete", name)


def _scheduler(cluster: Cluster) -> Sequence[str | Path]:
    (port,) = free_ports(1)
    return (
        cluster.programs / "kube-scheduler",
        *as_administrator(cluster),
        *("--leader-elect=false", "--bind-address=127.0.0.1", f"--secure-port={port}"),
        f"--cert-dir={cluster.folder}/scheduler-certs",
    )


def _proxy(cluster: Cluster) -> Sequence[str | Path]:
    metrics, health = free_ports(2)
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(cluster.kubeconfig)},
        "mode": "iptables",
        "clusterCIDR": POD_NETWORK,
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "oomScoreAdj": 0,
        "hostnameOverride": "node1",
        "metricsBindAddress": f"127.0.0.1:{metrics}",
        "healthzBindAddress": f"127.0.0.1:{health}",
    }
    file = cluster.folder / "proxy.json"
    file.write_text(json.dumps(settings))
    return (cluster.programs / "kube-proxy", f"--config={file}")


def _start_node(cluster: Cluster, exits: ExitStack, node: Node, images: Path) -> None:
    containerd = node.folder / "containerd.sock"
    shutil.rmtree(node.folder, ignore_errors=True)
    (node.folder / "net.d").mkdir(parents=True)
    (node.folder / "kubelet").mkdir()
    (node.folder / "containerd.toml").write_text(_containerd(node))
    (node.folder / "net.d" / "10-bridge.conflist").write_text(json.dumps(_bridge(node)))
    exits.callback(_remove_cgroups, node)
    exits.callback(_unmount, node.folder)
    _start(
        *(cluster, exits, f"containerd-{node.name}"),
        ("containerd", "--config", node.folder / "containerd.toml"),
    )
    until(
        lambda: not _ask("ctr", "--address", str(containerd), "version"),
        "containerd answers",
        seconds=60,
    )
    exits.callback(_end_pods, node)
    node.containers("images", "import", "--no-unpack", str(images))
    _make_cgroups(node)
    file = node.folder / "kubelet.json"
    file.write_text(json.dumps(_kubelet(cluster, node, *free_ports(2))))
    _start(
        *(cluster, exits, f"kubelet-{node.name}"),
        (
            *(cluster.programs / "kubelet", f"--config={file}"),
            *(f"--kubeconfig={cluster.kubeconfig}", f"--hostname-override={node.name}"),
            *(f"--root-dir={node.folder}/kubelet", f"--cert-dir={node.folder}/kubelet/pki"),
            f"--node-ip={_ADDRESS}",
        ),
    )
    until(
        lambda: not cluster.ask("get", "node", node.name).returncode,
        f"{node.name} has registered",
        seconds=_START_SECONDS,
    )


def _containerd(node: Node) -> str:
    return f"""\
version = 2
root = "{node.folder}/containerd"
state = "{node.folder}/containerd-state"
[grpc]
  address = "{node.folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  # Without CAP_SYS_RESOURCE nobody may protect a process from the out-of-memory killer.
  restrict_oom_score_adj = true
  sandbox_image = "docker.io/{SANDBOX}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{node.folder}/net.d"
"""


def _bridge(node: Node) -> dict[str, object]:
    # No masquerading between nodes: policies go by the pods' own addresses.
    return {
        "cniVersion": "0.4.0",
        "name": node.bridge,
        "plugins": [
            {
                "type": "bridge",
                "bridge": node.bridge,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(node.folder / "addresses"),
                    "ranges": [[{"subnet": f"10.244.{node.number}.0/24"}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            }
        ],
    }


def _kubelet(cluster: Cluster, node: Node, port: int, health: int) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": _ADDRESS,
        "port": port,
        "healthzPort": health,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(cluster.folder / "authority.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "clusterDNS": [_NAME_SERVICE],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{node.folder}/containerd.sock",
        "failSwapOn": False,
        "podLogsDir": str(node.logs),
        # A full disk of this machine would take images that nobody can pull again.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "200Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
    }


def _make_cgroups(node: Node) -> None:
    """A group for the pods of a node, in each hierarchy of version 1, or in the one of 2."""
    if (_CGROUPS / "cgroup.controllers").exists():
        (_CGROUPS / node.cgroup).mkdir(exist_ok=True)
        _give_weight(_CGROUPS / node.cgroup)
        return
    for hierarchy in _CGROUPS.iterdir():
        if hierarchy.is_symlink():
            continue
        with suppress(OSError):
            (hierarchy / node.cgroup).mkdir(exist_ok=True)
        _give_weight(hierarchy / node.cgroup)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (hierarchy / setting).exists():
                (hierarchy / node.cgroup / setting).write_text((hierarchy / setting).read_text())


def _give_weight(group: Path) -> None:
    for name, of_one in (("cpu.shares", 1024), ("cpu.weight", 100)):
        if (group / name).exists():
            (group / name).write_text(str(of_one * _WEIGHT))


def _remove_cgroups(node: Node) -> None:
    hierarchies = [_CGROUPS, *(each for each in _CGROUPS.iterdir() if each.is_dir())]
    for hierarchy in hierarchies:
        group = hierarchy / node.cgroup
        folders = [path for path in group.rglob("*") if path.is_dir()] if group.exists() else []
        for folder in [*sorted(folders, reverse=True), group]:
            with suppress(OSError):
                folder.rmdir()


def _start_names(cluster: Cluster) -> None:
    """A name server in kube-system, behind the Service that kubelets tell pods of."""
    folder = _names_folder(cluster)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    folder.chmod(0o755)
    labels = {"k8s-app": "kube-dns"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "names", "namespace": "kube-system", "labels": labels},
        "spec": {
            "nodeName": "node1",
            "dnsPolicy": "Default",
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "names",
                    "image": NAMES,
                    "imagePullPolicy": "Never",
                    "volumeMounts": [{"name": "names", "mountPath": "/names"}],
                }
            ],
            "volumes": [{"name": "names", "hostPath": {"path": str(folder)}}],
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system"},
        "spec": {
            "clusterIP": _NAME_SERVICE,
            "selector": labels,
            "ports": [
                {"name": "udp", "port": 53, "protocol": "UDP"},
                {"name": "tcp", "port": 53, "protocol": "TCP"},
            ],
        },
    }
    until(
        lambda: not cluster.ask("-n", "kube-system", "get", "serviceaccount", "default").returncode,
        "kube-system has its account",
        seconds=60,
    )
    items = {"apiVersion": "v1", "kind": "List", "items": [service, pod]}
    cluster.kubectl("create", "-f", "-", text=json.dumps(items))
    cluster.kubectl(
        *("-n", "kube-system", "wait", "--for=condition=Ready", "pod/names", "--timeout=120s"),
        seconds=150,
    )


def _end_pods(node: Node) -> None:
    """Kills what still runs; without its kubelet nothing starts it again."""
    with suppress(subprocess.SubprocessError):
        for task in node.containers("tasks", "ls", "-q").split():
            _ask(
                *("ctr", "--address", str(node.folder / "containerd.sock"), "-n", "k8s.io"),
                *("tasks", "kill", "--all", "--signal", "SIGKILL", task),
            )
        end = time.monotonic() + 20
        while "RUNNING" in node.containers("tasks", "ls") and time.monotonic() < end:
            time.sleep(0.3)
        for container in node.containers("containers", "ls", "-q").split():
            _ask(
                *("ctr", "--address", str(node.folder / "containerd.sock"), "-n", "k8s.io"),
                *("tasks", "delete", "--force", container),
            )


def _unmount(folder: Path) -> None:
    lines = Path("/proc/mounts").read_text().splitlines()
    for mount in sorted((line.split()[1] for line in lines), reverse=True):
        if mount.startswith(f"{folder}/"):
            _ask("umount", "--lazy", mount)


def _clean(cluster: Cluster) -> None:
    """Removes the rules and the sets of the proxy and of the policies."""
    remove_policies()
    _ask(str(cluster.programs / "kube-proxy"), "--cleanup")


def remove_policies() -> None:
    """Removes what kube-router enforces with; its `--cleanup-config` panics."""
    saved = subprocess.run(
        ("iptables-save", "-t", "filter"), capture_output=True, text=True, check=True
    )
    others = [line for line in saved.stdout.splitlines() if not _OF_ROUTER.search(line)]
    subprocess.run(
        ("iptables-restore", "--table=filter"),
        input="\n".join((*others, "")),
        text=True,
        check=True,
    )
    sets = subprocess.run(("ipset", "list", "-n"), capture_output=True, text=True, check=True)
    for name in sets.stdout.split():
        if _SET_OF_ROUTER.match(name):
            _ask("ipset", "destroy", name)


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True, timeout=60)


def _ask(*command: str) -> int:
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode
